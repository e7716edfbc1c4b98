"""Which events of a batch are new, and which contradict what is stored; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from reviewkit.errors import EventError, IntakeError
from reviewkit.event import Event, Head, first_fault
from reviewkit.intake.limits import BATCH_MAX, RECORD_EVENTS_MAX

DEPTH_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a batch adds."""

    new: tuple[Event, ...]
    head: Head
    """End of the chain with them."""


def read_batch(body: bytes) -> list[Event]:
    """Events of a posted batch `{"events": [...]}`.

    Raises:
        IntakeError: 400 `invalid`, naming the first fault and nothing that was sent.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON") from None
    if not isinstance(value, dict) or value.keys() != {"events"} or not isinstance(value["events"], list):
        raise invalid("The body is not an object with a list of events")
    items = value["events"]
    if not 0 < len(items) <= BATCH_MAX:
        raise invalid(f"A batch holds 1 to {BATCH_MAX} events")
    return [_event(item, position) for position, item in enumerate(items, start=1)]


def _event(item: Any, position: int) -> Event:
    try:
        event = Event.model_validate(item)
        if event.hash != event.expected_hash():
            raise invalid(f"Event {position} of the batch does not fit its own hash")
        _shallow(event.data)
    except ValidationError as error:
        raise invalid(f"Event {position} of the batch is none ({first_fault(error)})") from None
    except EventError as error:
        raise invalid(f"Event {position} of the batch is none ({error.fact})") from None
    except (ValueError, RecursionError):  # half a character, or a number that no JSON has
        raise invalid(f"Event {position} of the batch cannot be stored") from None
    return event


def _shallow(value: Any, depth: int = 0) -> None:
    if depth > DEPTH_MAX:
        raise ValueError("too deep")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shallow(item, depth + 1)


def _refuse_constant(_text: str) -> None:
    raise ValueError("NaN or Infinity")


def invalid(fact: str) -> IntakeError:
    """The refusal of a body that is not what it should be."""
    return IntakeError("invalid", fact, "Nothing was accepted. Correct it and send it again.", 400)


def accept(head: Head, stored: Mapping[int, str], batch: Sequence[Event]) -> Accepted:
    """New events of a batch, in order; those that are stored already are passed over.

    Args:
        head: End of what is stored.
        stored: Number -> hash of the stored events that the batch names.
        batch: Any events.

    Raises:
        IntakeError: 409 `conflict` when a number is taken by another event, 409 `gap` when one before is missing,
            429 `quota` when the record would get too long.
    """
    new: list[Event] = []
    for event in batch:
        if event.seq <= head.seq:
            known = stored.get(event.seq) or next((e.hash for e in new if e.seq == event.seq), None)
            if known != event.hash:
                fact = f"Event {event.seq} of this record is stored with other content"
                raise IntakeError("conflict", fact, "Start a record of its own.", 409)
            continue
        if event.seq > head.seq + 1 or event.prev != head.hash:
            fact = f"The record is stored up to event {head.seq}, and this batch does not continue it"
            raise IntakeError("gap", fact, f"Send the events from {head.seq + 1} on.", 409)
        if event.seq > RECORD_EVENTS_MAX:
            raise IntakeError(
                "quota", f"A record has at most {RECORD_EVENTS_MAX} events", "Hand in what there is.", 429
            )
        new.append(event)
        head = Head(event.seq, event.hash)
    return Accepted(tuple(new), head)
