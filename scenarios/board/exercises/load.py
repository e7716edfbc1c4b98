"""A morning of one process: work, people who open their boards, people who close them; recorded live."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from reviewkit.harness import Calls, Recording, Stage, lines

POOL = {"pool_size": 3, "max_overflow": 1, "pool_timeout": 0.3}
MOST_CONNECTIONS = 4
LISTS, PAGES = 6, 4
SAMPLE_SECONDS = 0.05


@dataclass
class Morning:
    """What runs, and what was counted so far."""

    job: Calls
    kit: Any
    rng: Random
    began: float
    """When the service's own clock began, so that metrics and events share one."""
    pages: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("lists_ok", "lists_failed", "changes_ok", "changes_failed"), 0))
    version: int = 1
    metrics: list[dict[str, Any]] = field(default_factory=list)

    async def list_tasks(self) -> bool:
        """Ask for a list and count how it ended."""
        done = self.kit.status(await self.job.call("tasks", user=self.rng.choice(["u-1", "u-2"]))) == 200
        self.counts["lists_ok" if done else "lists_failed"] += 1
        await self.sample()
        return bool(done)

    async def change(self) -> None:
        """Make a change and count how it ended."""
        status = self.kit.status(await self.job.call("change", version=self.version, position=self.rng.randint(1, 9)))
        self.version += status == 200
        self.counts["changes_ok" if status == 200 else "changes_failed"] += 1
        await self.sample()

    async def sample(self) -> int:
        """Record one row; return the connections in use."""
        in_use = int((await self.job.call("in_use")).value)
        self.metrics.append(
            {
                "t": round(time.monotonic() - self.began, 3),
                "pages_open": len(self.pages),
                "connections_in_use": in_use,
                "connections_max": MOST_CONNECTIONS,
                "statements": len(self.job.world.db().statements),
                **self.counts,
            }
        )
        return in_use


async def run(stage: Stage, seed: int) -> Recording:
    """Three stretches of one morning."""
    world = stage.kit.office()
    async with stage.with_tree(stage.scenario / "head").open(world) as job:
        await job.call("restart", **POOL)
        began = time.monotonic() - (await job.call("clock")).value
        morning = Morning(job, stage.kit, Random(seed), began)
        before = await work(morning)
        for n in range(PAGES):
            morning.pages += [f"page-{n}"] if (await stage.kit.join(job, f"page-{n}"))[0] else []
            await morning.sample()
        in_use = await morning.sample()
        during = await work(morning)
        while morning.pages:
            page = morning.pages.pop()
            await job.call("leave", name=page)
            await job.call("ended", name=page)
            await morning.sample()
        after = await work(morning)
    return Recording(
        metrics=morning.metrics,
        events=list(world.logs),
        plots=plots(morning.metrics),
        verdict=(
            f"Lists answered: {before} of {LISTS}, then {during} of {LISTS}, then {after} of {LISTS}; "
            f"connections in use in the second stretch: {in_use} of {MOST_CONNECTIONS}"
        ),
    )


async def work(morning: Morning) -> int:
    """Requests one at a time; return the lists that were answered."""
    answered = 0
    for n in range(LISTS):
        answered += await morning.list_tasks()
        if n % 3 == 2:
            await morning.change()
        await asyncio.sleep(SAMPLE_SECONDS / 5)
    return answered


def plots(metrics: list[dict[str, Any]]) -> list[Any]:
    """The recording as charts."""

    def over_time(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["t"], row[name]) for row in metrics] for name in names}

    return [
        lines("Connections to the database", over_time("connections_in_use", "connections_max", "pages_open"), x="seconds", y="number"),
        lines("Lists", over_time("lists_ok", "lists_failed"), x="seconds", y="requests"),
        lines("Statements", over_time("statements"), x="seconds", y="statements so far"),
    ]
