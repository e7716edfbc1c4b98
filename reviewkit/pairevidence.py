"""Why one finding was, or was not, taken for one item of the key."""

from __future__ import annotations

from typing import Literal

from reviewkit.frozen import Frozen, Ident, Probability
from reviewkit.outcomes import PairOutcome


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
    numbers: dict[str, float] = {}  # noqa: RUF012 - pydantic copies it


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
