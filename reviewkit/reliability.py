"""Coefficients of agreement with intervals: raw agreement, Cohen's kappa, Gwet's AC1, Krippendorff's alpha, ICC.

Pure. Where a coefficient cannot be told, its estimate has no value and says why in words; none is ever NaN.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, quantiles
from typing import Final, Literal

from reviewkit.distributions import CONFIDENCE, Z, f_quantile, wilson

Weighting = Literal["nominal", "linear", "quadratic"]
LEAST_REVIEWS: Final = 10
"""Reviews from which an ICC is reported."""
LEAST_UNITS: Final = 10
"""Items from which an alpha gets an interval."""
RESAMPLES: Final = 1000
SEED: Final = 1
_DECIMALS: Final = 4
NO_OVERLAP: Final = "no item was judged by both"
NO_ALPHA: Final = "not computed: the krippendorff package is missing; install reviewkit[stats]"
_CUTS: Final = round(2 / (1 - CONFIDENCE))
"""Equal parts of a sorted sample whose outer two lie outside the interval."""


@dataclass(frozen=True)
class Estimate:
    """A coefficient with its 95 % interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Items (for an ICC reviews) that it rests on."""
    words: str = ""
    """Why there is no value or no interval, or what to be careful of."""

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Plain values."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "words": self.words}


def _estimate(value: float, low: float, high: float, n: int, words: str = "") -> Estimate:
    shown = [round(max(-1.0, min(1.0, v)) + 0.0, _DECIMALS) for v in (value, low, high)]
    return Estimate(shown[0], shown[1], shown[2], n, words)


def raw_agreement(pairs: Sequence[tuple[str, str]]) -> Estimate:
    """Share of items on which two say the same; Wilson's interval."""
    if not pairs:
        return Estimate(None, words=NO_OVERLAP)
    same = sum(one == other for one, other in pairs)
    low, high = wilson(same, len(pairs))
    return _estimate(same / len(pairs), low, high, len(pairs))


