"""The process is replaced while there is work."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

ORDERS = 6


async def run(stage: Stage) -> ProbeResult:
    """Orders are taken, then the next process starts; once asked to stop, once without notice."""
    rows = []
    for how in ("redeploy", "crash"):
        shop = stage.kit.shop(gate=ORDERS + 1)
        async with stage.open(shop.world) as job:
            taken = stage.kit.queued(await stage.kit.submit(job, ORDERS))
            await job.call("settle", turns=10)
            await job.call(how)
            await job.call("settle")
            done = sum(shop.status(f"o-{n + 1}") == "confirmed" for n in range(ORDERS))
        rows.append({"process": "asked to stop" if how == "redeploy" else "gone", "taken": taken, "confirmed": done, "mails": len(shop.mails)})
    return ProbeResult(
        verdict="; ".join(f"{r['process']}: {r['taken']} orders taken, {r['confirmed']} confirmed" for r in rows),
        plots=[bars("Orders confirmed in the end", {r["process"]: r["confirmed"] for r in rows}, y="orders")],
        table=rows,
    )
