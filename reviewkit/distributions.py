"""Quantiles and exact probabilities of a few distributions, so that the reports need no statistics package at run time."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
"""Of every interval that a report of agreement or fairness shows."""
Z: Final = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_TINY: Final = 1e-300
_CLOSE: Final = 1e-15
_TERMS: Final = 500
_HALVINGS: Final = 200


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b).

    Source: continued fraction of Lentz, as in Press et al., Numerical Recipes, section 6.4.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def _away(value: float) -> float:
    """`value`, kept from zero."""
    return value if abs(value) > _TINY else _TINY


def f_quantile(share: float, upper: float, lower: float) -> float:
    """Value of the F distribution below which `share` of it lies; `upper`, `lower` are its degrees of freedom."""

    def below(x: float) -> float:
        return beta_cdf(upper * x / (upper * x + lower), upper / 2, lower / 2) - share

    top = 1.0
    while below(top) < 0:
        top *= 2
        if top == inf:
            return inf
    return root(below, 0.0, top)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that grows from below zero at `low` to above zero at `high` crosses zero, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson score interval of a proportion; (0, 1) of nothing.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    if not of:
        return 0.0, 1.0
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def fisher_exact(a: int, b: int, c: int, d: int) -> float:
    """Two-sided p of Fisher's exact test on the table [[a, b], [c, d]]: all tables at most as likely as the one seen.

    Source: Fisher 1934, Statistical methods for research workers, section 21.02.
    """
    row, column, every = a + b, a + c, a + b + c + d
    first, last = max(0, row + column - every), min(row, column)
    ways = {x: comb(column, x) * comb(every - column, row - x) for x in range(first, last + 1)}
    seen = ways[a]
    return min(1.0, sum(w for w in ways.values() if w <= seen) / comb(every, row))
