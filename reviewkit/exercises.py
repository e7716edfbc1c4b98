"""Judges the exercises without code, trace, diagnose and explain, against their keys."""

from __future__ import annotations

from collections.abc import Sequence

from reviewkit.judging import Reader
from reviewkit.record import TraceAnswer
from reviewkit.rubric import ExerciseKey
from reviewkit.rulings import Rulings
from reviewkit.scenario import Exercise
from reviewkit.scorecard import AnswerPoint, DecisionKind, ItemState
from reviewkit.statements import Said
from reviewkit.words import ExerciseKind

DIAGNOSE_FIELDS = ("cause", "evidence", "fix", "trade_off")
SHARES = {ItemState.CREDITED: 1.0, ItemState.PARTLY: 0.5}


def asked(exercise: Exercise, key: ExerciseKey) -> dict[str, tuple[str, ...]]:
    """Item id -> accepted statements, for an explain or a diagnose exercise."""
    if exercise.kind is ExerciseKind.EXPLAIN:
        return {f"{exercise.id}/points/{at}": (point,) for at, point in enumerate(key.points)}
    if exercise.kind is ExerciseKind.DIAGNOSE:
        fields = {field: getattr(key, field) for field in DIAGNOSE_FIELDS}
        return {f"{exercise.id}/{field}/0": tuple(statements) for field, statements in fields.items() if statements}
    return {}


def answer_texts(exercise: Exercise, answer: object) -> dict[str, str]:
    """Field -> what the candidate wrote; empty without an answer of the right kind."""
    names = ("text",) if exercise.kind is ExerciseKind.EXPLAIN else DIAGNOSE_FIELDS
    return {name: str(getattr(answer, name, "") or "") for name in names}


def free_answers(exercise: Exercise, key: ExerciseKey, answer: object, rulings: Rulings) -> tuple[AnswerPoint, ...]:
    """
    Judge an explain or a diagnose answer.

    Each point of an explain key is one item; each field of a diagnose key is one item, whose statements are
    alternatives. A rater's word on an item replaces the program's, which stays beside it.
    """
    items = asked(exercise, key)
    judge = Reader(items)
    texts = answer_texts(exercise, answer)
    points: list[AnswerPoint] = []
    for item, statements in items.items():
        text = texts["text"] if exercise.kind is ExerciseKind.EXPLAIN else texts[item.split("/")[1]]
        said = judge.judge(text, item)
        state = ruled(said, rulings, DecisionKind.ANSWER, item=item)
        points.append(
            AnswerPoint(
                id=item,
                statement=statements[max(0, said.statement)],
                state=state,
                program_state=said.state,
                probability=said.probability,
                words=said.words if state is said.state else f"Decided by raters: {state.value}. Program: {said.words}",
            )
        )
    return tuple(points)


def ruled(said: Said, rulings: Rulings, kind: DecisionKind, *, defect: str = "", item: str = "") -> ItemState:
    """The raters' word on an item, `needs a person` when they are split, else the program's."""
    word = rulings.ruling(kind, defect=defect, item=item)
    if word is not None:
        return ItemState(word)
    return ItemState.PERSON if rulings.split(kind, defect=defect, item=item) else said.state


def share(points: Sequence[AnswerPoint]) -> tuple[float, float]:
    """(decided share, share if all open points are decided for the candidate); (0, 0) without points."""
    if not points:
        return 0.0, 0.0
    won = sum(SHARES.get(point.state, 0.0) for point in points)
    still = sum(1 for point in points if point.state is ItemState.PERSON)
    return won / len(points), (won + still) / len(points)


def trace_share(exercise: Exercise, key: ExerciseKey, answer: TraceAnswer | None) -> tuple[float, str]:
    """
    Share of a trace solved, above what guessing gives, and the reason in words.

    Order counts by its longest common subsequence with the key, from half upwards; marks by equality, from the level
    of guessing among the layers upwards. Both weigh the same when both are asked.
    """
    if answer is None or not (answer.order or answer.marks):
        return 0.0, "Not answered."
    parts: list[float] = []
    said: list[str] = []
    if key.order:
        common = longest_common(tuple(answer.order), key.order)
        length = max(len(key.order), len(answer.order))
        parts.append(max(0.0, 2 * common / length - 1))
        said.append(f"{common} of {length} layers in order")
    if key.marks:
        right = sum(1 for mark, layer in key.marks.items() if answer.marks.get(mark) == layer)
        guess = 1 / max(2, len(exercise.layers))
        parts.append(max(0.0, (right / len(key.marks) - guess) / (1 - guess)))
        said.append(f"{right} of {len(key.marks)} events on the right layer")
    if not parts:
        return 0.0, "The key has neither order nor marks."
    return sum(parts) / len(parts), "; ".join(said) + " (counted above the level of guessing)."


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for left in one:
        before = 0
        for at, right in enumerate(other, start=1):
            before, row[at] = row[at], before + 1 if left == right else max(row[at], row[at - 1])
    return row[-1]
