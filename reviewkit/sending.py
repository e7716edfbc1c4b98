"""Sending a record on to the intake: what is decided without network or disk. The edge is `reviewkit.sender`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from reviewkit.event import Event, Head
from reviewkit.eventdata import Kind
from reviewkit.grants import Grant
from reviewkit.intake.limits import SUBMISSION_MAX
from reviewkit.record import notebook_metadata

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
REFUSED_PAUSE: Final = 300.0
"""Seconds between tries after an answer that only a person changes, such as prolonging the invite."""


class Phase(StrEnum):
    """How sending stands."""

    SENDING = "sending"
    SENT = "sent"
    OFFLINE = "offline"
    """No answer; it is tried again."""
    REFUSED = "refused"
    """The intake says no; the reason is shown."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the page is told."""

    phase: Phase = Phase.SENDING
    recorded_n: int = 0
    """Events in the journal when it was last looked at."""
    sent_n: int = 0
    """Of these, stored at the intake."""
    reason: str = ""
    """Code of what went wrong; docs/intake.md lists them."""
    message: str = ""
    receipt: str = ""
    """Of the handed-in notebook; empty until the intake has confirmed it."""


class Place(StrEnum):
    """How a record here and the one at the intake stand to each other."""

    FOLLOWS = "follows"
    """The intake holds a beginning of it, or all."""
    BEHIND = "behind"
    """The intake may hold more than is here."""
    OTHER = "other"
    """The intake holds other events under this name."""


def compare(events: Sequence[Event], there: Head) -> Place:
    """How far the intake is, from the end of the record there."""
    if there.seq > len(events):
        return Place.BEHIND
    if there.seq == 0 or events[there.seq - 1].hash == there.hash:
        return Place.FOLLOWS
    return Place.OTHER


def other_name(record: str, events: Sequence[Event]) -> str:
    """Name for a record whose own is taken at the intake; follows from its first event, so that a restart finds it again."""
    return f"{record[:60]}-{events[0].hash[:12]}"


def pause(failures_n: int, draw: float, *, is_refused: bool = False) -> float:
    """Seconds until the next try: doubled each time, with jitter, so that many clients do not come back at once.

    Args:
        failures_n: Tries that failed in a row, from 1.
        draw: Uniform in [0, 1).
        is_refused: The intake answered, and said no.
    """
    longest = REFUSED_PAUSE if is_refused else min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures_n - 1, 20))
    return longest * (0.5 + 0.5 * draw)


def last_submit(events: Sequence[Event]) -> int:
    """Number of the latest `workbook.submitted`; 0 when there is none."""
    return max((event.seq for event in events if event.kind is Kind.SUBMITTED), default=0)


def completed(document: object, grant: Grant, events: Sequence[Event]) -> bytes:
    """The notebook to hand in: the document as it lies on disk, with the whole record in its metadata.

    Args:
        document: Parsed .ipynb; whatever is no notebook is replaced by an empty one, for the record alone is scored.
        grant: Decides scenario, version and candidate.
        events: The record.
    """
    own = notebook_metadata(grant.slug, grant.version, grant.record, grant.candidate, events)
    notebook: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    if isinstance(document, dict) and isinstance(document.get("cells"), list):
        notebook |= document
    metadata = notebook["metadata"] if isinstance(notebook["metadata"], dict) else {}
    notebook["metadata"] = {**metadata, "reviewkit": own}
    body = _json(notebook)
    if len(body) > SUBMISSION_MAX:  # outputs are not part of the answers
        cells = [
            {**cell, "outputs": []} if "outputs" in cell else cell
            for cell in notebook["cells"]
            if isinstance(cell, dict)
        ]
        body = _json({**notebook, "cells": cells})
    return body if len(body) <= SUBMISSION_MAX else _json({**notebook, "cells": []})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")
