"""The scorecard: what a scored submission is worth, with the evidence for each point, as versioned canonical JSON.

Points are always points of 100. A value that could not be decided is `unscored` with a reason code or waits as
`needs a person`; neither is ever full marks or a silent zero. What the program first said stays beside what raters
decided (`program_*` fields and the list of decisions). Texts of a candidate in here are hostile data: escape them.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reviewkit.words import Dimension, Domain, Judgement, Level, Severity

SCORECARD_SCHEMA: Final = 1
DECIMALS: Final = 4
"""Every number of a scorecard is rounded to this many decimals, and probabilities before any comparison."""
RATER_MARK_MAX: Final = 4

Probability = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=100)]
Ident = Annotated[str, Field(min_length=1, max_length=200)]
SandboxLevel = Literal["namespaces", "landlock", "seccomp", "wasi", "none"]


class Frozen(BaseModel):
    """Base of everything in a scorecard."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PairOutcome(StrEnum):
    """What is known about one finding and one defect (or decoy, or also-valid remark)."""

    MATCHED = "matched"
    NOT_MATCHED = "not matched"
    PERSON = "needs a person"


class Outcome(StrEnum):
    """What a finding turned out to be."""

    MATCHED = "matched"
    DUPLICATE = "duplicate"
    DECOY = "decoy"
    EXTRA = "extra"
    """Not in the key: half a wrong remark until a rater decides; credited once confirmed."""
    FALSE = "false"
    VAGUE = "vague"
    PERSON = "needs a person"


class ItemState(StrEnum):
    """How far one scored item is settled."""

    CREDITED = "credited"
    PARTLY = "partly"
    MISSED = "missed"
    PERSON = "needs a person"
    UNSCORED = "unscored"


class GateOutcome(StrEnum):
    """A gate; `fail` only ever comes from a rater."""

    PASS = "pass"  # noqa: S105 (an outcome, no secret)
    FAIL = "fail"
    PERSON = "needs a person"


class Reason(StrEnum):
    """Why a dimension could not be scored."""

    CHECKS_NOT_RUN = "checks_not_run"
    CHECKS_MISSING = "checks_missing"
    CHECKS_ERROR = "checks_error"
    EVIDENCE_NOT_RERUN = "evidence_not_rerun"
    NO_RATER = "no_rater"
    RATERS_DISAGREE = "raters_disagree"
    KEY_MISSING = "key_missing"
    NOT_ASKED = "not_asked"
    NO_WEIGHT = "no_weight"


class CheckResult(Frozen):
    """One hidden check of an exercise, as the sandbox reported it."""

    exercise: Ident
    check: Ident
    title: str
    outcome: Literal[
        "passed", "failed", "error", "time_limit", "memory_limit", "crashed", "stopped", "not_run", "not_measured"
    ]
    """`error`, `not_run` and `not_measured` are about us and score nothing; the others are about the solution."""
    expected: str = ""
    seen: str = ""


class PutBack(Frozen):
    """A run of evidence on the mended tree with one defect put back, and nothing else."""

    defect: Ident
    outcome: Literal["fails", "passes", "error", "flaky", "not_run", "no_tree"]
    """`no_tree`: the rubric cannot put this defect back on its own."""
    seen: str = ""


class EvidenceResult(Frozen):
    """The hiring side's own re-run of evidence that a candidate handed in for a finding."""

    finding: Ident
    evidence: Ident
    own: Literal["fails", "passes", "error"] = "fails"
    """Outcome in the candidate's own kernel: a claim, not a fact."""
    head: Literal["fails", "passes", "error", "flaky", "not_run"]
    """Outcome on the change under review; a proof must fail there. `flaky`: its runs differ."""
    head_seen: str = ""
    reference: Literal["fails", "passes", "error", "flaky", "not_run"]
    """Outcome on the mended tree; a proof must pass there."""
    reference_seen: str = ""
    put_back: tuple[PutBack, ...] = ()
    """For the defects that the finding is, or may be, about: only a check that fails there is about that defect."""


