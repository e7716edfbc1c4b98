"""One order, and a provider that fails for a while."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

UNITS = 10
MOMENTS = {"no failure": (), "one failure": (503,), "two failures": (503, 503), "away": (503,) * 10}


async def run(stage: Stage) -> ProbeResult:
    """The same order on four days."""
    rows = []
    for moment, payments in MOMENTS.items():
        shop = stage.kit.shop(UNITS, payments=payments)
        async with stage.open(shop.world) as job:
            await stage.kit.submit(job, 1)
            await job.call("settle")
            seen = (await job.call("status", orderId="o-1")).value
            taken = UNITS - shop.on_hand()
        rows.append({"provider": moment, "asked": shop.tries["o-1"], "units off the shelf": taken, "status": seen})
    return ProbeResult(
        verdict="One order of one unit: " + "; ".join(f"{r['provider']}: {r['units off the shelf']} off the shelf" for r in rows),
        plots=[
            bars("Requests for a capture", {r["provider"]: r["asked"] for r in rows}, y="requests"),
            bars("Units off the shelf", {r["provider"]: r["units off the shelf"] for r in rows}, y="units"),
        ],
        table=rows,
    )
