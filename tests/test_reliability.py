"""Coefficients of agreement against independent implementations, published examples, and cases that have no answer."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewkit.distributions import f_quantile, fisher_exact, wilson
from reviewkit.reliability import LEAST_REVIEWS, NO_ALPHA, Estimate, alpha, gwet_ac1, icc, kappa, raw_agreement

SCALE = ("missed", "partly", "credited", "more")
SHROUT_FLEISS = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
"""Six targets, four judges: Shrout and Fleiss 1979, table 2."""


def pairs(seed: int, n: int = 60) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    truth = draw.choices(SCALE, [5, 2, 2, 1], k=n)
    return [(word, word if draw.random() < 0.6 else draw.choice(SCALE)) for word in truth]


def table(said: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.array([[sum(pair == (a, b) for pair in said) for b in SCALE] for a in SCALE])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighting", ["nominal", "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_statsmodels(seed: int, weighting: str) -> None:
    said = pairs(seed)
    found = kappa(said, SCALE, weighting)  # type: ignore[arg-type]
    weights = None if weighting == "nominal" else weighting
    one, other = zip(*said, strict=True)
    assert found.value == pytest.approx(references.sklearn_metrics().cohen_kappa_score(one, other, labels=SCALE, weights=weights), abs=1e-4)
    theirs = references.statsmodels().inter_rater.cohens_kappa(table(said), wt=weights)
    assert (found.low, found.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-4)
    assert found.n == len(said)


def test_icc_of_shrout_and_fleiss() -> None:
    """Their table 4: ICC(2,1) = .29, ICC(2,4) = .62."""
    single, mean = icc(SHROUT_FLEISS, least=6)
    assert (round(single.value or 0, 2), round(mean.value or 0, 2)) == (0.29, 0.62)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pingouin", "ignore::pandas.errors.Pandas4Warning")
@pytest.mark.parametrize("seed", range(4))
def test_icc_is_that_of_pingouin(seed: int) -> None:
    draw = random.Random(seed)
    rows = [[draw.gauss(50, 15)] * (2 + seed % 2) for _ in range(12)]
    rows = [[value + draw.gauss(4 * at, 5 + 6 * seed) for at, value in enumerate(row)] for row in rows]
    long = pd.DataFrame(
        [(r, c, v) for r, row in enumerate(rows) for c, v in enumerate(row)], columns=["review", "rater", "total"]
    )
    theirs = references.pingouin().intraclass_corr(long, "review", "rater", "total").set_index("Type")
    for mine, name in zip(icc(rows), ("ICC(A,1)", "ICC(A,k)"), strict=True):
        assert mine.value == pytest.approx(theirs.loc[name, "ICC"], abs=1e-4)
        assert (mine.low, mine.high) == pytest.approx(
            tuple(theirs.loc[name, "CI95"]), abs=0.0051
        )  # shown with two decimals


def test_ac1_of_gwet() -> None:
    """125 items, nearly all of one kind: AC1 .9408 where kappa is -.0234 (Gwet 2002, Kappa statistic is not satisfactory)."""
    said = [("yes", "yes")] * 118 + [("yes", "no")] * 5 + [("no", "yes")] * 2
    found, cohen = gwet_ac1(said, ("yes", "no")), kappa(said, ("yes", "no"))
    assert (found.value, cohen.value) == (0.9408, -0.0234)
    assert found.low is not None
    assert found.low < 0.9408 < (found.high or 0)


def test_the_interval_of_ac1_is_that_of_leaving_items_out() -> None:
    """The formula's standard error against the jackknife's."""
    said = pairs(7, 150)
    found = gwet_ac1(said, SCALE)
    without = [gwet_ac1(said[:at] + said[at + 1 :], SCALE).value or 0 for at in range(len(said))]
    error = (np.var(without) * (len(said) - 1)) ** 0.5
    assert ((found.high or 0) - (found.low or 0)) / (2 * 1.96) == pytest.approx(error, rel=0.06)


def test_alpha_of_krippendorff() -> None:
    """His example of four observers and twelve units: nominal .743, ordinal .815 (Krippendorff 2011)."""
    rows = [[1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
            [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]]  # fmt: skip
    units = [{str(at): str(row[unit]) for at, row in enumerate(rows) if row[unit] is not None} for unit in range(12)]
    scale = tuple("12345")
    nominal, ordinal = alpha(units, scale), alpha(units, scale, ordinal=True)
    assert (round(nominal.value or 0, 3), round(ordinal.value or 0, 3)) == (0.743, 0.815)
    assert nominal.n == 11  # the unit with one value says nothing
    assert nominal.low is not None
    assert nominal.low < 0.743 < (nominal.high or 0)
    assert alpha(units, scale) == nominal


def test_missing_package_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "krippendorff", None)
    assert alpha([{"a": "x", "b": "y"}], ("x", "y")) == Estimate(None, n=1, words=NO_ALPHA)


def test_cases_without_an_answer_say_so() -> None:
    one_word = [("credited", "credited")] * 5
    for measure in (raw_agreement([]), kappa([], SCALE), gwet_ac1([], SCALE), alpha([], SCALE), kappa(one_word, SCALE)):
        assert measure.value is None
        assert measure.words
    assert "always said 'credited'" in kappa(one_word, SCALE).words
    assert "always said" in alpha([{"a": "missed", "b": "missed"}, {"a": "missed"}], SCALE).words
    assert raw_agreement(one_word).value == gwet_ac1(one_word, SCALE).value == 1
    constant = kappa([("credited", "credited"), ("credited", "missed")], SCALE)
    assert constant.value == 0
    assert "one side always said" in constant.words
    assert "too few reviews: 9" in icc([[1.0, 2.0]] * (LEAST_REVIEWS - 1))[0].words
    assert "same number" in icc([[5.0, 5.0]] * 10)[0].words
    same = icc([[float(at)] * 2 for at in range(10)])[0]
    assert (same.value, same.low) == (1.0, None)


@settings(max_examples=80, deadline=None)
@given(said=st.lists(st.tuples(st.sampled_from(SCALE), st.sampled_from(SCALE)), max_size=12), seed=st.integers(0, 3))
def test_nothing_is_ever_nan_and_intervals_hold_their_value(said: list[tuple[str, str]], seed: int) -> None:
    numbers = [[float(SCALE.index(a)), float(SCALE.index(b))] for a, b in said]
    found = [raw_agreement(said), gwet_ac1(said, SCALE), *icc(numbers, least=2)]
    found += [kappa(said, SCALE, w) for w in ("nominal", "linear", "quadratic")]  # type: ignore[arg-type]
    found.append(alpha([{"a": a, "b": b} for a, b in said[:9]], SCALE, ordinal=bool(seed % 2), seed=seed))
    for estimate in found:
        numbers_of = [v for v in (estimate.value, estimate.low, estimate.high) if v is not None]
        assert all(isfinite(v) for v in numbers_of)
        assert estimate.value is not None or estimate.words
        if len(numbers_of) == 3:
            assert (estimate.low or 0) <= (estimate.value or 0) + 1e-4
            assert (estimate.value or 0) <= (estimate.high or 0) + 1e-4


def test_distributions_are_those_of_scipy() -> None:
    draw = random.Random(5)
    for _ in range(100):
        a, b, c, d = (draw.randint(0, 30) for _ in range(4))
        assert fisher_exact(a, b, c, d) == pytest.approx(references.scipy_stats().fisher_exact([[a, b], [c, d]]).pvalue, abs=1e-9)
        share, upper, lower = draw.choice([0.025, 0.9, 0.975]), draw.uniform(0.5, 90), draw.uniform(0.7, 90)
        assert f_quantile(share, upper, lower) == pytest.approx(references.scipy_stats().f.ppf(share, upper, lower), rel=1e-8)
        hits, of = draw.randint(0, 20), draw.randint(20, 40)
        assert wilson(hits, of) == pytest.approx(references.statsmodels().proportion.proportion_confint(hits, of, method="wilson"), abs=1e-9)
    assert fisher_exact(900, 100, 850, 950) < 1e-9  # large tables do not overflow
