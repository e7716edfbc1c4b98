"""Which decisions of raters still mean the same under another rubric: those whose item is still there and asks the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reviewkit.exercises import asked
from reviewkit.rubric import ExerciseKey, Rubric
from reviewkit.scenario import Scenario
from reviewkit.scorecard import AnswerPoint, Decision, DecisionKind, Scorecard


def carried_over(
    decisions: Sequence[Decision], old: Scorecard, old_rubric: Rubric | None, scenario: Scenario, rubric: Rubric
) -> tuple[list[Decision], list[str]]:
    """
    Sort decisions made under an old rubric.

    Args:
        decisions: Of one submission.
        old: Its scorecard under the old rubric.
        old_rubric: The old rubric, where it was kept.
        scenario: Its scenario.
        rubric: The new rubric.

    Returns:
        The decisions that still apply, in the same order; and a sentence for each item whose decisions do not, or that was
        reworded although its id stayed.
    """
    items = {defect.id for defect in rubric.defects} | {decoy.id for decoy in rubric.decoys}
    items |= {item.id for item in rubric.also_valid}
    before, now = _asked(scenario, old_rubric), _asked(scenario, rubric)
    said = {answer.id: answer for exercise in old.exercises for answer in exercise.answers}
    kept: list[Decision] = []
    notes: list[str] = []
    for decision in decisions:
        gone = _gone(decision, items, rubric, now) or _asks_otherwise(decision, before, now, said)
        if gone:
            notes.append(f"No longer applied: {gone}.")
            continue
        kept.append(decision)
        reworded = _reworded(decision, old, rubric)
        if reworded:
            notes.append(f"Still applied, look again: {reworded}.")
    return kept, list(dict.fromkeys(notes))


def _asked(scenario: Scenario, rubric: Rubric | None) -> dict[str, tuple[str, ...]]:
    keys: Mapping[str, ExerciseKey] = {} if rubric is None else rubric.exercises
    return {
        item: statements
        for exercise in scenario.exercises
        if exercise.id in keys
        for item, statements in asked(exercise, keys[exercise.id]).items()
    }


def _gone(decision: Decision, items: set[str], rubric: Rubric, now: Mapping[str, tuple[str, ...]]) -> str:
    if decision.defect is not None and decision.defect not in items:
        return f"decisions on {decision.defect!r}, which the rubric no longer has"
    if decision.kind is DecisionKind.GATE and decision.item not in {gate.id for gate in rubric.gates}:
        return f"decisions on gate {decision.item!r}, which the rubric no longer has"
    if decision.kind is DecisionKind.ANSWER and decision.item not in now:
        return f"decisions on answer {decision.item!r}, which the rubric no longer asks for"
    return ""


def _asks_otherwise(
    decision: Decision,
    before: Mapping[str, tuple[str, ...]],
    now: Mapping[str, tuple[str, ...]],
    said: Mapping[str, AnswerPoint],
) -> str:
    """Answers are numbered by their place in the key, so that an item may now stand for another statement."""
    if decision.kind is not DecisionKind.ANSWER or decision.item is None:
        return ""
    if decision.item in before:
        same = before[decision.item] == now[decision.item]
    else:
        same = decision.item in said and said[decision.item].statement in now[decision.item]
    return "" if same else f"decisions on answer {decision.item!r}, whose statement is another one now"


def _reworded(decision: Decision, old: Scorecard, rubric: Rubric) -> str:
    if decision.kind is not DecisionKind.GATE:
        return ""
    was = next((gate.statement for gate in old.gates if gate.id == decision.item), None)
    now = next(gate.statement for gate in rubric.gates if gate.id == decision.item)
    return f"the statement of gate {decision.item!r} was reworded" if was not in (None, now) else ""
