"""The total of a scorecard: expected points, 90 % interval, hard bounds, bands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import sqrt
from typing import Final

from reviewkit.dimensions import rounded
from reviewkit.rubric import Rubric
from reviewkit.scorecard import DimensionResult, GateOutcome, GateResult, ItemState, Total
from reviewkit.worth import Worth

INTERVAL: Final = 1.64
"""Standard deviations to either side: 90 %."""


def total_of(results: Sequence[DimensionResult], worths: Collection[Worth], unread: float, rubric: Rubric) -> Total:
    """Sum of the scored dimensions with its interval and hard bounds.

    Args:
        results: Of all dimensions.
        worths: Of all defects.
        unread: Points that explanations which nobody has read yet are expected to bring.
        rubric: For the bands.
    """
    counted = [result for result in results if result.scored]
    missing = tuple(result.dimension for result in results if not result.scored and result.points_max)
    over = sum(result.points_max for result in counted)
    points = sum(result.points for result in counted)
    low, high = sum(r.low for r in counted), sum(r.high for r in counted)
    spread = INTERVAL * sqrt(sum(result.sd**2 for result in counted))
    # What was taken counts in full, so it can only lose: upwards only open matches and explanations are uncertain.
    rise = unread + sum(worth.held_back for worth in worths)
    rise += INTERVAL * sqrt(sum(worth.variance for worth in worths if worth.found.state is ItemState.PERSON))

    def band(value: float) -> str:
        return rubric.band(100 * value / over if over else 0.0)

    words = f"{points:.1f} of {over:g} points"
    if missing:
        words += f"; not scored: {', '.join(missing)}"
    if high > low:
        words += f"; between {low:.1f} and {high:.1f} once everything open is decided"
    return Total(
        points=rounded(points),
        over=rounded(over),
        percent=rounded(100 * points / over if over else 0.0),
        interval_low=rounded(max(0.0, points - spread)),
        interval_high=rounded(max(points, min(high, points + rise))),
        low=rounded(min(low, points)),
        high=rounded(max(high, points)),
        band=band(points),
        band_low=band(min(low, points)),
        band_high=band(max(high, points)),
        unscored=missing,
        words=words + ".",
    )


def gates_outcome(gates: Sequence[GateResult]) -> GateOutcome:
    """fail when a rater failed one, pass when all pass, else needs a person."""
    outcomes = {gate.outcome for gate in gates}
    if GateOutcome.FAIL in outcomes:
        return GateOutcome.FAIL
    return GateOutcome.PERSON if GateOutcome.PERSON in outcomes else GateOutcome.PASS