class DecisionKind(StrEnum):
    """What a rater decides; the comment names the fields that say which item is meant, and the allowed outcomes."""

    FINDING = "finding"
    """`finding` and `defect`: matched | not matched; `finding` alone: any `Outcome` but matched and needs a person."""
    UNDERSTANDING = "understanding"
    """`defect`: credited | partly | missed."""
    GATE = "gate"
    """`item` = gate id: pass | fail."""
    ANSWER = "answer"
    """`item` = `<exercise>/<field>/<number from 0>`: credited | partly | missed."""
    PROOF = "proof"
    """`finding`: credited | missed."""
    RATING = "rating"
    """`item` = dimension: a mark "1" to "4" of its written levels."""
    HINT = "hint"
    """`defect`: given. An interviewer's hint costs a share of the defect's points."""


WITHDRAWN: Final = "withdrawn"
"""Outcome of a decision of any kind: the rater takes back the own word on the item, which stays on record."""

_ALLOWED: Final[dict[DecisionKind, tuple[tuple[str, ...], frozenset[str]]]] = {
    DecisionKind.FINDING: (
        ("finding",),
        frozenset({"matched", "not matched", "duplicate", "decoy", "extra", "false", "vague"}),
    ),
    DecisionKind.UNDERSTANDING: (("defect",), frozenset({"credited", "partly", "missed"})),
    DecisionKind.GATE: (("item",), frozenset({"pass", "fail"})),
    DecisionKind.ANSWER: (("item",), frozenset({"credited", "partly", "missed"})),
    DecisionKind.PROOF: (("finding",), frozenset({"credited", "missed"})),
    DecisionKind.RATING: (("item",), frozenset(str(mark) for mark in range(1, RATER_MARK_MAX + 1))),
    DecisionKind.HINT: (("defect",), frozenset({"given"})),
}


class Decision(Frozen):
    """One decision of one rater. Decisions are only ever added: a rater's later word on the same item counts."""

    kind: DecisionKind = DecisionKind.FINDING
    finding: Ident | None = None
    defect: Ident | None = None
    item: Ident | None = None
    outcome: str
    author: Ident
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
    """UTC, ISO 8601 with Z."""
    reason: str = Field(min_length=1, max_length=4000)

    @model_validator(mode="after")
    def _says_something_known(self) -> Self:
        needed, outcomes = _ALLOWED[self.kind]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a decision of kind {self.kind.value!r} needs {', '.join(missing)}")
        if self.outcome == WITHDRAWN:
            return self
        if self.outcome not in outcomes:
            raise ValueError(f"outcome {self.outcome!r} is not one of {', '.join(sorted(outcomes))}, {WITHDRAWN}")
        if self.kind is DecisionKind.FINDING and (self.defect is not None) != (self.outcome in PAIR_WORDS):
            raise ValueError("matched and not matched name a defect; every other outcome is about the finding alone")
        return self

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the decision is about."""
        return (self.kind.value, self.finding or "", self.defect or "", self.item or "")


PAIR_WORDS: Final = frozenset({"matched", "not matched"})


class Contribution(Frozen):
    """One term of a pair's log-odds."""

    feature: Ident
    words: str
    """What the feature saw, for a panel."""
    value: float
    log_odds: float
    """Coefficient times value; a probability is 1 / (1 + exp(-sum))."""


class GuardHit(Frozen):
    """A rule that keeps a pair from automatic credit; it changes the route, never the probability."""

    guard: Ident
    route: Literal["queue", "no credit"]
    words: str
    numbers: dict[str, float] = {}


class PairEvidence(Frozen):
    """Why one finding was or was not taken for one item of the key."""

    target: Ident
    kind: Literal["defect", "decoy", "also valid"]
    reference: str
    """Which statement of the key was closest, such as `sees 2` or `title`."""
    probability: Probability
    outcome: PairOutcome
    program_outcome: PairOutcome
    """What the program said before any rater."""
    contributions: tuple[Contribution, ...]
    guards: tuple[GuardHit, ...] = ()
    words: str
    """The reasons in one or two sentences."""


