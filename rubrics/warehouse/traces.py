"""The truth of the trace exercise, measured on one single reservation."""

from __future__ import annotations

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow_one_reservation(stage: Stage) -> TraceTruth:
    """Run the tracer and hand on what it saw."""
    async with stage.open(stage.kit.warehouse().world, driver=stage.rubric / "Tracer.java") as job:
        answer = await job.call("follow")
    if not answer.ok or answer.value["status"] != 201:
        raise RuntimeError(f"the units were not reserved: {answer}")
    return TraceTruth(order=tuple(answer.value["order"]), marks=answer.value["marks"])
