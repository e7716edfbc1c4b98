"""What a record tells a person beside the work: changes made outside the workbook, scores written in, an impossible clock.

Read from the file alone, so the same file always has the same marks. They never change a point. What only shows when
several files lie side by side is in `reviewkit.batchmarks`. Meaning of each code: docs/record.md, section 6.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from reviewkit.authors import authors
from reviewkit.event import Event, Problem, field_names, head_of
from reviewkit.eventdata import Kind
from reviewkit.record import State

KNOWN_KEYS: Final = frozenset(("schema", "slug", "version", "record"))
RECORD_KEYS: Final = frozenset(("id", "candidate", "head", "count", "events"))
FORM_KEYS: Final = frozenset(("form", "id", "mend", "file"))
"""What a workbook writes into `metadata.reviewkit` of a cell."""

RESULT_NAMES: Final = frozenset(
    ["score", "scores", "scorecard", "points", "total", "percent", "band", "grade", "grades", "mark", "marks", "rank", "rating", "ratings", "verdict", "outcome", "passed", "pass", "weight", "weights", "rubric", "gate", "gates", "decision", "hire", "credit", "credited", "matched", "detected", "defects", "canary"]
)
"""Words of names under which a result could be written into a file."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

FIRST_TIME: Final = "2026-01-01T00:00:00.000Z"
"""No record of this form is older."""
CLOCK_STEP: Final = timedelta(seconds=60)
"""A clock that is set back by less is not worth a word."""
INSTANT_MAX: Final = 100
"""Events in one millisecond; each one is locked, written and synced before the next begins."""

REMARKS_MAX: Final = 300
EVIDENCE_MAX: Final = 100
FILES_MAX: Final = 200
REMARK_TEXT_MAX: Final = 500_000
"""Characters of all remarks together."""
TEXT_MAX: Final = 5_000_000
"""Characters of everything that a report shows."""


def excess(state: State) -> str:
    """What of the work is more than a person can have written and a program can match in a minute; empty for none."""
    files = [text for work in state.exercises.values() for text in work.files.values()]
    remarks_n = sum(len(f.body) + len(f.why) + len(f.fix) for f in state.findings)
    answers = [str(work.answer.model_dump()) for work in state.exercises.values() if work.answer is not None]
    evidence = [item.code + item.seen for item in state.evidence]
    everything_n = remarks_n + sum(map(len, (*files, *answers, *evidence)))
    measured = (
        (len(state.findings), REMARKS_MAX, "remarks"),
        (len(state.evidence), EVIDENCE_MAX, "pieces of evidence"),
        (len(files) + len(state.exercises), FILES_MAX, "exercises and files"),
        (remarks_n, REMARK_TEXT_MAX, "characters of remarks"),
        (everything_n, TEXT_MAX, "characters of text"),
    )
    return next((f"more than {most} {what}" for n, most, what in measured if n > most), "")


