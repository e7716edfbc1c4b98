"""Differences between groups in what the score would select, from a table that stays outside: nothing of it is kept.

Pure: rows in, report out. An impact ratio and a test answer different questions and may disagree; a report shows both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance
from typing import Any, Final

from reviewkit.distributions import Z, fisher_exact, root

LEAST_GROUP: Final = 5
"""People below which a group is not reported: numbers of so few say nothing and point at persons."""
FOUR_FIFTHS: Final = 0.8
ALL: Final = "all scenarios"
MEANING: Final = (
    "Impact ratio: a group's pass rate over that of the group with the highest. Below 0.80 the four-fifths rule of the US "
    "Uniform Guidelines (1978) calls it a sign of adverse impact. Fisher's exact test asks something else: how often chance "
    "alone would deal passes this unevenly or more. With small groups a ratio can be far below 0.80 by chance; with large ones "
    "a difference can be no chance and still above it. The two may disagree, and neither says why groups differ. Intervals are "
    "95 %. Standardised difference: mean total minus that of the reference group, over their common standard deviation."
)


@dataclass(frozen=True)
class Scored:
    """One candidate's result in one scenario."""

    candidate: str
    scenario: str
    percent: float


@dataclass(frozen=True)
class Group:
    """One group against the reference group of a scenario."""

    name: str
    n: int
    passed: int
    rate: float
    ratio: float | None = None
    """None for the reference group, and where nobody of it passed."""
    ratio_low: float | None = None
    ratio_high: float | None = None
    """None: no upper limit."""
    p: float | None = None
    """Two-sided, of Fisher's exact test against the reference group."""
    difference: float | None = None
    """Standardised difference of totals (Hedges' g)."""
    difference_low: float | None = None
    difference_high: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Comparison:
    """The groups of one column in one scenario, or over all."""

    column: str
    scenario: str
    reference: str
    """The group with the highest pass rate; the larger of equals."""
    groups: tuple[Group, ...]
    small: int
    """Groups that were left out for having fewer than `LEAST_GROUP` people."""
    words: str = ""


def compare(
    scored: Sequence[Scored], groups: Mapping[str, str], column: str, pass_from: Mapping[str, float]
) -> list[Comparison]:
    """
    Compare groups within each scenario, then over all when there are several.

    Args:
        scored: Results; several of one candidate in one scenario count as their mean.
        groups: Candidate -> group; candidates without one are left out.
        column: What the grouping is called.
        pass_from: Scenario -> percent of the points from which a result passes.

    Returns:
        One comparison per scenario, by name. Over all scenarios totals are first standardised within each.
    """
    by_scenario: dict[str, dict[str, list[float]]] = {}
    for one in scored:
        if one.candidate in groups:
            by_scenario.setdefault(one.scenario, {}).setdefault(one.candidate, []).append(one.percent)
    found: list[Comparison] = []
    every: list[tuple[str, bool, float]] = []
    for scenario, people in sorted(by_scenario.items()):
        totals = {candidate: fmean(people[candidate]) for candidate in sorted(people)}
        rows = [(groups[c], total >= pass_from[scenario], total) for c, total in totals.items()]
        every += _standardised(rows)
        found.append(_compare(rows, column, scenario))
    if len(by_scenario) > 1:
        found.append(_compare(every, column, ALL))
    return found


def _standardised(rows: Sequence[tuple[str, bool, float]]) -> list[tuple[str, bool, float]]:
    totals = [total for _g, _p, total in rows]
    mean, spread = fmean(totals), sqrt(variance(totals)) if len(totals) > 1 else 0.0
    return [(group, passed, (total - mean) / spread if spread else 0.0) for group, passed, total in rows]


def _compare(rows: Sequence[tuple[str, bool, float]], column: str, scenario: str) -> Comparison:
    held: dict[str, list[tuple[bool, float]]] = {}
    for group, passed, total in rows:
        held.setdefault(group, []).append((passed, total))
    large = {name: members for name, members in sorted(held.items()) if len(members) >= LEAST_GROUP}
    small = len(held) - len(large)
    if len(large) < 2:
        words = f"fewer than two groups have {LEAST_GROUP} people, so there is nothing to compare"
        return Comparison(column, scenario, "", (), small, words)
    counts = {name: (sum(passed for passed, _ in members), len(members)) for name, members in large.items()}
    reference = min(counts, key=lambda name: (-counts[name][0] / counts[name][1], -counts[name][1], name))
    totals = {name: [total for _, total in members] for name, members in large.items()}
    groups = [_group(name, counts, totals, reference) for name in sorted(large, key=lambda n: (n != reference, n))]
    return Comparison(column, scenario, reference, tuple(groups), small)


