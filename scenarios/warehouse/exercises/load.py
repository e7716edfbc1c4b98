"""A morning of one process and one product, recorded live."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from reviewkit.harness import Calls, Recording, Stage, lines

UNITS, BATCHES, WANTED, ATTEMPTS = 60, 8, 2, 3


@dataclass
class Morning:
    """What runs, and what was counted so far."""

    job: Calls
    kit: Any
    w: Any
    sku: str
    rng: Random
    began: float = field(default_factory=time.monotonic)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)

    async def send(self) -> bool:
        """One batch, which its tool sends again while it fails; whether it was reserved."""
        key, client = self.w.key(), f"tool-{self.rng.randint(1, 4)}"
        for attempt in range(ATTEMPTS):
            answer = await self.kit.batch(self.job, key, (self.sku, WANTED), client=client, order=f"o-{key}")
            status = answer["status"]
            self.answered[status] = self.answered.get(status, 0) + 1
            self.events.append({"event": "request.answered", "client": client, "key": key, "attempt": attempt + 1, "status": status})
            await self.record()
            if status != 500:
                return bool(status == 201)
        return False

    async def record(self) -> None:
        """One row."""
        self.metrics.append(
            {
                "t": round(time.monotonic() - self.began, 3),
                "answered_201": self.answered.get(201, 0),
                "answered_409": self.answered.get(409, 0),
                "answered_500": self.answered.get(500, 0),
                "units_in_table": await self.kit.units(self.job, self.sku),
                "units_reserved": await self.kit.reserved(self.job, self.sku),
                "audit_requests": self.w.requests,
                "audit_events": len(self.w.events),
            }
        )


async def run(stage: Stage, seed: int) -> Recording:
    """Three stretches of one morning."""
    kit = stage.kit
    w = kit.warehouse()
    done = []
    async with stage.with_tree(stage.scenario / "head").open(w.world) as job:
        (sku,) = await w.shelve(job, UNITS)
        morning = Morning(job, kit, w, sku, Random(seed))
        for away in (False, True, False):
            w.failing = BATCHES * ATTEMPTS if away else 0
            done.append(sum([await morning.send() for _ in range(BATCHES)]))
    last = morning.metrics[-1]
    return Recording(
        metrics=morning.metrics,
        events=morning.events,
        plots=plots(morning.metrics),
        verdict=(
            f"Batches reserved: {done[0]} of {BATCHES}, then {done[1]}, then {done[2]}; of {UNITS} units {last['units_reserved']} are reserved and "
            f"{last['units_in_table']} are left"
        ),
    )


def plots(metrics: list[dict[str, Any]]) -> list[Any]:
    """The recording as charts."""

    def over_time(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["t"], row[name]) for row in metrics] for name in names}

    return [
        lines("Answers", over_time("answered_201", "answered_409", "answered_500"), x="seconds", y="requests"),
        lines("Units", over_time("units_in_table", "units_reserved"), x="seconds", y="units"),
    ]
