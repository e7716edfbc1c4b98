"""The truth of the trace exercise, measured on one change while a page looks on."""

from __future__ import annotations

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow_one_change(stage: Stage) -> TraceTruth:
    """Run the tracer and hand on what it saw."""
    async with stage.open(stage.kit.office(empty=True), driver=stage.rubric / "tracer.py") as job:
        answer = await job.call("follow", timeout=30)
    if not answer.ok or answer.value["status"] != 200:
        raise RuntimeError(f"the task was not changed: {answer}")
    return TraceTruth(order=tuple(answer.value["order"]), marks=answer.value["marks"])
