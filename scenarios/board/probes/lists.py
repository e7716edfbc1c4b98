"""Asks for the tasks of boards of several lengths and counts statements and rows."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, lines

SIZES = (5, 20, 40)


async def run(stage: Stage) -> ProbeResult:
    """Ask for each list once."""
    rows = [await ask(stage, size) for size in SIZES]
    points = [(row["tasks"], row["statements"]) for row in rows]
    told = ", ".join(f"{row['statements']} for {row['tasks']}" for row in rows)
    return ProbeResult(
        verdict=f"Statements by number of tasks: {told}",
        plots=[lines("Statements for one answer", {"statements": points}, x="tasks", y="statements")],
        table=rows,
    )


async def ask(stage: Stage, size: int) -> dict[str, int]:
    """Fill a board and ask for its list."""
    world = stage.kit.office()
    async with stage.open(world) as job:
        stage.kit.many(world, size)
        before = len(world.db().statements)
        answer = await job.call("tasks")
        sent = [s for s in world.db().statements[before:] if s.sql.lower().startswith("select")]
    listed = len(answer.value["body"]) if stage.kit.status(answer) == 200 else 0
    return {"tasks": size, "statements": len(sent), "rows in the answer": listed}
