"""What became of each finding, defect, claim, answer, gate and dimension: the lines of a scorecard."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from reviewkit.checkresult import CheckResult
from reviewkit.frozen import Frozen, Ident, Points, Probability
from reviewkit.outcomes import GateOutcome, ItemState, Outcome, Reason
from reviewkit.pairevidence import PairEvidence
from reviewkit.words import Dimension, Domain, Judgement, Level, Severity


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
