"""The eight scored sides of a review, each as points with the evidence for them.

Every function takes values and gives a `DimensionResult`; points are of 100, and an undecided item shows in the bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from reviewkit.record import State
from reviewkit.resolved import Resolved
from reviewkit.rubric import Rubric
from reviewkit.rulings import Rulings
from reviewkit.scorecard import (
    DECIMALS,
    RATER_MARK_MAX,
    ClaimResult,
    DefectResult,
    DimensionResult,
    ItemState,
    Outcome,
    Point,
    Reason,
)
from reviewkit.words import Dimension, Judgement, Severity

ENOUGH: Final = 3
"""Defects found from which precision and severity count in full: a review of one remark is no precise review."""
EXTRA_CAP: Final = 2
"""Confirmed remarks outside the key that count for precision."""
OPEN_WRONG: Final = 0.5
"""How much of a wrong remark an unconfirmed one outside the key counts as until a person decides. In the labelled sample
reviews (gaming ones left out) four of five such remarks were wrong or empty; half leaves room for honest reviewers, who
see more valid things than a key holds. The bounds cover both ends."""
BARE: Final = 0.5
"""Worth of a right judgement of a claim without a reason."""
WORDS_OF_A_REASON: Final = 2
SEVERE: Final = (Severity.BLOCKER, Severity.MAJOR)
_RANK: Final = {severity.value: at for at, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Sum:
    """Points of a dimension and their bounds, before rounding."""

    points: float
    low: float
    high: float
    variance: float = 0.0


def rounded(value: float) -> float:
    """A number as a scorecard carries it."""
    return round(value + 0.0, DECIMALS)


def scored(dimension: Dimension, most: float, total: Sum, items: Iterable[Point], words: str) -> DimensionResult:
    """A dimension with points; bounds are widened to hold the points."""
    points = min(max(total.points, 0.0), most)
    return DimensionResult(
        dimension=dimension,
        scored=True,
        points=rounded(points),
        points_max=rounded(most),
        low=rounded(max(0.0, min(total.low, points))),
        high=rounded(min(most, max(total.high, points))),
        sd=rounded(sqrt(max(0.0, total.variance))),
        items=tuple(items),
        words=words,
    )


def unscored(
    dimension: Dimension, most: float, reason: Reason, words: str, items: Iterable[Point] = ()
) -> DimensionResult:
    """A dimension that could not be scored: no points, and the total is taken over the others."""
    return DimensionResult(
        dimension=dimension, scored=False, reason=reason, points=0, points_max=rounded(most), low=0, high=0, sd=0,
        items=tuple(items), words=words,
    )  # fmt: skip


def point(
    dimension: Dimension, item: str, state: ItemState, total: Sum, most: float, words: str, findings: Sequence[str] = ()
) -> Point:
    """One line of evidence."""
    return Point(
        dimension=dimension, item=item, state=state, points=rounded(total.points), points_max=rounded(most),
        low=rounded(min(total.low, total.points)), high=rounded(max(total.high, total.points)),
        findings=tuple(findings), words=words,
    )  # fmt: skip


def detection(most: float, defects: Sequence[DefectResult], variances: Mapping[str, float]) -> DimensionResult:
    """The sum over the planted defects, weighted by severity."""
    items = [
        point(Dimension.DETECTION, d.id, d.state, Sum(d.points, d.low, d.high), d.points_max, d.words, d.findings)
        for d in defects
    ]
    total = Sum(
        sum(d.points for d in defects),
        sum(d.low for d in defects),
        sum(d.high for d in defects),
        sum(variances[d.id] for d in defects),
    )
    found = sum(1 for d in defects if d.state is ItemState.CREDITED)
    still = sum(1 for d in defects if d.state is ItemState.PERSON)
    return scored(
        Dimension.DETECTION, most, total, items, f"{found} of {len(defects)} planted defects found, {still} open."
    )


def precision(most: float, resolved: Resolved) -> DimensionResult:
    """Right remarks among all: decoys and remarks that raters rejected count against, open extras by half until decided."""
    by_outcome: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for finding in resolved.counted:
        by_outcome[resolved.outcomes[finding.id]].append(finding.id)
    wrong = by_outcome[Outcome.DECOY] + by_outcome[Outcome.FALSE]
    confirmed = [f for f in by_outcome[Outcome.EXTRA] if f in resolved.valid_extras]
    extras = [f for f in by_outcome[Outcome.EXTRA] if f not in confirmed]
    waiting = extras + by_outcome[Outcome.PERSON]
    extra = min(EXTRA_CAP, resolved.distinct(confirmed))
    expected = sum(found.value for found in resolved.defects.values()) + extra
    least = sum(found.low for found in resolved.defects.values()) + extra
    highest = sum(found.high for found in resolved.defects.values()) + min(EXTRA_CAP, extra + resolved.distinct(waiting))
    total = Sum(
        most * _precise(expected, len(wrong) + OPEN_WRONG * len(extras)),
        most * _precise(least, len(wrong) + len(waiting)),
        most * _precise(highest, len(wrong)),
    )
    items = [
        point(
            Dimension.PRECISION,
            finding,
            ItemState.MISSED,
            Sum(0, 0, 0),
            0,
            f"Counts against: {outcome.value}.",
            [finding],
        )
        for outcome in (Outcome.DECOY, Outcome.FALSE)
        for finding in sorted(by_outcome[outcome])
    ]
    items += [
        point(Dimension.PRECISION, f, ItemState.CREDITED, Sum(0, 0, 0), 0, "A valid remark outside the key.", [f])
        for f in sorted(confirmed)
    ]
    words = (
        f"{expected:g} right, {len(wrong)} wrong, {len(waiting)} open; counts in full from {ENOUGH} right remarks. "
        f"An open remark outside the key counts as {OPEN_WRONG:g} of a wrong one until a person decides. "
        "Duplicates and vague remarks count neither way."
    )
    return scored(Dimension.PRECISION, most, total, items, words)


def _precise(right: float, wrong: float) -> float:
    return right / (right + wrong) * min(1.0, right / ENOUGH) if right else 0.0


def prioritisation(most: float, resolved: Resolved, rubric: Rubric, top: Sequence[str]) -> DimensionResult:
    """Half for severities (one level off is free; of a defect said twice the worse counts), half for naming severe defects
    among the top three."""
    own = {finding.id: finding for finding in resolved.counted}
    near: list[float] = []
    nearest: list[float] = []  # should raters drop the copies that wait
    for defect in rubric.defects:
        found = resolved.defects[defect.id]
        if found.state is ItemState.CREDITED:
            nearest.append(min(_severity_near(own[f].severity, defect.severity) for f in found.findings if f in own))
            near.append(min([nearest[-1], *(_severity_near(own[f].severity, defect.severity) for f in found.copies)]))
    severe = {defect.id for defect in rubric.defects if defect.severity in SEVERE}
    wanted = min(3, len(severe))
    named = {d for f in top if f in own for d in resolved.credited_by(f) if d in severe}
    waiting = sum(1 for f in top if f in own and resolved.outcomes[f] is Outcome.PERSON)
    still = sum(1 for found in resolved.defects.values() if found.state is ItemState.PERSON)
    agreed = sum(near) / max(ENOUGH, len(near))
    could = (sum(nearest) + still) / max(ENOUGH, len(near) + still)
    chosen = min(wanted, len(named)) / wanted if wanted else 0.0
    chosen_high = min(wanted, len(named) + waiting) / wanted if wanted else 0.0
    half = most / 2
    items = [
        point(
            Dimension.PRIORITISATION, "severity", ItemState.PERSON if still else _state(agreed),
            Sum(half * agreed, half * agreed, half * could), half,
            f"Severity within one level of the key for {sum(1 for n in near if n == 1)} of {len(near)} defects found.",
        ),
        point(
            Dimension.PRIORITISATION, "top three", ItemState.PERSON if waiting else _state(chosen),
            Sum(half * chosen, half * chosen, half * chosen_high), half,
            f"{len(named)} of {wanted} places named a blocker or major defect that was found.", list(top),
        ),
    ]  # fmt: skip
    total = Sum(half * (agreed + chosen), half * (agreed + chosen), half * (max(agreed, could) + chosen_high))
    return scored(
        Dimension.PRIORITISATION, most, total, items, "Severities and the choice of the three most important."
    )


def _severity_near(given: str, key: Severity) -> float:
    if given not in _RANK:
        return 0.0
    distance = abs(_RANK[given] - _RANK[key.value])
    return {0: 1.0, 1: 1.0, 2: 0.5}.get(distance, 0.0)


def _state(share: float) -> ItemState:
    if share >= 1:
        return ItemState.CREDITED
    return ItemState.PARTLY if share > 0 else ItemState.MISSED


def claims(most: float, rubric: Rubric, state: State) -> tuple[DimensionResult, tuple[ClaimResult, ...]]:
    """Right judgements above the level of guessing: any one answer given to all claims earns nothing.

    A judgement without a reason is worth `BARE` of one with it: a click cannot be told from a guess.
    """
    if not rubric.claims:
        return unscored(Dimension.CLAIMS, most, Reason.NOT_ASKED, "The scenario has no claims."), ()
    groups: dict[Judgement, int] = {}
    for key in rubric.claims:
        groups[key.verdict] = groups.get(key.verdict, 0) + 1
    results: list[ClaimResult] = []
    weight: dict[str, float] = {}
    for key in rubric.claims:
        judged = state.claims.get(key.id)
        given = None if judged is None else judged.verdict
        right = given == key.verdict
        said = "Not judged" if given is None else f"Judged {given.value!r}"
        results.append(
            ClaimResult(
                id=key.id,
                given=given,
                key=key.verdict,
                right=right,
                words=f"{said}, which is {'right' if right else 'not right'}: {key.why}",
            )
        )
        weight[key.id] = 1 / (len(groups) * groups[key.verdict])
    recall = sum(weight[result.id] for result in results if result.right)
    guess = 1 / len(groups) if len(groups) > 1 else 0.0
    reasoned = sum(
        weight[result.id] * (1.0 if _says_why(state.claims[result.id].why) else BARE) for result in results if result.right
    )
    earned = max(0.0, (recall - guess) / (1 - guess)) * most * (reasoned / recall if recall else 0.0)
    items = []
    for result in results:
        worth = weight[result.id] * (1.0 if result.right and _says_why(state.claims[result.id].why) else BARE)
        share = earned * worth / reasoned if result.right and reasoned else 0.0
        state_of = ItemState.CREDITED if result.right else ItemState.MISSED
        items.append(
            point(
                Dimension.CLAIMS, result.id, state_of, Sum(share, share, share), most * weight[result.id], result.words
            )
        )
    right_n = sum(1 for result in results if result.right)
    bare_n = sum(1 for result in results if result.right and not _says_why(state.claims[result.id].why))
    words = f"{right_n} of {len(results)} claims judged right; points count from the level of guessing upwards."
    if bare_n:
        words += f" {bare_n} without a reason, which is worth half."
    return scored(Dimension.CLAIMS, most, Sum(earned, earned, earned), items, words), tuple(results)


def _says_why(text: str) -> bool:
    return len(text.split()) >= WORDS_OF_A_REASON


def communication(most: float, rubric: Rubric, rulings: Rulings) -> DimensionResult:
    """The mean of the raters' marks against the rubric's written levels; the program has no opinion."""
    marks = rulings.marks(Dimension.COMMUNICATION.value)
    if not marks:
        words = "Only a rater can mark this, against the written levels of the rubric."
        return unscored(Dimension.COMMUNICATION, most, Reason.NO_RATER, words)
    mean = sum(marks) / len(marks)
    earned = most * (mean - 1) / (RATER_MARK_MAX - 1)
    levels = rubric.levels.get(Dimension.COMMUNICATION, {})
    said = levels.get(str(round(mean)), "")
    state = _state((mean - 1) / (RATER_MARK_MAX - 1))
    item = point(
        Dimension.COMMUNICATION, "mark", state, Sum(earned, earned, earned), most, f"Mark {mean:g} of 4. {said}".strip()
    )
    words = f"Mean of {len(marks)} marks: {mean:g} of {RATER_MARK_MAX}."
    return scored(Dimension.COMMUNICATION, most, Sum(earned, earned, earned), [item], words)
