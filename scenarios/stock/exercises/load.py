"""An afternoon of one replica: orders, look-ups and transfers, recorded live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from reviewkit.harness import Answer, Calls, HttpCall, Recording, Reply, Stage, World, lines

POOL_SIZE = 5
POOL_SECONDS = 0.4
LOOKUPS = 12
PARTS = [f"p-{n}" for n in range(8)]
SAMPLE_SECONDS = 0.05
STEPS = 200
COUNTED = [f"{kind}_{end}" for kind in ("lookups", "orders", "transfers") for end in ("ok", "failed")]


@dataclass
class Courier:
    """Confirms pickups while it is going."""

    going: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def answer(self, call: HttpCall) -> Reply:
        """One pickup."""
        self.waiting += 1
        await self.going.wait()
        self.waiting -= 1
        return Reply(201, json={"pickup": call.json["reference"][:8]})


@dataclass
class Afternoon:
    """What runs, and what was counted so far."""

    job: Calls
    courier: Courier
    rng: Random
    accepted: Callable[[Answer], bool]
    began: float
    """When the service's own clock began, so that metrics and events share one."""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    metrics: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    async def call(self, kind: str, name: str, **arguments: Any) -> bool:
        """Send one request and count how it ended."""
        answer = await self.job.call(name, **arguments)
        done = self.accepted(answer)
        self.counts[f"{kind}_{'ok' if done else 'failed'}"] += 1
        return done

    async def lookup(self) -> bool:
        """Read the levels of a product."""
        return await self.call("lookups", "levels", product=self.rng.choice(PARTS))

    async def order(self) -> bool:
        """Order a unit or two."""
        self.sent += 1
        lines = [[self.rng.choice(PARTS), self.rng.randint(1, 2)]]
        return await self.call("orders", "order", request_id=f"r-{self.sent}", lines=lines)

    async def transfer(self) -> bool:
        """Send units south."""
        part, units = self.rng.choice(PARTS), self.rng.randint(1, 3)
        return await self.call(
            "transfers", "transfer", product=part, source="north", destination="south", quantity=units
        )

    async def sample(self) -> int:
        """Record one row; return the connections in use."""
        in_use = int((await self.job.call("in_use")).value)
        self.metrics.append(
            {
                "t": round(time.monotonic() - self.began, 3),
                "connections_in_use": in_use,
                "connections_max": POOL_SIZE,
                "courier_calls_open": self.courier.waiting,
                "statements": len(self.job.world.db().statements),
                **self.counts,
            }
        )
        return in_use

    async def keep_sampling(self) -> None:
        """Record until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)


async def run(stage: Stage, seed: int) -> Recording:
    """Three stretches of one afternoon."""
    courier = Courier()
    world: World = stage.kit.warehouse(courier.answer)
    async with stage.with_tree(stage.scenario / "head").open(world) as job:
        await stage.kit.fill(job, *((part, place, 500) for part in PARTS for place in ("north", "south")))
        await job.call("resize", pool_size=POOL_SIZE, pool_timeout=POOL_SECONDS)
        began = time.monotonic() - (await job.call("clock")).value
        afternoon = Afternoon(job, courier, Random(seed), stage.kit.accepted, began)
        sampler = asyncio.create_task(afternoon.keep_sampling())
        before = await ordinary(afternoon)
        during, in_use = await second_stretch(afternoon)
        after = await ordinary(afternoon)
        sampler.cancel()
    return Recording(
        metrics=afternoon.metrics,
        events=list(world.logs),
        plots=plots(afternoon.metrics),
        verdict=(
            f"Look-ups answered: {before} of {LOOKUPS}, then {during} of {LOOKUPS}, then {after} of {LOOKUPS}; "
            f"connections in use in the second stretch: {in_use} of {POOL_SIZE}"
        ),
    )


async def ordinary(afternoon: Afternoon) -> int:
    """Requests one at a time; return the look-ups that were answered."""
    afternoon.courier.going.set()
    answered = 0
    for n in range(LOOKUPS):
        answered += await afternoon.lookup()
        await (afternoon.transfer() if n % 4 == 3 else afternoon.order())
        await asyncio.sleep(SAMPLE_SECONDS)
    return answered


async def second_stretch(afternoon: Afternoon) -> tuple[int, int]:
    """Several requests at once; return the look-ups that were answered and the connections in use."""
    afternoon.courier.going.clear()
    transfers = [asyncio.create_task(afternoon.transfer()) for _ in range(POOL_SIZE)]
    in_use = await until(afternoon.sample, lambda connections: connections >= POOL_SIZE)
    answered = sum(await asyncio.gather(*(afternoon.lookup() for _ in range(LOOKUPS))))
    await afternoon.order()
    in_use = max(in_use, await afternoon.sample())
    afternoon.courier.going.set()
    await asyncio.gather(*transfers)
    return answered, in_use


async def until(ask: Callable[[], Awaitable[int]], enough: Callable[[int], bool]) -> int:
    """Ask until the answer is enough, or give up after a while; return the last answer."""
    for _ in range(STEPS):
        answer = await ask()
        if enough(answer):
            return answer
        await asyncio.sleep(SAMPLE_SECONDS / 5)
    return answer


def plots(metrics: list[dict[str, Any]]) -> list[Any]:
    """The recording as charts."""

    def over_time(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["t"], row[name]) for row in metrics] for name in names}

    return [
        lines("Connections", over_time("connections_in_use", "connections_max"), x="seconds", y="connections"),
        lines("Look-ups", over_time("lookups_ok", "lookups_failed"), x="seconds", y="requests"),
        lines("Courier", over_time("courier_calls_open"), x="seconds", y="calls"),
    ]
