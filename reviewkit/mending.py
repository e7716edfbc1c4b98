"""Mending: what the hidden checks say of the code that a candidate changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reviewkit.dimensions import Sum, point, rounded, scored, unscored
from reviewkit.record import State
from reviewkit.rubric import Rubric
from reviewkit.scenario import Scenario
from reviewkit.scorecard import CheckResult, DimensionResult, ExerciseResult, ItemState, Point, Reason
from reviewkit.words import Dimension, ExerciseKind

UNDECIDED_CHECKS: Final = {
    "not_run": Reason.CHECKS_NOT_RUN,
    "not_measured": Reason.CHECKS_NOT_RUN,
    "error": Reason.CHECKS_ERROR,
}


def mending(
    most: float,
    scenario: Scenario,
    rubric: Rubric,
    state: State,
    checks: Sequence[CheckResult],
    baseline: Sequence[CheckResult],
    *,
    has_sandbox: bool = False,
) -> tuple[DimensionResult, tuple[ExerciseResult, ...]]:
    """
    Hidden checks passed by the mended code.

    With a baseline (the same checks on the unmended change), only checks that fail there can be won, and one that
    passed there and fails now is lost. An untouched mend earns nothing either way. Where a sandbox ran, a check that could run
    on the unmended change and not on this code earns nothing, with an open upper bound: leaving the dimension out would reward it.
    """
    mends = [exercise for exercise in scenario.exercises if exercise.kind is ExerciseKind.MEND]
    if not mends:
        return unscored(Dimension.MENDING, most, Reason.NOT_ASKED, "The scenario has no mend exercise."), ()
    results: list[ExerciseResult] = []
    items: list[Point] = []
    reason: Reason | None = None
    shares: list[float] = []
    open_shares: list[float] = []
    for exercise in mends:
        key = rubric.exercises.get(exercise.id)
        wanted = key.checks if key is not None else ()
        work = state.exercises.get(exercise.id)
        touched = work is not None and bool(work.files)
        mine = {check.check: check for check in checks if check.exercise == exercise.id}
        before = {check.check: check.outcome for check in baseline if check.exercise == exercise.id}
        ruled = {check: result for check, result in mine.items() if not (has_sandbox and _by_own_choice(result, before))}
        asked = [check for check in wanted if check not in mine or check in ruled]
        fault = _check_fault(asked, ruled) if touched and asked else (None if wanted else Reason.KEY_MISSING)
        share = _mended(wanted, mine, before) if touched and fault is None else 0.0
        shares.append(share)
        passing = {check: result.model_copy(update={"outcome": "passed"}) for check, result in mine.items() if check not in ruled}
        open_shares.append(_mended(wanted, {**mine, **passing}, before) if touched and fault is None else share)
        reason = reason or fault
        words = _mend_words(touched, fault, wanted, mine)
        ordered = tuple(mine[check] for check in wanted if check in mine)
        results.append(
            ExerciseResult(
                id=exercise.id,
                kind=exercise.kind.value,
                dimension=Dimension.MENDING,
                answered=touched,
                share=rounded(share),
                checks=ordered,
                words=words,
            )
        )
        worth = most / len(mends) / max(1, len(wanted))
        items.extend(_check_point(check, touched, worth, before) for check in ordered)
    if reason is not None:
        return unscored(Dimension.MENDING, most, reason, _REASON_WORDS[reason], items), tuple(results)
    earned, high = (most * sum(part) / len(part) for part in (shares, open_shares))
    return scored(
        Dimension.MENDING, most, Sum(earned, earned, high), items, " ".join(r.words for r in results)
    ), tuple(results)


_REASON_WORDS = {
    Reason.CHECKS_NOT_RUN: "Hidden checks were not run, so mending is not scored and the total is taken over the rest.",
    Reason.CHECKS_MISSING: "Some hidden checks of the key gave no result, so mending is not scored.",
    Reason.CHECKS_ERROR: "A hidden check itself failed, so mending is not scored; repair the check and score again.",
    Reason.KEY_MISSING: "The rubric names no hidden checks for this exercise.",
}


def _by_own_choice(result: CheckResult, before: Mapping[str, str]) -> bool:
    """Whether a check could run on the unmended change here and not on this code: a guest says itself what it lacks (`wasi`)."""
    return result.outcome == "not_run" and before.get(result.check, "not_run") not in UNDECIDED_CHECKS


def _check_fault(wanted: Sequence[str], mine: Mapping[str, CheckResult]) -> Reason | None:
    if not wanted:
        return Reason.KEY_MISSING
    if not mine:
        return Reason.CHECKS_NOT_RUN
    for check in wanted:
        if check in mine and mine[check].outcome in UNDECIDED_CHECKS:
            return UNDECIDED_CHECKS[mine[check].outcome]
    return None if set(wanted) <= set(mine) else Reason.CHECKS_MISSING


def _mended(wanted: Sequence[str], mine: Mapping[str, CheckResult], before: Mapping[str, str]) -> float:
    if not before:
        return sum(1 for check in wanted if mine[check].outcome == "passed") / len(wanted)
    winnable = [check for check in wanted if before.get(check) != "passed"]
    won = sum(1 for check in winnable if mine[check].outcome == "passed")
    lost = sum(1 for check in wanted if before.get(check) == "passed" and mine[check].outcome != "passed")
    return max(0, won - lost) / len(winnable) if winnable else 0.0


def _mend_words(touched: bool, fault: Reason | None, wanted: Sequence[str], mine: Mapping[str, CheckResult]) -> str:
    if not touched:
        return "Nothing was changed, so nothing is mended."
    if fault is not None:
        return _REASON_WORDS[fault]
    passed = sum(1 for check in wanted if mine[check].outcome == "passed")
    return f"{passed} of {len(wanted)} hidden checks pass."


def _check_point(check: CheckResult, touched: bool, most: float, before: Mapping[str, str]) -> Point:
    passed = touched and check.outcome == "passed"
    state = ItemState.CREDITED if passed else ItemState.MISSED
    if check.outcome in UNDECIDED_CHECKS:
        state = ItemState.UNSCORED
    gained = passed and before.get(check.check) != "passed" if before else passed
    value = most if gained else 0.0
    note = " It passed before, too." if before and passed and not gained else ""
    words = f"{check.title}: {check.outcome.replace('_', ' ')}.{note}"
    item = f"{check.exercise}/{check.check}"
    return point(Dimension.MENDING, item, state, Sum(value, value, value), most, words)
