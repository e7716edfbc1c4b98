"""The truth of the trace exercise, measured on one report that is recorded."""

from __future__ import annotations

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow_one_report(stage: Stage) -> TraceTruth:
    """Run the tracer and hand on what it saw."""
    async with stage.open(stage.kit.counter(), driver=stage.rubric / "tracer.py") as job:
        answer = await job.call("follow")
    if not answer.ok or answer.value["status"] != 200:
        raise RuntimeError(f"the report was not recorded: {answer}")
    return TraceTruth(order=tuple(answer.value["order"]), marks=answer.value["marks"])