class FindingResult(Frozen):
    """One finding and what became of it."""

    id: Ident
    file: str | None
    line: int | None
    end_line: int | None
    side: Literal["R", "L"]
    severity: str
    category: str
    body: str
    why: str
    fix: str
    text_sha256: str
    after_exercises: bool
    outcome: Outcome
    program_outcome: Outcome
    defects: tuple[Ident, ...] = ()
    """Defects credited to this finding; a duplicate names those that it repeats."""
    pairs: tuple[PairEvidence, ...] = ()
    """The pairs that are not clearly rejected, and the best one; most probable first."""
    words: str


class Point(Frozen):
    """One line of evidence: an item, what it is worth, and why."""

    dimension: Dimension
    item: Ident
    state: ItemState
    points: Points
    points_max: Points
    low: Points
    """Points if everything still open is decided against the candidate."""
    high: Points
    """Points if everything still open is decided for the candidate."""
    findings: tuple[Ident, ...] = ()
    words: str
    program_state: ItemState | None = None
    """What the program said first, where raters may say something else about this very item."""


class DefectResult(Frozen):
    """One planted defect: found, missed, or waiting for a person."""

    id: Ident
    title: str
    severity: Severity
    level: Level
    domain: Domain
    family: str | None
    state: ItemState
    program_state: ItemState
    probability: Probability
    """What enters the expected value: best accepted or unguarded probability, or a rater's 0 or 1."""
    finding: Ident | None
    """The finding that credits it, or the best candidate for it."""
    findings: tuple[Ident, ...] = ()
    """All findings taken for it, the crediting one first."""
    after_exercises: bool = False
    """Found only by a remark made once the exercises were open: reported, not counted."""
    hints: int = Field(default=0, ge=0)
    points: Points
    points_max: Points
    low: Points
    high: Points
    words: str


class DimensionResult(Frozen):
    """One scored side of the review."""

    dimension: Dimension
    scored: bool
    reason: Reason | None = None
    """Why it is unscored; None when it is scored."""
    points: Points
    points_max: Points
    """The rubric's weight of the dimension."""
    low: Points
    high: Points
    sd: float = Field(ge=0)
    """Standard deviation of the expected points, from undecided matches."""
    items: tuple[Point, ...] = ()
    words: str

    @model_validator(mode="after")
    def _fails_closed(self) -> Self:
        if self.scored == (self.reason is not None):
            raise ValueError("an unscored dimension has a reason code, a scored one has none")
        if not self.scored and (self.points or self.sd):
            raise ValueError("an unscored dimension carries no points")
        return self


class GateResult(Frozen):
    """One must-explain criterion."""

    id: Ident
    statement: str
    outcome: GateOutcome
    program_outcome: GateOutcome
    evidence: tuple[Ident, ...] = ()
    """Findings (`finding:<id>`) and answers (`answer:<id>`) that speak for it."""
    words: str


class ClaimResult(Frozen):
    """One claim of the author's description."""

    id: Ident
    given: Judgement | None
    """None: not judged."""
    key: Judgement
    right: bool
    words: str


class AnswerPoint(Frozen):
    """One statement of an exercise's key against the candidate's answer."""

    id: Ident
    """`<exercise>/<field>/<number from 0>`."""
    statement: str
    state: ItemState
    program_state: ItemState
    probability: Probability
    words: str


class ExerciseResult(Frozen):
    """One exercise; its points are part of the dimension named."""

    id: Ident
    kind: str
    dimension: Dimension
    answered: bool
    share: Probability
    """Part of the exercise solved, of what is decided."""
    answers: tuple[AnswerPoint, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    words: str


class Breakdown(Frozen):
    """Detection within one level, domain or severity."""

    by: Literal["level", "domain", "severity"]
    value: str
    planted: int
    found: int
    open: int
    points: Points
    points_max: Points


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

    def dimension(self, dimension: Dimension) -> DimensionResult:
        """Return the result of one dimension; every dimension has one."""
        return next(result for result in self.dimensions if result.dimension is dimension)

    def canonical_json(self) -> str:
        """Canonical JSON of the card: sorted keys, no spaces, one line with a newline at its end."""
        return canonical(self.model_dump(mode="json")) + "\n"


def canonical(value: Any) -> str:
    """Canonical JSON text of plain data.

    Raises:
        ValueError: If a number is NaN or infinite.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of plain data."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scorecard, for readers in other languages."""
    return Scorecard.model_json_schema()
