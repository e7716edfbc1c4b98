"""A morning of one process: ordinary orders, a newsletter, ordinary orders again, recorded live."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from reviewkit.harness import Calls, Recording, Stage, lines

ALLOWED = 20
ORDINARY, NEWSLETTER, SLICE = 6, 60, 15
TURNS = 20
MOST_ROWS = 400


@dataclass
class Morning:
    """What runs, and what was counted so far."""

    job: Calls
    shop: Any
    rng: Random
    began: float = field(default_factory=time.monotonic)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    async def send(self, count: int) -> list[str]:
        """Send so many orders together."""
        orders = [f"o-{len(self.sent) + n + 1}" for n in range(count)]
        self.sent += orders
        await self.job.gather(("submit", {"orderId": order, "quantity": self.rng.randint(1, 2)}) for order in orders)
        return orders

    async def go_on(self, turns: int = TURNS) -> None:
        """Let the worker go on, and record one row."""
        await self.job.call("settle", turns=turns)
        said = Counter(event["event"] for event in self.shop.world.logs)
        self.metrics.append(
            {
                "t": round(time.monotonic() - self.began, 3),
                "taken": said["order.queued"],
                "confirmed": said["order.confirmed"],
                "attempts_failed": said["order.failed"],
                "captures_open": self.shop.now,
                "captures_allowed": ALLOWED,
                "provider_429": self.shop.refused,
                "people_woken": len(self.shop.alerts),
                "units": self.shop.on_hand(),
            }
        )

    def confirmed(self, orders: list[str]) -> int:
        """How many of these orders are."""
        return sum(self.shop.status(order) == "confirmed" for order in orders)


async def run(stage: Stage, seed: int) -> Recording:
    """Three stretches of one morning."""
    shop = stage.kit.shop(1_000, limit=ALLOWED)
    async with stage.with_tree(stage.scenario / "head").open(shop.world) as job:
        morning = Morning(job, shop, Random(seed))
        before = await ordinary(morning)
        during = await newsletter(morning)
        after = await ordinary(morning)
    return Recording(
        metrics=morning.metrics,
        events=list(shop.world.logs),
        plots=plots(morning.metrics),
        verdict=(
            f"Orders confirmed: {before} of {ORDINARY}, then {during} of {NEWSLETTER}, then {after} of {ORDINARY}; "
            f"people woken: {len(shop.alerts)}"
        ),
    )


async def ordinary(morning: Morning) -> int:
    """Orders one at a time; return those that were confirmed."""
    orders = []
    for _ in range(ORDINARY):
        orders += await morning.send(1)
        await morning.go_on()
    return morning.confirmed(orders)


async def newsletter(morning: Morning) -> int:
    """Many orders while the provider takes its two seconds for each; return those that were confirmed."""
    morning.shop.going.clear()
    orders = []
    for _ in range(NEWSLETTER // SLICE):
        orders += await morning.send(SLICE)
        await morning.go_on(turns=5)
    for done in (lambda: morning.shop.now, lambda: morning.confirmed(orders)):
        for _ in range(MOST_ROWS):
            if done() + len(morning.shop.alerts) >= NEWSLETTER:
                break
            await morning.go_on(turns=5)
        morning.shop.going.set()
    return morning.confirmed(orders)


def plots(metrics: list[dict[str, Any]]) -> list[Any]:
    """The recording as charts."""

    def over_time(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["t"], row[name]) for row in metrics] for name in names}

    return [
        lines("Orders", over_time("taken", "confirmed", "people_woken"), x="seconds", y="orders"),
        lines("Captures", over_time("captures_open", "captures_allowed", "provider_429"), x="seconds", y="captures"),
    ]