def kappa(pairs: Sequence[tuple[str, str]], scale: Sequence[str], weighting: Weighting = "nominal") -> Estimate:
    """
    Cohen's kappa of two raters, plain or weighted.

    Args:
        pairs: What the two said of each item.
        scale: Every word that may be said; in its order for the weighted ones.
        weighting: Credit of near misses: none, falling with the distance on the scale, or with its square.

    Returns:
        The coefficient with an interval from its large-sample standard error.

    Source: Cohen 1960, 1968; standard error of Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72.
    """
    n = len(pairs)
    if not n:
        return Estimate(None, words=NO_OVERLAP)
    cells, rows, columns = _shares(pairs, scale)
    used = [word for word in scale if rows[word] or columns[word]]
    credit = {(a, b): _credit(scale.index(a), scale.index(b), len(scale), weighting) for a in used for b in used}
    seen = sum(cells[cell] * credit[cell] for cell in sorted(cells))
    chance = sum(rows[a] * columns[b] * credit[a, b] for a in used for b in used)
    if len(used) == 1 or 1 - chance < 1e-12:
        return Estimate(None, n=n, words=f"both always said {used[0]!r}: agreement beyond chance cannot be told")
    value = (seen - chance) / (1 - chance)
    across = {a: sum(columns[b] * credit[a, b] for b in used) for a in used}
    down = {b: sum(rows[a] * credit[a, b] for a in used) for b in used}
    spread = sum(
        share * (credit[a, b] - (across[a] + down[b]) * (1 - value)) ** 2 for (a, b), share in sorted(cells.items())
    )
    variance = (spread - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    half = Z * sqrt(max(0.0, variance))
    return _estimate(value, value - half, value + half, n, _kappa_words(rows, columns, seen))


def _shares(
    pairs: Sequence[tuple[str, str]], scale: Sequence[str]
) -> tuple[dict[tuple[str, str], float], dict[str, float], dict[str, float]]:
    n = len(pairs)
    cells = {cell: count / n for cell, count in Counter(pairs).items()}
    rows = {word: sum(one == word for one, _ in pairs) / n for word in scale}
    columns = {word: sum(other == word for _, other in pairs) / n for word in scale}
    return cells, rows, columns


def _credit(one: int, other: int, words: int, weighting: Weighting) -> float:
    if weighting == "nominal":
        return float(one == other)
    distance = abs(one - other) / (words - 1)
    return 1 - (distance if weighting == "linear" else distance * distance)


def _kappa_words(rows: Mapping[str, float], columns: Mapping[str, float], seen: float) -> str:
    for shares in (rows, columns):
        always = [word for word, share in shares.items() if share > 1 - 1e-12]
        if always:
            return f"one side always said {always[0]!r}: kappa is 0 whatever the other says; read the raw agreement"
    return "no disagreement was seen, so the formula's interval has no width" if seen > 1 - 1e-12 else ""


def gwet_ac1(pairs: Sequence[tuple[str, str]], scale: Sequence[str]) -> Estimate:
    """
    Gwet's AC1 of two raters, which does not collapse when nearly all items are of one kind.

    Source: Gwet 2008, Computing inter-rater reliability and its variance in the presence of high agreement, equations
    for two raters; the interval is of the large-sample standard error.
    """
    n, most = len(pairs), len(scale)
    if not n:
        return Estimate(None, words=NO_OVERLAP)
    cells, rows, columns = _shares(pairs, scale)
    mean = {word: (rows[word] + columns[word]) / 2 for word in scale}
    seen = sum(share for (a, b), share in sorted(cells.items()) if a == b)
    chance = sum(share * (1 - share) for share in mean.values()) / (most - 1)
    value = (seen - chance) / (1 - chance)
    same = sum(cells.get((word, word), 0.0) * (1 - mean[word]) for word in scale) / (most - 1)
    mixed = sum(share * (1 - (mean[a] + mean[b]) / 2) ** 2 for (a, b), share in sorted(cells.items())) / (most - 1) ** 2
    variance = seen * (1 - seen) - 4 * (1 - value) * (same - seen * chance) + 4 * (1 - value) ** 2 * (mixed - chance**2)
    half = Z * sqrt(max(0.0, variance / n)) / (1 - chance)
    words = "no disagreement was seen, so the formula's interval has no width" if seen > 1 - 1e-12 else ""
    return _estimate(value, value - half, value + half, n, words)


def alpha(
    units: Sequence[Mapping[str, str]], scale: Sequence[str], *, ordinal: bool = False, seed: int = SEED
) -> Estimate:
    """
    Krippendorff's alpha of any number of raters, with items that some have not judged.

    Args:
        units: Per item, rater -> word; items with fewer than two words say nothing and are left out.
        scale: Every word that may be said, in its order.
        ordinal: Whether the order counts.
        seed: Of the bootstrap over items behind the interval; the same units give the same interval.

    Source: Krippendorff 2011, Computing Krippendorff's alpha-reliability; the `krippendorff` package.
    """
    at = {word: number for number, word in enumerate(scale)}
    told = [[at[unit[rater]] for rater in sorted(unit)] for unit in units if len(unit) > 1]
    if not told:
        return Estimate(None, words="no item was judged by two raters")
    if len({value for unit in told for value in unit}) == 1:
        return Estimate(
            None, n=len(told), words=f"all always said {scale[told[0][0]]!r}: agreement beyond chance cannot be told"
        )
    try:
        import krippendorff
        import numpy as np
    except ImportError:
        return Estimate(None, n=len(told), words=NO_ALPHA)
    level = "ordinal" if ordinal else "nominal"
    counts = np.array([[unit.count(value) for value in range(len(scale))] for unit in told])

    def of(rows: object) -> float:
        return float(
            krippendorff.alpha(value_counts=rows, value_domain=list(range(len(scale))), level_of_measurement=level)
        )

    value = of(counts)
    if len(told) < LEAST_UNITS:
        shown = round(value + 0.0, _DECIMALS)
        return Estimate(shown, n=len(told), words=f"no interval: {len(told)} items, {LEAST_UNITS} are needed")
    draw = random.Random(seed)
    samples = (counts[draw.choices(range(len(told)), k=len(told))] for _ in range(RESAMPLES))
    drawn = sorted(of(sample) for sample in samples if (sample.sum(axis=0) > 0).sum() > 1)
    if len(drawn) < CONFIDENCE * RESAMPLES:
        words = "no interval: nearly all items are of one kind, and most resamples hold no other"
        return Estimate(round(value + 0.0, _DECIMALS), n=len(told), words=words)
    cuts = quantiles(drawn, n=_CUTS, method="inclusive")
    return _estimate(value, cuts[0], cuts[-1], len(told))


def icc(table: Sequence[Sequence[float]], *, least: int = LEAST_REVIEWS) -> tuple[Estimate, Estimate]:
    """
    Intraclass correlations for absolute agreement, two-way random effects: of one rater, and of the mean of all.

    Args:
        table: Per review one number of each rater, complete.
        least: Reviews below which nothing is reported.

    Returns:
        ICC(A,1) and ICC(A,k) with intervals from the F distribution.

    Source: McGraw and Wong 1996, Forming inferences about some intraclass correlation coefficients, tables 4 and 7;
    ICC(2,1) and ICC(2,k) of Shrout and Fleiss 1979.
    """
    n, k = len(table), len(table[0]) if table else 0
    if n < max(least, 3) or k < 2:
        words = f"too few reviews: {n} with a total of each rater, {least} are needed"
        return Estimate(None, n=n, words=words), Estimate(None, n=n, words=words)
    between, raters, rest = _mean_squares(table)
    if between + raters + rest < 1e-12:
        words = "all totals are the same number: there is nothing to tell reviews apart by"
        return Estimate(None, n=n, words=words), Estimate(None, n=n, words=words)
    if between + rest < 1e-12:
        words = "no rater tells any two reviews apart, so there is no interval"
        return Estimate(0.0, n=n, words=words), Estimate(0.0, n=n, words=words)
    single = (between - rest) / (between + (k - 1) * rest + k * (raters - rest) / n)
    if raters + rest < 1e-12:
        same = Estimate(1.0, n=n, words="no disagreement was seen, so there is no interval")
        return same, same
    low, high = _icc_interval(between, raters, rest, single, n, k)
    if not (isfinite(low) and isfinite(high)):
        words = "no interval: the raters' totals leave too little spread"
        return Estimate(round(single, _DECIMALS), n=n, words=words), Estimate(
            round(_stepped_up(single, k), _DECIMALS), n=n, words=words
        )
    one = _estimate(single, low, high, n)
    mean = _estimate(_stepped_up(single, k), _stepped_up(low, k), _stepped_up(high, k), n)
    return one, mean


def _mean_squares(table: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean squares between reviews, between raters, and of what is left."""
    n, k = len(table), len(table[0])
    every = fmean(value for row in table for value in row)
    rows = [fmean(row) for row in table]
    columns = [fmean(row[at] for row in table) for at in range(k)]
    between = k * sum((mean - every) ** 2 for mean in rows) / (n - 1)
    raters = n * sum((mean - every) ** 2 for mean in columns) / (k - 1)
    left = sum(
        (value - rows[r] - columns[c] + every) ** 2 for r, row in enumerate(table) for c, value in enumerate(row)
    )
    return between, raters, left / ((n - 1) * (k - 1))


def _icc_interval(between: float, raters: float, rest: float, single: float, n: int, k: int) -> tuple[float, float]:
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    freedom = (a * raters + b * rest) ** 2 / ((a * raters) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1)))
    noise = k * raters + (k * n - k - n) * rest
    outer = f_quantile(0.5 + CONFIDENCE / 2, n - 1, freedom)
    inner = f_quantile(0.5 + CONFIDENCE / 2, freedom, n - 1)
    low = n * (between - outer * rest) / (outer * noise + n * between)
    high = n * (inner * between - rest) / (noise + n * inner * between)
    return low, high


def _stepped_up(single: float, k: int) -> float:
    """Reliability of the mean of `k` raters.

    Source: Spearman 1910, Brown 1910.
    """
    below = 1 + (k - 1) * single
    return k * single / below if below > 0 else -1.0