def _group(
    name: str, counts: Mapping[str, tuple[int, int]], totals: Mapping[str, Sequence[float]], reference: str
) -> Group:
    passed, n = counts[name]
    if name == reference:
        return Group(name, n, passed, round(passed / n, 4), words="reference: the highest pass rate")
    most, of = counts[reference]
    p = round(fisher_exact(passed, n - passed, most, of - most), 4)
    apart = standardised_difference(totals[name], totals[reference])
    gap = (None, None, None) if apart is None else tuple(round(v, 4) for v in apart)
    if not most:
        words = "nobody passes, so there is no ratio"
        return Group(name, n, passed, 0.0, None, None, None, p, gap[0], gap[1], gap[2], words)
    ratio = passed * of / (n * most)
    low, high = ratio_interval(passed, n, most, of)
    top = None if high is None else round(high, 4)
    rate, words = round(passed / n, 4), _words(ratio, p)
    return Group(name, n, passed, rate, round(ratio, 4), round(low, 4), top, p, gap[0], gap[1], gap[2], words)


def _words(ratio: float, p: float) -> str:
    below, rare = ratio < FOUR_FIFTHS, p < 0.05
    if below and rare:
        return "below four fifths, and rarely so by chance: look at it"
    if below:
        return "below four fifths, but chance alone often does this: too few people to tell"
    if rare:
        return "not below four fifths, yet rarely so by chance"
    return "neither speaks of a difference"


def ratio_interval(hits: int, of: int, reference_hits: int, reference_of: int) -> tuple[float, float | None]:
    """
    Score interval of the ratio of two proportions; defined for every table in which the reference has a hit.

    Returns:
        Lower and upper limit; None as upper limit when there is none.

    Source: Koopman 1984, Confidence intervals for the ratio of two binomial proportions, Biometrics 40.
    """

    def distance(ratio: float) -> float:
        """Signed root of Koopman's statistic; it falls as the ratio grows."""
        every = (of + reference_of) * ratio
        b = (of + reference_hits) * ratio + hits + reference_of
        share = (b - sqrt(max(0.0, b * b - 4 * every * (hits + reference_hits)))) / (2 * every)
        top = share * ratio
        spread = top * (1 - top) / of + ratio * ratio * share * (1 - share) / reference_of
        gap = hits / of - ratio * reference_hits / reference_of
        return gap / sqrt(spread) if spread > 0 else (0.0 if abs(gap) < 1e-12 else gap * 1e12)

    seen = hits * reference_of / (of * reference_hits)
    low = 0.0 if not hits else root(lambda ratio: Z - distance(ratio), 1e-9, max(seen, 1e-9))
    high = max(seen, 1e-6)
    while -distance(high) < Z:
        high *= 2
        if high > 1e6:
            return low, None
    return low, root(lambda ratio: -distance(ratio) - Z, max(seen, 1e-9), high)


def standardised_difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float] | None:
    """
    Hedges' g of `one` against `other` with its interval; None when neither varies.

    Source: Hedges 1981; standard error of Hedges and Olkin 1985.
    """
    n, m = len(one), len(other)
    pooled = ((n - 1) * variance(one) + (m - 1) * variance(other)) / (n + m - 2)
    if pooled < 1e-12:
        return None
    g = (fmean(one) - fmean(other)) / sqrt(pooled) * (1 - 3 / (4 * (n + m) - 9))
    half = Z * sqrt((n + m) / (n * m) + g * g / (2 * (n + m)))
    return g, g - half, g + half


def as_dict(comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Plain values for JSON."""
    rows = [
        {"column": c.column, "scenario": c.scenario, "reference": c.reference or None, "groups_too_small": c.small,
         "words": c.words, "groups": [dict(vars(group)) for group in c.groups]}
        for c in comparisons
    ]  # fmt: skip
    return {"schema_version": 1, "least_group": LEAST_GROUP, "meaning": MEANING, "comparisons": rows}
