"""The workload: completed notebooks of five cells in four variants, and the same work in each system's own form.

A variant is a mended `take` and a remark. Each submission has a candidate, a remark and a comment in the code of its own, so
that no system can take one result for another's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BANK = Path(__file__).parent / "bank"
SCENARIO, RUBRIC = BANK / "scenarios" / "shelf", BANK / "rubrics" / "shelf"
CHECKTEXT = RUBRIC / "checktext.py"
CHECKS = ("serves", "refuses", "rush", "odd-counts")
FINDINGS = "findings"
MOST = len(CHECKS) + 1
"""Points of a submission: one for each check, one for the findings."""

GUARD = "    if count < 1:\n        return False\n"
ATOMIC = (
    "    enough = (Shelf.product == product) & (Shelf.on_hand >= count)\n"
    "    done = await session.execute(update(Shelf).where(enough).values(on_hand=Shelf.on_hand - count))\n"
    "    return done.rowcount == 1\n"
)
TWO_STEPS = (
    "    on_hand = await session.scalar(select(Shelf.on_hand).where(Shelf.product == product))\n"
    "    if on_hand is None or on_hand < count:\n"
    "        return False\n"
    "    await session.execute(update(Shelf).where(Shelf.product == product).values(on_hand=on_hand - count))\n"
    "    return True\n"
)
RACE = (11, "Race condition: check then act without a lock, two requests of branch {n} both pass the check on the stock before either decrements it.")
OTHER = (1, "The module's docstring of release {n} could say who calls this and from where.")


@dataclass(frozen=True)
class Variant:
    """One way to solve the task."""

    body: str
    remark: tuple[int, str]
    points: int
    """What it is worth."""


VARIANTS = (
    Variant(GUARD + ATOMIC, RACE, 5),
    Variant(GUARD + TWO_STEPS, RACE, 4),
    Variant(ATOMIC, OTHER, 3),
    Variant(TWO_STEPS.replace("on_hand is None or on_hand < count", "on_hand is None"), OTHER, 1),
)


@dataclass(frozen=True)
class Submission:
    """A candidate's work."""

    candidate: str
    body: str
    findings: tuple[dict[str, Any], ...]
    points: int

    @property
    def function(self) -> str:
        """The mended function."""
        return f'async def take(session, product, count):\n    """Take units off a shelf; False when there are too few."""\n{self.body}'


def submissions(count: int) -> list[Submission]:
    """A workload of this size; the first ones of a larger one are those of a smaller one."""
    made = []
    for number in range(count):
        variant = VARIANTS[number % len(VARIANTS)]
        line, words = variant.remark
        finding = {"file": "shop/stock.py", "line": line, "severity": "blocker", "category": "concurrency", "body": words.format(n=1000 + number)}
        body = f"    # mended by candidate {number}\n{variant.body}"
        made.append(Submission(f"c-{number:04d}", body, (finding,), variant.points))
    return made


def notebook(cells: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    """A notebook for Python's kernel."""
    spec = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": {**spec, **metadata}, "nbformat": 4, "nbformat_minor": 5}


def cell(kind: str, name: str, source: str, **metadata: Any) -> dict[str, Any]:
    """A cell."""
    made = {"cell_type": kind, "id": name, "metadata": metadata, "source": source}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def answer_cells(done: Submission) -> list[dict[str, Any]]:
    """The five cells of a completed notebook that a peer executes."""
    tables = (SCENARIO / "head" / "shop" / "tables.py").read_text("utf-8")
    return [
        cell("markdown", "title", "# Units leave a shelf\nReview `take`, then mend it."),
        cell("code", "tables", f"{tables}\n\nfrom sqlalchemy import select, update"),
        cell("code", "findings", f"findings = {json.dumps(list(done.findings), indent=4)}"),
        cell("code", "mend", done.function),
        cell("markdown", "verdict", "I would block this change until it is mended."),
    ]


def workbook(done: Submission) -> dict[str, Any]:
    """The same as a completed workbook of reviewkit, with its record."""
    from reviewkit.record import Head, append_event, notebook_metadata

    text = f'"""Books units out of the warehouse."""\n\nfrom sqlalchemy import select, update\n\nfrom shop.tables import Shelf\n\n\n{done.function}'
    operations: list[tuple[str, dict[str, Any]]] = [("workbook.opened", {"slug": "shelf", "version": "1.0.0", "client": "benchmark"})]
    for number, finding in enumerate(done.findings):
        data = {**finding, "id": f"f-{number:012x}", "side": "R", "end_line": finding["line"], "why": "", "fix": "", "after_exercises": False}
        operations.append(("finding.added", data))
    operations += [
        ("review.closed", {}),
        ("exercise.edited", {"exercise": "mend", "file": "shop/stock.py", "text": text}),
        ("verdict.given", {"decision": "block", "summary": "", "top": []}),
        ("workbook.submitted", {}),
    ]
    head, events = Head(), []
    for number, (kind, data) in enumerate(operations):
        stamp = f"2026-03-02T10:{number:02d}:00.000Z"
        event = append_event(head, op=f"op-{done.candidate}-{number:04d}", kind=kind, data=data, t=stamp)
        head = Head(event.seq, event.hash)
        events.append(event)
    own = notebook_metadata("shelf", "1.0.0", f"record-{done.candidate}", done.candidate, events)
    return notebook(answer_cells(done), reviewkit=own)


def write(path: Path, document: dict[str, Any]) -> Path:
    """Store a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1), "utf-8")
    return path
