"""A seeded load for the card team's service; one row of metrics after each file."""

from __future__ import annotations

from random import Random
from typing import Any

from reviewkit.harness import Recording, Stage, World, lines

FILES = 30
MERCHANTS = 400
SCHEMA = (
    "CREATE TABLE payments "
    "(payment_id TEXT PRIMARY KEY, cents INTEGER NOT NULL, currency TEXT NOT NULL, merchant TEXT NOT NULL)"
)


async def run(stage: Stage, seed: int) -> Recording:
    """Load files of different length and quality, and measure the worker after each."""
    rng = Random(f"card files {seed}")
    world = World()
    world.database("main", SCHEMA)
    service = stage.with_tree(stage.scenario / "exercises" / "service")
    metrics: list[dict[str, Any]] = []
    async with service.open(world, driver=stage.scenario / "exercises" / "service_driver.py") as job:
        for number in range(1, FILES + 1):
            content, broken = _file(rng, number)
            await job.call("load", batch_id=f"card-{number:02}", lines=content)
            live = (await job.call("live")).value
            metrics.append({"file": number, "lines": len(content), "refused": broken, **live})
    return Recording(metrics=metrics, events=list(world.logs), plots=_plots(metrics), verdict=_verdict(metrics))


def _file(rng: Random, number: int) -> tuple[list[str], int]:
    """One file: 40 to 160 lines, in about every third of them one to four lines that do not fit the format."""
    size = rng.randint(40, 160)
    content = [
        f"P-{number:02}-{n:03};{rng.randint(100, 99_999)};EUR;Shop number {rng.randint(1, MERCHANTS)}"
        for n in range(size)
    ]
    broken = rng.randint(1, 4) if rng.random() < 1 / 3 else 0
    for place in rng.sample(range(size), broken):
        content[place] = content[place].replace(";EUR;", ";")
    return content, broken


def _plots(metrics: list[dict[str, Any]]) -> list[Any]:
    def series(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["file"], row[name]) for row in metrics] for name in names}

    return [
        lines("Records alive after each file", series("records_live", "lines"), x="file", y="objects"),
        lines("Bytes of these records", series("record_bytes"), x="file", y="bytes"),
        lines("Other things alive", series("names_cached", "page_lines", "refused"), x="file", y="objects"),
    ]


def _verdict(metrics: list[dict[str, Any]]) -> str:
    read = sum(row["lines"] for row in metrics)
    half, end = metrics[len(metrics) // 2 - 1]["records_live"], metrics[-1]["records_live"]
    return f"{len(metrics)} files, {read} lines: {half} records alive after half of the files, {end} after the last"
