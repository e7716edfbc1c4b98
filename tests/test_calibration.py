"""The sample reviews of every scenario score in the order of their quality, and the matcher agrees with their labels."""

from __future__ import annotations

from functools import cache
from statistics import fmean

import pytest
from made_submissions import ROOT

from reviewkit.agreement import Agreement, count
from reviewkit.assess import hidden_checks, match_state, run_all
from reviewkit.bank import Entry, find_bank
from reviewkit.calibration import Review, labels, reviews, state_of
from reviewkit.evidence import counted
from reviewkit.matching import Matching
from reviewkit.record import State
from reviewkit.runs import Runs
from reviewkit.sandbox import open_launcher
from reviewkit.scoring import score

BANK = find_bank(ROOT)
SLUGS = BANK.slugs
IN_CI = ("assistant", "ledger", "transactions")
"""Scenarios whose reviews are scored in each run."""
LEAST_REVIEWS, LEAST_FINDINGS, LEAST_PAIRS = 10, 60, 300


def chosen(slug: str, *, full: bool) -> list[Review]:
    """All reviews of a scenario, or one of each kind and a repeat of the strong one: each is minutes of hidden checks."""
    every = [review for review, _ in reviews(BANK.entry(slug))]
    if full:
        return every
    kinds = {review.id: review.kind for review in every}
    repeat = next(review for review in every if review.base_of and kinds[review.base_of] == "strong")
    base = next(review for review in every if review.id == repeat.base_of)
    others = [next(review for review in every if review.kind == kind) for kind in ("gaming", "weak", "middling")]
    return [*others, base, repeat]


@cache
def matched(slug: str) -> list[tuple[Review, State, Matching]]:
    """All reviews of a scenario with what the program matches."""
    entry = BANK.entry(slug)
    states = [(review, state_of(review, folder)) for review, folder in reviews(entry)]
    return [(review, state, match_state(state, entry)) for review, state in states]


@cache
def totals(slug: str, *, full: bool) -> dict[str, tuple[str, str | None, float]]:
    """Review id -> kind, review that it repeats, total."""
    entry = BANK.entry(slug)
    ran: dict[str, tuple[State, Runs]] = {}
    points = {}
    known = {review.id: (state, matching) for review, state, matching in matched(slug)}
    with open_launcher() as launcher:
        baseline = hidden_checks(entry, State(), launcher)
        for review in chosen(slug, full=full):
            state, matching = known[review.id]
            runs = None if full else repeated(ran.get(review.base_of or ""), state, entry)
            runs = runs or run_all(state, entry, launcher, matching, baseline)
            ran[review.id] = (state, runs)
            card = score(
                state, entry.scenario, entry.rubric, matching, runs.checks,
                baseline=runs.baseline, evidence=runs.evidence, sandbox=runs.sandbox,
            )  # fmt: skip
            points[review.id] = (review.kind, review.base_of, card.total.points)
    return points


def repeated(base: tuple[State, Runs] | None, state: State, entry: Entry) -> Runs | None:
    """What running the review came to that this one repeats; None if any code, or what it is held against, differs.

    That the same code comes to the same each time is for `test_sandbox_repeat` to show.
    """
    if base is None:
        return None
    (before, runs), aims = base, []
    for one in (before, state):
        files = {exercise: dict(work.files) for exercise, work in one.exercises.items()}
        aims.append((files, [(piece.code, aim) for piece, aim in counted(one, match_state(one, entry))]))
    if aims[0] != aims[1]:
        return None
    names = [{"finding": piece.finding, "evidence": piece.id} for piece, _ in counted(state, match_state(state, entry))]
    evidence = [result.model_copy(update=name) for result, name in zip(runs.evidence, names, strict=True)]
    return runs.model_copy(update={"evidence": tuple(evidence)})


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full"))


def run_or_skip(slug: str, *, full: bool) -> None:
    """Running all that the reviews hand in takes minutes for some scenarios."""
    if slug not in IN_CI and not full:
        pytest.skip("with --full")


@pytest.mark.parametrize("slug", SLUGS)
def test_the_set_is_large_enough_and_labelled_twice(slug: str) -> None:
    entry = BANK.entry(slug)
    sizes = {review.id: len(review.findings) for review, _ in reviews(entry)}
    assert len(sizes) >= LEAST_REVIEWS
    assert sum(sizes.values()) >= LEAST_FINDINGS
    known = {d.id for d in entry.rubric.defects}
    for labeller in ("a", "b"):
        said = labels(entry, labeller)  # type: ignore[arg-type]
        assert {review: len(items) for review, items in said.items()} == sizes
        assert {d for items in said.values() for item in items for d in item.defects} <= known


@pytest.mark.sandbox
@pytest.mark.timeout(900)
@pytest.mark.parametrize("slug", SLUGS)
def test_reviews_score_in_the_order_of_their_quality(slug: str, full: bool) -> None:
    """By the means of each kind; and every gaming review below every strong one."""
    run_or_skip(slug, full=full)
    found = totals(slug, full=full)
    means = {kind: fmean(t for k, _, t in found.values() if k == kind) for kind in ("gaming", "weak", "middling", "strong")}
    assert means["gaming"] < means["weak"] < means["middling"] < means["strong"], means
    worst_strong = min(t for k, _, t in found.values() if k == "strong")
    assert max(t for k, _, t in found.values() if k in ("gaming", "weak")) < worst_strong


@pytest.mark.sandbox
@pytest.mark.timeout(900)
@pytest.mark.parametrize("slug", SLUGS)
def test_noise_costs_a_strong_review_points(slug: str, full: bool) -> None:
    run_or_skip(slug, full=full)
    found = totals(slug, full=full)
    repeats = [(total, found[base][2]) for k, base, total in found.values() if base and found[base][0] == "strong"]
    assert repeats
    assert all(noisy < plain for noisy, plain in repeats)


@cache
def agreement(slug: str, labeller: str) -> Agreement:
    """Program against one labeller, gaming reviews left out."""
    entry = BANK.entry(slug)
    said = labels(entry, labeller)  # type: ignore[arg-type]
    return count(
        (pair.outcome, pair.target in said[review.id][int(pair.finding[1:])].defects)
        for review, _state, matching in matched(slug)
        if review.kind != "gaming"
        for pair in matching.pairs
        if pair.kind == "defect"
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_the_matcher_agrees_with_the_labels_on_what_it_decides(slug: str) -> None:
    for labeller in ("a", "b"):
        found = agreement(slug, labeller)
        assert found.decided >= LEAST_PAIRS
        assert found.kappa >= 0.8, found
        assert found.false_rejects * 50 <= found.true_rejects + found.false_rejects


@pytest.mark.parametrize("slug", SLUGS)
def test_gaming_is_never_matched(slug: str) -> None:
    """What a pasted checklist or parroted code collects without a person: at most 2 % of the defects."""
    entry = BANK.entry(slug)
    for review, _state, matching in matched(slug):
        if review.kind == "gaming":
            assert len(matching.credits) <= 0.02 * len(entry.rubric.defects), (review.id, matching.credits)


def test_kappa_is_cohens() -> None:
    """Against scikit-learn on the same counts."""
    from sklearn.metrics import cohen_kappa_score

    found = Agreement(true_accepts=20, false_accepts=5, true_rejects=60, false_rejects=10)
    program = [1] * 25 + [0] * 70
    people = [1] * 20 + [0] * 5 + [0] * 60 + [1] * 10
    assert found.kappa == pytest.approx(cohen_kappa_score(program, people))
