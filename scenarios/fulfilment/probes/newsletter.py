"""Many orders within a moment."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

RUSHES = (5, 20, 40)


async def run(stage: Stage) -> ProbeResult:
    """Rushes of three sizes; the provider takes its time."""
    rows = []
    for orders in RUSHES:
        shop = stage.kit.shop(2 * orders, gate=orders)
        async with stage.open(shop.world) as job:
            taken = stage.kit.queued(await stage.kit.submit(job, orders))
            await stage.kit.until_open(job, shop)
        rows.append({"orders": orders, "taken": taken, "captures at the same moment": shop.peak})
    return ProbeResult(
        verdict="; ".join(f"{r['orders']} orders: {r['captures at the same moment']} captures at the same moment" for r in rows),
        plots=[bars("Captures at the provider at the same moment", {str(r["orders"]): r["captures at the same moment"] for r in rows}, y="captures")],
        table=rows,
    )
