"""What a rater decides about one item."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from reviewkit.frozen import Frozen, Ident

RATER_MARK_MAX: Final = 4


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
