"""Reads the shelves of locations of several sizes and counts statements and rows."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, lines

SIZES = (5, 20, 80, 320)


async def run(stage: Stage) -> ProbeResult:
    """Read each location once."""
    rows = [await read(stage, size) for size in SIZES]
    points = [(row["shelves"], row["statements"]) for row in rows]
    told = ", ".join(f"{row['statements']} for {row['shelves']}" for row in rows)
    return ProbeResult(
        verdict=f"Statements by number of shelves: {told}",
        plots=[lines("Statements for one answer", {"statements": points}, x="shelves", y="statements")],
        table=rows,
    )


async def read(stage: Stage, size: int) -> dict[str, int]:
    """Fill a location and read it."""
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, *((f"p-{n:03}", "north", 3) for n in range(size)))
        before = len(world.db().statements)
        answer = await job.call("shelves")
        sent = [s for s in world.db().statements[before:] if s.sql.lower().startswith("select")]
    listed = len(answer.value["body"]) if stage.kit.accepted(answer) else 0
    return {"shelves": size, "statements": len(sent), "rows in the answer": listed}
