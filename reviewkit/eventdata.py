"""What happened, in a candidate's record: the kinds of events, and the strict shape of each kind's data. Format: docs/record.md, section 1.

Imported by kernels: only the standard library and pydantic.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from reviewkit.fieldtypes import FILE_MAX, ChangePath, ItemId, LineNumber, Seen, Slug, Text, Version, has_words
from reviewkit.words import Category, Judgement, Severity


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
