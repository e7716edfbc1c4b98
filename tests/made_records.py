"""Records, workbooks and submissions as the workbook writes them, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reviewkit.record import Event, Head, append_event, notebook_metadata

TIME = "2026-11-21T10:00:00.000Z"
SLUG, VERSION, RECORD, CANDIDATE = "demo", "1.0.0", "abc123", "c-17"

OPENED = ("workbook.opened", {"slug": SLUG, "version": VERSION, "client": "lab"})
CONSENT = ("consent.given", {"policy_text": "ai-declared-1", "retention_days": 90, "intake": ""})
SHARED = ("document.shared", {})
JOINED = ("document.joined", {"page": "0a1b2c3d4e", "name": "Anonymous Io"})
CLOSED = ("review.closed", {})
SUBMITTED = ("workbook.submitted", {})


def remark(finding: str = "f1", kind: str = "finding.added", **changed: object) -> tuple[str, dict[str, Any]]:
    data = {
        "id": finding,
        "file": "shop/api.py",
        "side": "R",
        "line": 3,
        "end_line": 5,
        "severity": "major",
        "category": "concurrency",
        "body": "blocks the loop",
        "why": "everyone waits",
        "fix": "await it",
        "after_exercises": False,
    }
    return kind, {**data, **changed}


SAMPLES: list[tuple[str, dict[str, Any]]] = [
    OPENED,
    remark(),
    remark(kind="finding.edited", body="blocks the event loop"),
    remark("f2", file=None, side=None, line=None, end_line=None),
    ("finding.deleted", {"id": "f2"}),
    ("claim.judged", {"claim": "c1", "verdict": "not shown", "why": ""}),
    ("probe.run", {"probe": "rush", "tree": "head", "verdict": "5 of 5"}),
    ("focus.ended", {}),
    CLOSED,
    ("exercise.answered", {"exercise": "explain", "answer": {"text": "because"}}),
    (
        "exercise.answered",
        {"exercise": "diagnose", "answer": {"cause": "a", "evidence": "b", "fix": "c", "trade_off": ""}},
    ),
    ("exercise.answered", {"exercise": "trace", "answer": {"order": ["router", "repo"], "marks": {"lock": "repo"}}}),
    ("exercise.edited", {"exercise": "mend", "file": "shop/api.py", "text": "x = 1\n"}),
    ("exercise.run", {"exercise": "mend", "results": [{"check": "paid", "passed": True, "seen": "200"}]}),
    ("evidence.run", {"id": "e1", "finding": "f1", "code": "assert 0", "outcome": "fails", "seen": "AssertionError"}),
    ("verdict.given", {"decision": "request changes", "summary": "not yet", "top": ["f1"]}),
    SUBMITTED,
]
"""One valid event of every kind and of every shape of an answer, as a session would make them."""


def chain(steps: Iterable[tuple[str, dict[str, Any]]]) -> list[Event]:
    events: list[Event] = []
    for number, (kind, data) in enumerate(steps, start=1):
        head = Head(events[-1].seq, events[-1].hash) if events else Head()
        events.append(append_event(head, op=f"op-{number}", kind=kind, data=data, t=TIME))
    return events


def blank_workbook(folder: Path, slug: str = SLUG, source: str = "print(1)") -> Path:
    """A bank's `notebooks/<slug>.ipynb` below `folder`."""
    cell = {"cell_type": "code", "id": "c1", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
    text = {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": ["# Demo\n", "text"]}
    notebook = {
        "cells": [text, cell],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "reviewkit": {"schema": 1, "slug": slug, "version": VERSION},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / "notebooks" / f"{slug}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def completed(events: Iterable[Event], candidate: str = CANDIDATE) -> dict[str, Any]:
    """A completed notebook as JSON."""
    own = notebook_metadata(SLUG, VERSION, RECORD, candidate, events)
    return {"cells": [], "metadata": {"reviewkit": own}, "nbformat": 4, "nbformat_minor": 5}