def strange_keys(own: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A mark when something beside the record was written into our metadata."""
    strange_n = len(own.keys() - KNOWN_KEYS) + len(own["record"].keys() - RECORD_KEYS)
    if not strange_n:
        return ()
    return (Problem("unknown_keys", f"The metadata holds {strange_n} keys that no workbook writes; they are ignored."),)


def claimed_results(notebook: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A mark when a file names a result of its own: a score, points, weights, a verdict on itself."""
    named_n = sum(not RESULT_NAMES.isdisjoint(_words(key)) for key in _strange_names(notebook, own))
    if not named_n:
        return ()
    words = "entries" if named_n > 1 else "entry"
    return (
        Problem("self_scored", f"The file holds {named_n} {words} named like a result (score, points, verdict, weights); ignored."),
    )


def _words(key: str) -> list[str]:
    """Words of a name: `pointsMax` and `points_max` are `points` and `max`."""
    return [word.casefold() for word in _WORD.findall(key[:200])]


def _strange_names(notebook: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """Names at places where a workbook writes none of its own."""
    record = own["record"]
    yield from _names({key: value for key, value in own.items() if key not in KNOWN_KEYS})
    yield from _names({key: value for key, value in record.items() if key not in RECORD_KEYS})
    yield from notebook["metadata"]
    for cell in notebook["cells"]:
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        if isinstance(metadata, dict):
            yield from metadata
            ours = metadata.get("reviewkit")
            yield from _names({k: v for k, v in ours.items() if k not in FORM_KEYS}) if isinstance(ours, dict) else ()
    for item in record["events"]:
        if isinstance(item, dict):
            data = item.get("data")
            keys = (*item, *(data if isinstance(data, dict) else ()))
            yield from (key for key in keys if key not in field_names())


def _names(value: object) -> Iterator[str]:
    """Every key in a value, however deep; the reader has bounded the depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def differences(own: Mapping[str, Any], events: Sequence[Event], state: State) -> tuple[Problem, ...]:
    """Where the parts of a record contradict each other."""
    found, raw = [], own["record"]
    count = raw.get("count")
    if type(count) is not int or count != len(raw["events"]) or raw.get("head") != head_of(events).hash:
        found.append(Problem("head_differs", "The record's head does not fit its last event: events are missing."))
    opened = [event.data for event in events if event.kind is Kind.OPENED]
    if any((data["slug"], data["version"]) != (own["slug"], own["version"]) for data in opened):
        found.append(Problem("scenario_differs", "The record was made in another scenario or version of it."))
    shared = next((event for event in events if event.kind in (Kind.SHARED, Kind.JOINED)), None)
    if shared is not None:
        what = "A link to join the workbook was handed over" if shared.kind is Kind.SHARED else "Another browser joined the workbook"
        text = f"{what} at event {shared.seq}: what follows may have been written by another person."
        elsewhere_n = len(authors(events))
        text += f" {elsewhere_n} later events say that they came from a browser that joined." if elsewhere_n else ""
        found.append(Problem("shared", text, shared.seq))
    if not state.submitted:
        found.append(Problem("not_submitted", "The candidate never pressed submit."))
    elif state.changed_after_submit:
        found.append(Problem("changed_after_submit", "Work was added after the first submit."))
    if state.edited_late:
        text = f"{len(state.edited_late)} remarks were reworded after the exercises had opened."
        found.append(Problem("edited_late", text))
    return tuple(found)


def clock(events: Iterable[Event]) -> tuple[Problem, ...]:
    """Times that no working clock gives. Neutral: a clock that somebody set looks the same."""
    kept = tuple(events)
    times = [datetime.fromisoformat(event.t) for event in kept]
    found = []
    back = [(earlier - later, event.seq) for (earlier, later), event in zip(pairwise(times), kept[1:], strict=True)]
    steps = [(step, seq) for step, seq in back if step > CLOCK_STEP]
    if steps:
        step, seq = max(steps)
        more = f" and at {len(steps) - 1} more" if len(steps) > 1 else ""
        text = f"Impossible clock: at event {seq}{more} the time goes back, by up to {_span(step)}. A clock that was set does that."
        found.append(Problem("impossible_clock", text, seq))
    early = [event.seq for event in kept if event.t < FIRST_TIME]
    if early:
        many = f"{len(early)} events are" if len(early) > 1 else "an event is"
        text = f"Impossible clock: {many} dated before records of this form existed."
        found.append(Problem("impossible_clock", text, early[0]))
    instant, most = max(Counter(event.t for event in kept).items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if most >= INSTANT_MAX:
        seq = next(event.seq for event in kept if event.t == instant)
        found.append(Problem("impossible_clock", f"Impossible clock: {most} events bear the same millisecond.", seq))
    return tuple(found)


def _span(step: timedelta) -> str:
    seconds = int(step.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds // 60, 1)} minutes"
