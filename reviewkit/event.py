"""One event of a candidate's record: its kinds, the strict shape of each kind's data, its hash, and the chain.

Imported by kernels: only the standard library and pydantic. Format: docs/record.md, section 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from reviewkit.errors import EventError
from reviewkit.fieldtypes import (
    FILE_MAX,
    ChangePath,
    Hash,
    ItemId,
    LineNumber,
    OperationId,
    Seen,
    Slug,
    Text,
    Time,
    Version,
    has_words,
)
from reviewkit.words import Category, Judgement, Severity

GENESIS: Final = "0" * 64
"""`prev` of the first event."""


class Data(BaseModel):
    """Base of each kind's data: immutable, unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Data):
    """Data of a kind that carries none."""


class Opened(Data):
    """The workbook was opened in a page."""

    slug: Slug
    version: Version
    client: Annotated[str, StringConstraints(max_length=200)] = ""
    files: Annotated[tuple[ChangePath, ...], Field(max_length=500)] = ()
    """Order in which the change showed its files, where an invite's seed drew it."""


class ConsentGiven(Data):
    """The candidate agreed to what the first screen says, before anything else was recorded."""

    policy_text: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Id of the wording of the AI-use policy that was shown."""
    retention_days: Annotated[StrictInt, Field(ge=1, le=3650)]
    intake: Annotated[str, StringConstraints(max_length=200)] = ""
    """Where the record is sent, as it was shown; empty: handed in as a file."""


class Joined(Data):
    """Another browser has the workbook open, as a shared document. Who uses it is what that browser says: display text, no proof."""

    page: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,16}$")]
    """Begins the `op` of what is made there: `<page>:<rest>`."""
    name: Annotated[str, StringConstraints(max_length=80)] = ""


class FindingData(Data):
    """A remark as it was written; an edit carries the whole remark again."""

    id: ItemId
    file: ChangePath | None
    """None: the whole change."""
    side: Literal["R", "L"] | None = "R"
    line: LineNumber | None = None
    """None: the whole file."""
    end_line: LineNumber | None = None
    severity: Severity
    category: Category
    body: Annotated[Text, AfterValidator(has_words)]
    why: Text = ""
    fix: Text = ""
    after_exercises: StrictBool = False

    @model_validator(mode="after")
    def _place_is_a_range(self) -> FindingData:
        if self.file is None and self.line is not None:
            raise ValueError("a line without a file")
        if self.line is None and self.end_line is not None:
            raise ValueError("an end_line without a line")
        if self.line is not None and self.end_line is not None and self.end_line < self.line:
            raise ValueError("end_line lies before line")
        return self


class FindingDeleted(Data):
    """A remark was taken back."""

    id: ItemId


class ClaimJudged(Data):
    """What the candidate says of one claim."""

    claim: ItemId
    verdict: Judgement
    why: Text = ""


class ProbeRun(Data):
    """A probe ran, on the change or on the candidate's own version of it."""

    probe: ItemId
    tree: Literal["head", "workspace", "mend"]
    verdict: Seen


class ExplainAnswer(Data):
    """Answer of an explain exercise."""

    text: Text


class DiagnoseAnswer(Data):
    """Answer of a diagnose exercise; an empty text is a part not answered yet."""

    cause: Text
    evidence: Text
    fix: Text
    trade_off: Text


class TraceAnswer(Data):
    """Answer of a trace exercise."""

    order: Annotated[tuple[ItemId, ...], Field(max_length=100)]
    """Layers in the order crossed."""
    marks: Annotated[dict[ItemId, ItemId], Field(max_length=100)]
    """Layer chosen for each mark; a mark not placed is left out."""
    notes: Text = ""
    """What the candidate writes beside the drawing; for the talk about it, never scored."""


Answer = ExplainAnswer | DiagnoseAnswer | TraceAnswer


class ExerciseAnswered(Data):
    """An answer to an exercise without code; replaces the one before."""

    exercise: ItemId
    answer: Answer


class ExerciseEdited(Data):
    """One file of a mend, whole."""

    exercise: ItemId
    file: ChangePath
    text: Annotated[str, StringConstraints(max_length=FILE_MAX)]


class PublicResult(Data):
    """Outcome of one public check."""

    check: ItemId
    passed: StrictBool
    seen: Seen = ""


class ExerciseRun(Data):
    """The public checks of an exercise ran."""

    exercise: ItemId
    results: Annotated[tuple[PublicResult, ...], Field(max_length=200)]


class EvidenceRun(Data):
    """A check that the candidate wrote ran: `fails` is what shows the flaw."""

    id: ItemId
    finding: ItemId
    code: Text
    outcome: Literal["fails", "passes", "error"]
    seen: Seen = ""


class VerdictGiven(Data):
    """The candidate's decision about the change."""

    decision: Literal["approve", "request changes", "block"]
    summary: Text = ""
    top: Annotated[tuple[ItemId, ...], Field(max_length=3)] = ()
    """Findings, most important first."""

    @model_validator(mode="after")
    def _top_is_unique(self) -> VerdictGiven:
        if len(set(self.top)) != len(self.top):
            raise ValueError("top names a finding twice")
        return self


class Kind(StrEnum):
    """What happened."""

    CONSENT = "consent.given"
    OPENED = "workbook.opened"
    FINDING_ADDED = "finding.added"
    FINDING_EDITED = "finding.edited"
    FINDING_DELETED = "finding.deleted"
    CLAIM_JUDGED = "claim.judged"
    PROBE_RUN = "probe.run"
    FOCUS_ENDED = "focus.ended"
    SHARED = "document.shared"
    JOINED = "document.joined"
    REVIEW_CLOSED = "review.closed"
    EXERCISE_ANSWERED = "exercise.answered"
    EXERCISE_EDITED = "exercise.edited"
    EXERCISE_RUN = "exercise.run"
    EVIDENCE_RUN = "evidence.run"
    VERDICT_GIVEN = "verdict.given"
    SUBMITTED = "workbook.submitted"


DATA: Final[dict[Kind, type[Data]]] = {
    Kind.CONSENT: ConsentGiven,
    Kind.OPENED: Opened,
    Kind.FINDING_ADDED: FindingData,
    Kind.FINDING_EDITED: FindingData,
    Kind.FINDING_DELETED: FindingDeleted,
    Kind.CLAIM_JUDGED: ClaimJudged,
    Kind.PROBE_RUN: ProbeRun,
    Kind.FOCUS_ENDED: Nothing,
    Kind.SHARED: Nothing,
    Kind.JOINED: Joined,
    Kind.REVIEW_CLOSED: Nothing,
    Kind.EXERCISE_ANSWERED: ExerciseAnswered,
    Kind.EXERCISE_EDITED: ExerciseEdited,
    Kind.EXERCISE_RUN: ExerciseRun,
    Kind.EVIDENCE_RUN: EvidenceRun,
    Kind.VERDICT_GIVEN: VerdictGiven,
    Kind.SUBMITTED: Nothing,
}


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
