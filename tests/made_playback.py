"""A record as a session of an hour leaves it: remarks between probes, a mend that grows, a drawing in steps, a pause over lunch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_submissions as made

from reviewkit.event import Event, Head, append_event, head_of, timestamp
from reviewkit.record import notebook_metadata

SLUG = "stock"
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HEAD = (made.ROOT / "scenarios" / SLUG / "head" / "stock" / "inventory.py").read_text("utf-8")
MENDED = (made.ROOT / "rubrics" / SLUG / "reference" / "stock" / "inventory.py").read_text("utf-8")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp"


def remark(name: str, line: int, body: str, **fields: Any) -> dict[str, Any]:
    place = {"id": name, "file": "stock/inventory.py", "side": "R", "line": line, "end_line": line}
    return place | {"severity": "blocker", "category": "concurrency", "body": body, "why": "", "fix": ""} | fields


def steps() -> list[tuple[float, str, dict[str, Any]]]:
    """(minute, kind, data) in order."""
    half = HEAD.replace("left = on_hand - quantity", "left = on_hand - quantity  # read earlier")
    trace = {"exercise": "trace", "answer": {"order": ["router"], "marks": {}}}
    drawn = {"exercise": "trace", "answer": {"order": ["router", "orders", "inventory"], "marks": {"begins": "inventory", "final": "router"}}}
    public = [{"check": "c-1", "passed": True, "seen": "as expected"}, {"check": "c-2", "passed": False, "seen": "9"}]
    return [
        (0.0, "workbook.opened", {"slug": SLUG, "version": "1.0.0", "client": "JupyterLab"}),
        (6.5, "finding.added", remark("f-1", 40, "Two requests may read the same level before either writes.")),
        (9.0, "probe.run", {"probe": "rush", "tree": "workspace", "verdict": "20 of 10 units sold, 9 left"}),
        (10.5, "finding.added", remark("f-2", 52, HOSTILE, category="data")),
        (11.0, "finding.added", remark("f-gone", 3, "A style matter.", severity="nit")),
        (12.0, "finding.deleted", {"id": "f-gone"}),
        (13.0, "finding.edited", remark("f-1", 40, "Two requests may read the same level, and the later write wins.")),
        (15.0, "claim.judged", {"claim": "c1", "verdict": "false", "why": "take commits each line."}),
        (16.0, "finding.added", remark("f-3", 60, "The commit in take ends the caller's transaction.", severity="major", category="data")),
        (20.0, "review.closed", {}),
        (65.0, "exercise.edited", {"exercise": "mend", "file": "stock/inventory.py", "text": half}),
        (65.2, "exercise.edited", {"exercise": "mend", "file": "stock/inventory.py", "text": half.replace("earlier", "before")}),
        (71.0, "exercise.run", {"exercise": "mend", "results": public}),
        (74.0, "exercise.edited", {"exercise": "mend", "file": "stock/inventory.py", "text": MENDED}),
        (80.0, "exercise.answered", trace),
        (80.2, "exercise.answered", drawn),
        (84.0, "verdict.given", {"decision": "block", "summary": "Not before the race is gone.", "top": ["f-1", "f-3"]}),
        (85.0, "workbook.submitted", {}),
    ]  # fmt: skip


def events(made_of: list[tuple[float, str, dict[str, Any]]] | None = None) -> tuple[Event, ...]:
    """The steps as a chain of events."""
    found: list[Event] = []
    for number, (minute, kind, data) in enumerate(steps() if made_of is None else made_of):
        head = head_of(found) if found else Head()
        found.append(append_event(head, op=f"op-{number:06d}", kind=kind, data=data, t=timestamp(START + timedelta(minutes=minute))))
    return tuple(found)


def notebook(path: Path, candidate: str = "c-17", made_of: list[tuple[float, str, dict[str, Any]]] | None = None) -> Path:
    """A completed notebook with this record."""
    document = json.loads((made.ROOT / "notebooks" / f"{SLUG}.ipynb").read_text("utf-8"))
    document["metadata"]["reviewkit"] = notebook_metadata(SLUG, "1.0.0", "made-playback", candidate, events(made_of))
    return made.write(path, document)
