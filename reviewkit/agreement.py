"""How far the matcher and labelled sample reviews agree, counted on pairs of finding and defect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reviewkit.scorecard import PairOutcome


@dataclass(frozen=True)
class Agreement:
    """Counts over pairs."""

    true_accepts: int = 0
    false_accepts: int = 0
    true_rejects: int = 0
    false_rejects: int = 0
    queued: int = 0

    @property
    def decided(self) -> int:
        """Pairs that the program decided."""
        return self.true_accepts + self.false_accepts + self.true_rejects + self.false_rejects

    @property
    def precision(self) -> float:
        """Share of the accepted pairs that the labels confirm; NaN when none was accepted."""
        accepted = self.true_accepts + self.false_accepts
        return self.true_accepts / accepted if accepted else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa on decided pairs; NaN when both sides always say the same one thing.

        Source: Cohen 1960, A coefficient of agreement for nominal scales.
        """
        n = self.decided
        accepted, positive = self.true_accepts + self.false_accepts, self.true_accepts + self.false_rejects
        chance = (accepted * positive + (n - accepted) * (n - positive)) / n**2 if n else 1.0
        return ((self.true_accepts + self.true_rejects) / n - chance) / (1 - chance) if chance < 1 else float("nan")


def count(pairs: Iterable[tuple[PairOutcome, bool]]) -> Agreement:
    """Count (program's outcome, label) pairs."""
    found = {"true_accepts": 0, "false_accepts": 0, "true_rejects": 0, "false_rejects": 0, "queued": 0}
    for outcome, positive in pairs:
        if outcome is PairOutcome.PERSON:
            found["queued"] += 1
        elif outcome is PairOutcome.MATCHED:
            found["true_accepts" if positive else "false_accepts"] += 1
        else:
            found["false_rejects" if positive else "true_rejects"] += 1
    return Agreement(**found)
