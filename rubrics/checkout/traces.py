"""The truth of the trace exercise, measured on the head tree."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Stage, TraceTruth, trace


@trace("trace")
async def follow(stage: Stage) -> TraceTruth:
    """One order goes well, another meets a gateway that answers 503 each time."""
    well, facts = await _run(stage, [])
    order = tuple(dict.fromkeys(data["layer"] for kind, data in facts if kind == "entered"))
    marks = _first_marks(facts)
    failing, failures = await _run(stage, ["down"] * 9)
    if (well, failing) != (200, 502):
        raise RuntimeError(f"the runs to be measured were answered {well} and {failing}")
    return TraceTruth(order=order, marks={**marks, "error": _first_marks(failures)["error"]})


async def _run(stage: Stage, endings: list[str]) -> tuple[int, list[tuple[str, Any]]]:
    parts = stage.kit.shop()
    parts.gateway.script["o-0"] = list(endings)
    async with stage.open(parts.world, driver=stage.rubric / "tracer.py") as job:
        answer = await job.call("checkout", order_id="o-0")
    return answer.value, parts.world.facts


def _first_marks(facts: list[tuple[str, Any]]) -> dict[str, str]:
    marks: dict[str, str] = {}
    for kind, data in facts:
        if kind == "happened":
            marks.setdefault(data["mark"], data["layer"])
    return marks
