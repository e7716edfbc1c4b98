"""The scorecard: what a scored submission is worth, with the evidence for each point, as versioned canonical JSON.

Points are always points of 100. A value that could not be decided is `unscored` with a reason code or waits as
`needs a person`; neither is ever full marks or a silent zero. What the program first said stays beside what raters
decided (`program_*` fields and the list of decisions). Texts of a candidate in here are hostile data: escape them.

Its parts have modules of their own; this one is the door to the whole format.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from reviewkit.checkresult import CheckResult, EvidenceResult, PutBack
from reviewkit.decision import PAIR_WORDS, RATER_MARK_MAX, WITHDRAWN, Decision, DecisionKind
from reviewkit.frozen import DECIMALS, Frozen, Ident, Points, Probability, SandboxLevel, canonical, digest
from reviewkit.opinion import Opinion, SecondOpinion
from reviewkit.outcomes import GateOutcome, ItemState, Outcome, PairOutcome, Reason
from reviewkit.pairevidence import Contribution, GuardHit, PairEvidence
from reviewkit.results import (
    AnswerPoint,
    Breakdown,
    ClaimResult,
    DefectResult,
    DimensionResult,
    ExerciseResult,
    FindingResult,
    GateResult,
    Point,
)
from reviewkit.words import Dimension

__all__ = [
    "DECIMALS", "PAIR_WORDS", "RATER_MARK_MAX", "SCORECARD_SCHEMA", "WITHDRAWN", "About", "AnswerPoint", "Breakdown",
    "CheckResult", "ClaimResult", "Contribution", "Decision", "DecisionKind", "DefectResult", "DimensionResult",
    "EvidenceResult", "ExerciseResult", "FindingResult", "Flag", "Frozen", "GateOutcome", "GateResult", "GuardHit", "Ident",
    "ItemState", "Opinion", "Outcome", "PairEvidence", "PairOutcome", "Point", "Points", "Probability", "PutBack", "QueueItem",
    "Reason", "SandboxLevel", "Scorecard", "SecondOpinion", "Total", "Versions", "canonical", "digest", "json_schema",
]  # fmt: skip

SCORECARD_SCHEMA: Final = 1


class QueueItem(Frozen):
    """Something only a person can decide."""

    kind: DecisionKind
    finding: Ident | None = None
    defect: Ident | None = None
    item: Ident | None = None
    effect: float = Field(ge=0)
    """Points of the total that hang on it; gates count on top and come first."""
    words: str


class Total(Frozen):
    """The sum over the scored dimensions; never more precise than what was decided."""

    points: Points
    """Expected points: undecided but unguarded matches count with their probability."""
    over: Points
    """Points that could be had in the scored dimensions; 100 when nothing is unscored."""
    percent: float = Field(ge=0, le=100)
    """`points` of `over`, in percent: what bands read."""
    interval_low: Points
    """Lower end of the 90 % interval around `points`."""
    interval_high: Points
    low: Points
    """Hard bound: everything open decided against the candidate."""
    high: Points
    """Hard bound: everything open decided for the candidate."""
    band: str
    band_low: str
    band_high: str
    """Bands of the hard bounds: where they differ, the band is open until raters have decided."""
    unscored: tuple[Dimension, ...] = ()
    words: str


class Flag(Frozen):
    """A mark on the record that a person should know; it never moves a point."""

    code: str
    """One of docs/record.md, section 6."""
    words: str
    """One sentence without anything that the candidate wrote."""
    tampering: bool = False
    """Whether it shows a change made outside the workbook."""


class Versions(Frozen):
    """What produced the numbers; two cards compare only where these agree."""

    scorer: str
    model: str
    """Name and sha256 of the weights and thresholds."""
    idf: str
    """sha256 of the background word table."""
    calibration: str
    """sha256 of the labelled set behind the thresholds."""
    rubric: str
    scenario: str
    rubric_sha256: str = ""
    """Of the rubric as it was read, under which `keys/` of the output folder keeps it; empty in older cards."""
    exemplars: str = "none"
    """Version and sha256 of the adjudicated remarks in use; `none` without any, `off` where they were switched off."""


class About(Frozen):
    """Which submission was scored; passed in, since the scorer reads no files."""

    slug: str = ""
    record: str = ""
    candidate: str = ""
    submission_sha256: str = ""


class Scorecard(Frozen):
    """The scored result of one submission."""

    schema_version: Literal[1] = SCORECARD_SCHEMA
    about: About
    versions: Versions
    sandbox: SandboxLevel = "none"
    """Level of the sandbox that the machine had; none: hidden checks were not run."""
    total: Total
    dimensions: tuple[DimensionResult, ...]
    gates: tuple[GateResult, ...]
    gates_outcome: GateOutcome
    """fail when a rater failed one, pass when all pass, else needs a person."""
    defects: tuple[DefectResult, ...]
    findings: tuple[FindingResult, ...]
    claims: tuple[ClaimResult, ...]
    exercises: tuple[ExerciseResult, ...]
    evidence: tuple[EvidenceResult, ...] = ()
    """Re-runs of what the candidate handed in as evidence, in the order of the record."""
    breakdown: tuple[Breakdown, ...]
    queue: tuple[QueueItem, ...]
    """By effect on the result, largest first."""
    after_exercises: tuple[Ident, ...] = ()
    """Defects found only once the exercises were open; worth no points."""
    submission_guards: tuple[GuardHit, ...] = ()
    """Guards that hold for the review as a whole."""
    decisions: tuple[Decision, ...] = ()
    """Every decision taken into account, as given; nothing is dropped."""
    program_total: Total | None = None
    """The total without any decision; None while there is none."""
    flags: tuple[Flag, ...] = ()
    """What the record shows beside the work: tampering, an impossible clock, scores written in. Read from this file alone."""
    verdict_given: str | None = None
    """The candidate's own decision about the change."""
    second_opinion: SecondOpinion | None = None
    """What a language model said of pairs that wait for a person: advice, read by no code that decides; None without one."""

    @model_serializer(mode="wrap")
    def _without_an_absent_opinion(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A card without a second opinion is the same bytes as before there were any."""
        data: dict[str, Any] = plain(self)
        if self.second_opinion is None:
            data.pop("second_opinion", None)
        return data

    def dimension(self, dimension: Dimension) -> DimensionResult:
        """Return the result of one dimension; every dimension has one."""
        return next(result for result in self.dimensions if result.dimension is dimension)

    def canonical_json(self) -> str:
        """Canonical JSON of the card: sorted keys, no spaces, one line with a newline at its end."""
        return canonical(self.model_dump(mode="json")) + "\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scorecard, for readers in other languages."""
    return Scorecard.model_json_schema()
