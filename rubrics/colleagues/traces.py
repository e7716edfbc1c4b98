"""The truth of the trace exercise, measured on one search that finds one person."""

from __future__ import annotations

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow_one_search(stage: Stage) -> TraceTruth:
    """Run the tracer and hand on what it saw."""
    site = stage.kit.site(ada=stage.kit.crowd(["Ada"]))
    async with stage.open(site.world, driver=stage.rubric / f"tracer{stage.driver.suffix}") as job:
        answer = await job.call("follow")
    if not answer.ok or site.asked != ["ada"]:
        raise RuntimeError(f"the search did not find anybody: {answer}, {site.asked}")
    return TraceTruth(order=tuple(answer.value["order"]), marks=answer.value["marks"])
