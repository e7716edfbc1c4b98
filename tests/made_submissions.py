"""Completed notebooks made without a browser: the built workbook with a record of sample operations."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from reviewkit.calibration import Review, operations
from reviewkit.record import GENESIS, Head, append_event

ROOT = Path(__file__).resolve().parent.parent
SLUG = "transactions"
SEEN = {
    "file": "txservice/store.py", "line": 20, "end_line": 22, "severity": "blocker", "category": "data",
    "body": "A conflict is swallowed by ON CONFLICT DO NOTHING and the caller is told that it worked although nothing was inserted.",
    "why": "The operator deletes the report and the payment is lost.", "fix": "Look at the row count and answer 409.",
}  # fmt: skip


def review(**fields: Any) -> Review:
    """A small sample review; fields replace its parts."""
    base: dict[str, Any] = {
        "id": "made", "kind": "middling", "findings": [SEEN],
        "claims": {"c1": {"verdict": "false"}},
        "answers": {"explain": {"text": "The first report may have been stored; the unique constraint decides."}},
        "verdict": {"decision": "request changes", "summary": "Not yet.", "top": [0]},
    }  # fmt: skip
    return Review.model_validate(base | fields)


def completed(sample: Review, folder: Path, *, candidate: str = "c-1", slug: str = SLUG) -> dict[str, Any]:
    """Notebook JSON of a completed workbook; mended files are read from `folder`."""
    notebook: dict[str, Any] = json.loads((ROOT / "notebooks" / f"{slug}.ipynb").read_text("utf-8"))
    head = Head(0, GENESIS)
    events = []
    mark = hashlib.sha256(candidate.encode()).hexdigest()[:8]  # ids of operations and records are nobody else's
    opened = ("workbook.opened", {"slug": slug, "version": "1.0.0", "client": "test"})
    for number, (kind, data) in enumerate([opened, *operations(sample, folder)]):
        event = append_event(head, op=f"op-{mark}-{number:04d}", kind=kind, data=data, t=f"2026-03-02T10:{number % 60:02d}:00.000Z")
        events.append(json.loads(event.model_dump_json()))
        head = Head(event.seq, event.hash)
    record = {"id": f"made-{mark}", "candidate": candidate, "head": head.hash, "count": len(events), "events": events}
    notebook["metadata"]["reviewkit"]["record"] = record
    return notebook


def write(path: Path, notebook: dict[str, Any]) -> Path:
    """Store a notebook; lone surrogates stay as JSON escapes."""
    path.write_text(json.dumps(notebook), "utf-8")
    return path
