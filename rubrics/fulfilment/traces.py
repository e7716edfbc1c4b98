"""The truth of the trace exercise, measured on one order whose first capture fails."""

from __future__ import annotations

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow_one_order(stage: Stage) -> TraceTruth:
    """Run the tracer and hand on what it saw."""
    shop = stage.kit.shop(payments=(503,))
    async with stage.open(shop.world, driver=stage.rubric / "tracer.ts") as job:
        answer = await job.call("follow")
    if not answer.ok or shop.status() != "confirmed" or len(shop.captures) != 1:
        raise RuntimeError(f"the order was not confirmed at the second attempt: {answer}, {shop.status()}")
    return TraceTruth(order=tuple(answer.value["order"]), marks=answer.value["marks"])
