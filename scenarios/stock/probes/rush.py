"""Twenty buyers, each wanting one unit, arrive together at a shelf with ten: on SQLite, and on PostgreSQL where it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewkit.harness import Answer, Calls, HostError, Plot, ProbeResult, Stage, bars

UNITS = 10
BUYERS = 20
PART = "p-1"
DATABASE = "rush"


@dataclass(frozen=True)
class Rush:
    """What came of the orders on one database."""

    database: str
    answers: list[Answer]
    left: int | None
    sold: int

    @property
    def told(self) -> str:
        """In counts."""
        left = "unknown" if self.left is None else self.left
        return f"{self.sold} sold of {UNITS}, {left} left, {BUYERS - self.sold} orders not accepted"

    @property
    def plot(self) -> Plot:
        """As bars."""
        left = {} if self.left is None else {"left": self.left}
        counts = {"on the shelf before": UNITS, "sold": self.sold, **left, "sold beyond stock": max(0, self.sold - UNITS)}
        return bars(f"Units, on {self.database}", counts, y="units")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each order."""
        return [
            {"database": self.database, "order": f"r-{n}", "replica": n % 2 + 1, "status": status(answer)}
            for n, answer in enumerate(self.answers)
        ]


async def run(stage: Stage) -> ProbeResult:
    """Send the orders together and count, once on each database."""
    first = await on_sqlite(stage)
    try:
        second = await on_postgresql(stage, await stage.postgres(DATABASE))
        aside = f"On PostgreSQL: {second.told}. What it left there: %%sql --postgres --db {DATABASE}"
    except (HostError, LookupError) as error:
        return ProbeResult(first.told, [first.plot], first.rows, f"On SQLite alone. {error}")
    except RuntimeError as error:
        why = str(error).splitlines()[0]
        return ProbeResult(first.told, [first.plot], first.rows, f"On PostgreSQL the service does not start: {why}")
    return ProbeResult(first.told, [first.plot, second.plot], first.rows + second.rows, aside)


async def on_sqlite(stage: Stage) -> Rush:
    """On the world's own database, which holds the answers of readers."""
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", UNITS))
        stage.kit.gate_reads(world, "levels", BUYERS)
        return await rush(stage, job, "SQLite")


async def on_postgresql(stage: Stage, url: str) -> Rush:
    """On a server's database, where the driver holds readers."""
    async with stage.open(stage.kit.warehouse()) as job:
        moved = await job.call("use_server", url=url)
        if not moved.ok:
            raise RuntimeError(f"{moved.error}: {moved.message}")
        await stage.kit.fill(job, (PART, "north", UNITS))
        await job.call("meet_after_reading", table="levels", parties=BUYERS)
        return await rush(stage, job, "PostgreSQL")


async def rush(stage: Stage, job: Calls, database: str) -> Rush:
    """Send the orders; the service is asked for what is left, as it answers on every database."""
    calls = [("order", {"request_id": f"r-{n}", "lines": [[PART, 1]], "replica": n}) for n in range(BUYERS)]
    answers = await job.gather(calls)
    levels = await job.call("levels", product=PART)
    left = int(levels.value["body"][0]["on_hand"]) if stage.kit.accepted(levels) else None
    return Rush(database, answers, left, sum(map(stage.kit.accepted, answers)))


def status(answer: Answer) -> Any:
    """What a caller sees."""
    return answer.value["status"] if answer.ok else answer.error
