"""One product, looked at every ten seconds."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, lines

UNITS, STEPS, STEP_SECONDS = 20, 9, 10


async def run(stage: Stage) -> ProbeResult:
    """Another process reserves two units every ten seconds; the clock is turned by hand."""
    kit = stage.kit
    rows = []
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, UNITS)
        for step in range(STEPS + 1):
            left = UNITS - 2 * step
            await job.call("set", sku=sku, units=left)
            rows.append({"seconds": STEP_SECONDS * step, "shown": await kit.shown(job, sku), "there": left})
            await job.call("pass", seconds=STEP_SECONDS)
    return ProbeResult(
        verdict=f"After {STEPS * STEP_SECONDS} seconds {rows[-1]['there']} are there, and {rows[-1]['shown']} are shown",
        plots=[lines("Units", {name: [(r["seconds"], r[name] or 0) for r in rows] for name in ("shown", "there")}, x="seconds", y="units")],
        table=rows,
    )
