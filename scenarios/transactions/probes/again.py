"""Five reports that resemble each other, one after the other."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import ProbeResult, Stage, bars

FIRST: dict[str, Any] = {"key": "key-0001", "amount": "12.50", "receipt": "r-1"}
REPORTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the first report", FIRST),
    ("the same report", FIRST),
    ("another amount", FIRST | {"amount": "99.00"}),
    ("another receipt", FIRST | {"receipt": "r-2"}),
    ("another key", FIRST | {"key": "key-0002"}),
)


async def run(stage: Stage) -> ProbeResult:
    """Send the reports and count the rows after each."""
    world = stage.kit.counter()
    table: list[dict[str, object]] = []
    async with stage.open(world) as job:
        for label, report in REPORTS:
            answer = await job.call("process", **report)
            status = answer.value["status"] if answer.ok else answer.error
            table.append({"report": label, "answer": status, "rows afterwards": len(stage.kit.recorded(world))})
        rows = stage.kit.recorded(world)
    settled = sum(line["answer"] == 200 for line in table)
    cents = ", ".join(str(row[3]) for row in rows) or "none"
    return ProbeResult(
        verdict=f"{settled} of {len(REPORTS)} reports answered 200; {len(rows)} in the table, cents: {cents}",
        plots=[bars("Reports", {"sent": len(REPORTS), "answered 200": settled, "in the table": len(rows)}, y="count")],
        table=table,
    )
