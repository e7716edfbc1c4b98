"""Measures on the change itself what the trace exercise asks for."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Stage, TraceTruth, trace

Facts = list[tuple[str, Any]]


@trace("trace")
async def follow(stage: Stage) -> TraceTruth:
    """One order that falls short in its second line, then one that does not."""
    world = stage.kit.warehouse()
    async with stage.open(world, driver=stage.rubric / "tracer.py") as job:
        await job.call("order", request_id="r-1", products=["p-1", "p-2"])
        short = list(world.facts)
        await job.call("order", request_id="r-2", products=["p-1", "p-3"])
        whole = world.facts[len(short) :]
    order = tuple(dict.fromkeys(data["layer"] for kind, data in short if kind == "entered"))
    return TraceTruth(order=order, marks=marks(short, whole))


def marks(short: Facts, whole: Facts) -> dict[str, str]:
    """Layers of the marks: the commit that counts is the first one after the first change."""
    change = first(short, "statement", "UPDATE levels")
    return {
        "begins": short[change][1]["layer"],
        "final": short[first(short, "commit", start=change)][1]["layer"],
        "refusal": short[first(short, "raised")][1]["layer"],
        "stored": whole[first(whole, "statement", "INSERT INTO orders")][1]["layer"],
    }


def first(facts: Facts, kind: str, sql: str = "", start: int = 0) -> int:
    """Index of the first fact of a kind, for statements the first that begins so."""
    return next(
        index
        for index, (found, data) in enumerate(facts)
        if index >= start and found == kind and data.get("sql", "").startswith(sql)
    )
