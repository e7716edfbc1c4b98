"""The hiring side's half of a scenario: `rubrics/<slug>/rubric.yaml`, the answer key with its weights and gates."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

from reviewkit.scenario import Identifier, Line, RelativePath, Strict, VersionText
from reviewkit.words import Category, Dimension, Domain, Judgement, Level, Severity

Statement = Annotated[str, StringConstraints(min_length=8, max_length=600, strip_whitespace=True)]
"""One sentence as a reviewer might say it."""
Mark = Annotated[str, StringConstraints(pattern=r"^[1-4]$")]
WEIGHT_SUM = 100


class Anchor(Strict):
    """Quoted code that names a place in `head/`; must occur exactly once in its file."""

    file: RelativePath
    anchor: str = Field(min_length=1)


class Defect(Strict):
    """One planted flaw of the answer key."""

    id: Identifier
    title: Line
    file: RelativePath
    anchor: str = Field(min_length=1)
    anchors: tuple[Anchor, ...] = ()
    """Every other place where a reviewer may rightly point."""
    severity: Severity
    level: Level
    domain: Domain
    category: Category
    family: Identifier | None = None
    sees: tuple[Statement, ...] = Field(min_length=1)
    """Statements that count as seeing it."""
    understands: tuple[Statement, ...] = Field(min_length=1)
    """Statements of mechanism and consequence."""
    mends: tuple[Statement, ...] = Field(min_length=1)
    """Accepted remedies, reasoned alternatives too."""
    not_: tuple[Statement, ...] = Field(default=(), alias="not")
    """Look-alikes that do not count."""
    follow_ups: tuple[Statement, ...] = ()
    proof: Literal["behaviour", "static"]

    @property
    def places(self) -> tuple[Anchor, ...]:
        """All anchors, the main one first."""
        return (Anchor(file=self.file, anchor=self.anchor), *self.anchors)


class Decoy(Strict):
    """Correct code that looks suspicious; calling it a defect costs precision."""

    id: Identifier
    file: RelativePath
    anchor: str = Field(min_length=1)
    why: Statement


class AlsoValid(Strict):
    """A true remark that is not planted: never an error, credited once a rater confirms."""

    id: Identifier
    statement: Statement
    file: RelativePath | None = None
    anchor: str | None = None


class ClaimKey(Strict):
    """The right judgement of a claim."""

    id: Identifier
    verdict: Judgement
    why: Statement

    @field_validator("verdict", mode="before")
    @classmethod
    def _yaml_writes_booleans(cls, value: object) -> object:
        return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


class GateEvidence(Strict):
    """Where a gate's explanation may be found: remarks on these defects, answers to these exercises."""

    defects: tuple[Identifier, ...] = ()
    exercises: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _names_something(self) -> GateEvidence:
        if not self.defects and not self.exercises:
            raise ValueError("evidence names neither a defect nor an exercise")
        return self


class Gate(Strict):
    """An explicit must-explain criterion: pass, fail, or `needs a person`."""

    id: Identifier
    statement: Statement
    evidence: GateEvidence


class ExerciseKey(Strict):
    """The key of one exercise; which fields are used follows from the exercise's kind."""

    checks: tuple[Identifier, ...] = ()
    order: tuple[Identifier, ...] = ()
    marks: dict[Identifier, Identifier] = Field(default_factory=dict)
    cause: tuple[Statement, ...] = ()
    evidence: tuple[Statement, ...] = ()
    fix: tuple[Statement, ...] = ()
    trade_off: tuple[Statement, ...] = ()
    points: tuple[Statement, ...] = ()


class Weights(Strict):
    """Points per dimension (sum 100) and relative weight of a defect by severity."""

    dimensions: dict[Dimension, Annotated[float, Field(ge=0)]]
    severity: dict[Severity, Annotated[float, Field(gt=0)]]

    @model_validator(mode="after")
    def _complete(self) -> Weights:
        if set(self.dimensions) != set(Dimension):
            raise ValueError("weights.dimensions must name each dimension once: " + ", ".join(Dimension))
        if set(self.severity) != set(Severity):
            raise ValueError("weights.severity must name each severity once: " + ", ".join(Severity))
        total = sum(self.dimensions.values())
        if abs(total - WEIGHT_SUM) > 1e-9:
            raise ValueError(f"weights.dimensions sum to {total:g}, not {WEIGHT_SUM}")
        return self


class Band(Strict):
    """A named range of totals; `from` is its lower end in points of 100."""

    name: Line
    from_: float = Field(alias="from", ge=0, le=100)


class Feedback(Strict):
    """What a candidate may be told afterwards. Without a word here: strengths only."""

    may_tell: tuple[Level, ...] = ()
    """Levels of which a missed flaw may be spoken of; none by default."""
    missed: Literal["nothing", "areas", "flaws"] = "areas"
    """How a missed flaw of these levels is spoken of: not at all, by its area alone, or by its title."""

    @model_serializer(mode="wrap")
    def _without_a_default(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A rubric that does not name `missed` is the same bytes as before there was such a field."""
        data: dict[str, Any] = plain(self)
        if self.missed == "areas":
            data.pop("missed", None)
        return data


class Rubric(Strict):
    """Answer key, weights, gates and anchors of each rated dimension."""

    schema_version: Literal[1]
    version: VersionText
    canary: Annotated[str, StringConstraints(pattern=r"^rk-canary-[0-9a-f]{32}$")]
    summary: str
    assesses: tuple[Line, ...]
    ideal_for: Line
    domains: tuple[Domain, ...] = Field(min_length=1)
    weights: Weights
    bands: tuple[Band, ...] = Field(min_length=2)
    levels: dict[Dimension, dict[Mark, Statement]]
    gates: tuple[Gate, ...] = ()
    defects: tuple[Defect, ...] = Field(min_length=1)
    decoys: tuple[Decoy, ...] = ()
    also_valid: tuple[AlsoValid, ...] = ()
    claims: tuple[ClaimKey, ...] = ()
    exercises: dict[Identifier, ExerciseKey] = Field(default_factory=dict)
    hint_cost: float = Field(default=0.5, ge=0, le=1)
    feedback: Feedback = Feedback()

    @model_validator(mode="after")
    def _ids_are_unique_and_known(self) -> Rubric:
        for name in ("gates", "defects", "decoys", "also_valid", "claims"):
            ids = [item.id for item in getattr(self, name)]
            doubled = sorted({i for i in ids if ids.count(i) > 1})
            if doubled:
                raise ValueError(f"{name}: id used twice: {', '.join(doubled)}")
        known = {d.id for d in self.defects}
        for gate in self.gates:
            strange = sorted(set(gate.evidence.defects) - known)
            if strange:
                raise ValueError(f"gate {gate.id!r} names unknown defects: {', '.join(strange)}")
        return self

    @cached_property
    def canonical_json(self) -> str:
        """The rubric as canonical JSON, whatever the layout of its file."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def sha256(self) -> str:
        """Of `canonical_json`: two rubrics of one version are told apart by it."""
        return hashlib.sha256(self.canonical_json.encode("utf-8", "surrogatepass")).hexdigest()

    def defect(self, defect_id: str) -> Defect:
        """Return the defect with this id.

        Raises:
            KeyError: If there is none.
        """
        for defect in self.defects:
            if defect.id == defect_id:
                return defect
        raise KeyError(defect_id)

    def band(self, total: float) -> str:
        """Name of the band that a total (0-100) falls into."""
        for band in sorted(self.bands, key=lambda b: -b.from_):
            if total >= band.from_:
                return band.name
        return min(self.bands, key=lambda b: b.from_).name
