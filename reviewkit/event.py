"""One event of a candidate's record, its hash, and the chain. What each kind carries: reviewkit.eventdata.

Imported by kernels: only the standard library and pydantic. Format: docs/record.md, section 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from reviewkit.errors import EventError
from reviewkit.eventdata import DATA, Answer, Data, Kind, PublicResult
from reviewkit.fieldtypes import Hash, OperationId, Time

GENESIS: Final = "0" * 64
"""`prev` of the first event."""


class Event(BaseModel):
    """One line of a record. `data` is kept exactly as it was sent, because the hash covers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: Annotated[StrictInt, Field(ge=1, le=2**53 - 1)]
    """1-based, without gaps."""
    t: Time
    op: OperationId
    """Made where the operation began; the same `op` never makes two events."""
    kind: Kind
    data: dict[str, Any]
    prev: Hash
    hash: Hash

    @model_validator(mode="after")
    def _data_fits_its_kind(self) -> Event:
        parse_data(self.kind, self.data)
        return self

    @property
    def parsed(self) -> Data:
        """The data as the model of its kind, an entry of `DATA`."""
        return parse_data(self.kind, self.data)

    def expected_hash(self) -> str:
        """Hash that the other fields call for."""
        return event_hash(self.model_dump(mode="json", exclude={"hash"}))

    def line(self) -> bytes:
        """Canonical JSON and a line break: the event as a line of a journal."""
        return canonical(self.model_dump(mode="json")) + b"\n"


class Head(NamedTuple):
    """Where a chain ends: what the next event must name."""

    seq: int = 0
    hash: str = GENESIS


_TAMPERING: Final = frozenset(
    ["edited", "broken_chain", "missing", "doubled", "doubled_op", "event_invalid", "unknown_keys", "self_scored", "head_differs", "scenario_differs", "candidate_differs"]
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a record that a person should know; never a reason to throw the record away."""

    code: str
    """`torn`, `edited`, `broken_chain`, `missing`, `doubled`, `doubled_op`, or a code of `reviewkit.submission`."""
    text: str
    """One sentence without anything that the candidate wrote."""
    seq: int | None = None
    """Event concerned, where it has a number."""

    @property
    def is_tampering(self) -> bool:
        """Whether it shows that the record was changed outside the workbook."""
        return self.code in _TAMPERING


def canonical(value: object) -> bytes:
    """Canonical JSON: UTF-8, keys sorted, no spaces.

    Raises:
        ValueError: On NaN, infinity or a lone surrogate, which have no such form.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def event_hash(fields: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of an event's fields without `hash`."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def parse_data(kind: Kind, data: object) -> Data:
    """Data of an event as the model of its kind.

    Raises:
        EventError: Naming the first field that is wrong, never its value.
    """
    try:
        return DATA[kind].model_validate(data)
    except ValidationError as error:
        raise EventError(kind.value, first_fault(error)) from None


def append_event(head: Head, *, op: str, kind: str, data: object, t: str) -> Event:
    """Make the event that follows `head`; pure.

    Args:
        head: End of the chain so far.
        op: Id of the operation; the caller makes sure that it is new.
        kind: A value of `Kind`.
        data: Shape of its kind; kept as given.
        t: UTC time, as `timestamp` makes it.

    Raises:
        EventError: If kind, op or data have not the right shape, or hold text that has no UTF-8 form.
    """
    if kind not in tuple(Kind):
        raise EventError(str(kind), "no such kind")
    parse_data(Kind(kind), data)
    fields = {"seq": head.seq + 1, "t": t, "op": op, "kind": kind, "data": data, "prev": head.hash}
    try:
        return Event.model_validate({**fields, "hash": event_hash(fields)})
    except ValidationError as error:
        raise EventError(kind, first_fault(error)) from None
    except ValueError:
        raise EventError(kind, "text that has no UTF-8 form") from None


def verify_chain(events: Sequence[Event]) -> tuple[Problem, ...]:
    """Check hashes, links, numbers and operations of a record; all problems, in order; empty for a sound chain."""
    problems: list[Problem] = []
    head, ops = Head(), set[str]()
    for event in events:
        seq = event.seq
        if event.hash != event.expected_hash():
            problems.append(Problem("edited", f"Event {seq} was changed after it was recorded.", seq))
        if seq > head.seq + 1:
            gap = f"{head.seq + 1}" if seq == head.seq + 2 else f"{head.seq + 1} to {seq - 1}"
            problems.append(Problem("missing", f"Event {gap} is missing before event {seq}.", seq))
        elif seq <= head.seq:
            problems.append(Problem("doubled", f"Event number {seq} occurs again or out of order.", seq))
        if event.prev != head.hash:
            problems.append(Problem("broken_chain", f"Event {seq} does not continue the event before it.", seq))
        if event.op in ops:
            problems.append(Problem("doubled_op", f"Event {seq} repeats an operation.", seq))
        ops.add(event.op)
        head = Head(event.seq, event.hash)
    return tuple(problems)


def head_of(events: Sequence[Event]) -> Head:
    """End of a chain."""
    return Head(events[-1].seq, events[-1].hash) if events else Head()


def timestamp(now: datetime | None = None) -> str:
    """UTC time with milliseconds as events carry it."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def first_fault(error: ValidationError) -> str:
    """First fault of a validation as `field: fault`, with nothing in it that the sender wrote."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"] if isinstance(step, int) or step in field_names())
    text = first["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"{place}: {text}" if place else text


@cache
def field_names() -> frozenset[str]:
    """Names that we gave: whatever else stands in a place is a key that the sender made up."""
    models = (Event, PublicResult, *DATA.values(), *get_args(Answer))
    return frozenset(name for model in models for name in model.model_fields) | {"slug", "version", "candidate", "id"}
