"""Reports of many kinds, each with a key and a receipt of its own."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Answer, ProbeResult, Stage, bars

REPORTS: tuple[dict[str, Any], ...] = (
    {"amount": "10.00"},
    {"amount": "19.99"},
    {"amount": "1.15"},
    {"amount": "0.004"},
    {"amount": "-5.00"},
    {"amount": "1e999"},
    {"amount": "NaN"},
    {"amount": "10.00", "currency": "XXX"},
    {"amount": "10.00", "merchant": "m-9"},
)


def group(answer: Answer) -> str:
    """Class of an answer: 2xx, 4xx, 5xx, or none."""
    return f"{answer.value['status'] // 100}xx" if answer.ok else "none"


async def run(stage: Stage) -> ProbeResult:
    """Send each report once; show the answer and what the table holds."""
    world = stage.kit.counter()
    answers: list[Answer] = []
    async with stage.open(world) as job:
        for number, report in enumerate(REPORTS):
            answers.append(await job.call("process", key=f"key-{number:04}", receipt=f"r-{number}", **report))
        cents = {row[1]: row[3] for row in stage.kit.recorded(world)}
    counts = {name: [group(answer) for answer in answers].count(name) for name in ("2xx", "4xx", "5xx")}
    table = [
        {
            "amount": report["amount"],
            "currency": report.get("currency", "EUR"),
            "merchant": report.get("merchant", "m-1"),
            "answer": group(answer),
            "cents in the table": cents.get(f"key-{number:04}"),
        }
        for number, (report, answer) in enumerate(zip(REPORTS, answers, strict=True))
    ]
    said = ", ".join(f"{count} x {name}" for name, count in counts.items())
    return ProbeResult(
        verdict=f"{len(REPORTS)} reports: {said}; {sum(cents.values())} cents in the table",
        plots=[bars("Answers", counts, y="reports")],
        table=table,
    )
