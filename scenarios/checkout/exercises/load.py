"""A few seconds of an evening in front of one worker; half-way the gateway becomes slower."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

from reviewkit.harness import HttpCall, Recording, Stage, lines

PAYMENTS, PAGES = 48, 30
SECONDS, SLOW_FROM = 3.0, 1.2
QUICK_ANSWER, SLOW_ANSWER = 0.03, 0.6


async def run(stage: Stage, seed: int) -> Recording:
    """Play the evening and return what the worker measured and logged."""
    rng = Random(seed)
    folder = stage.scenario / "exercises" / "evening"
    parts = stage.kit.shop(orders=PAYMENTS + 1)
    start = time.monotonic()

    async def think(_call: HttpCall) -> None:
        await asyncio.sleep(QUICK_ANSWER if time.monotonic() - start < SLOW_FROM else SLOW_ANSWER)

    parts.gateway.after = think
    evening = stage.with_tree(folder)
    async with evening.open(parts.world, driver=folder / "driver.py") as job:
        start = time.monotonic()
        answers = await job.call("play", timeout=40, plan=_plan(rng))
    statuses = answers.value if answers.ok else []
    samples = [data for kind, data in parts.world.facts if kind == "sample"]
    peak = max((sample["connections_in_use"] for sample in samples), default=0)
    return Recording(
        metrics=samples,
        events=parts.world.logs,
        plots=[
            lines("Requests without an answer", {"open": _series(samples, "requests_open")}, x="seconds", y="requests"),
            lines("Connections", {"in use": _series(samples, "connections_in_use")}, x="seconds", y="connections"),
            lines("The loop's timer", {"late": _series(samples, "loop_late_ms")}, x="seconds", y="milliseconds"),
            lines("Time until an order page had its connection", {"pages": _waits(parts.world.logs)}, x="seconds", y="milliseconds"),
        ],
        verdict=f"{statuses.count(200)} of {PAYMENTS + PAGES} requests were answered 200; at most {peak} connections in use",
    )


def _plan(rng: Random) -> list[tuple[float, str, str]]:
    """When each request is sent: payments and order pages evenly spread, with a little jitter."""
    payments = [(SECONDS * (n + rng.random()) / PAYMENTS, "POST", f"/orders/o-{n}/checkout") for n in range(PAYMENTS)]
    pages = [(SECONDS * (n + rng.random()) / PAGES, "GET", f"/orders/o-{PAYMENTS}") for n in range(PAGES)]
    return sorted([*payments, *pages])


def _series(samples: list[dict[str, float]], name: str) -> list[tuple[float, float]]:
    return [(sample["t"], float(sample[name])) for sample in samples]


def _waits(events: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(event["t"], event["connection_ms"]) for event in events if event.get("event") == "order.read"]
