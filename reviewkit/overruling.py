"""What the program or a rule has settled already, as tasks for a rater who wants to look at it all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reviewkit.adjudication import Task, open_tasks
from reviewkit.scorecard import (
    DecisionKind,
    GateOutcome,
    ItemState,
    Outcome,
    PairOutcome,
    Scorecard,
)
from reviewkit.words import Dimension

_SETTLED = "Settled so far: {}. "


def all_tasks(cards: Mapping[str, Scorecard]) -> tuple[Task, ...]:
    """Everything that a rater may decide: what is open first, then what is settled, by the points that hang on it."""
    waiting = open_tasks(cards)
    known = {(task.sha256, task.key) for task in waiting}
    settled = {(t.sha256, t.key): t for sha, card in cards.items() for t in _settled(sha, card)}
    return (*waiting, *sorted((t for key, t in settled.items() if key not in known), key=lambda t: t.order))


def _settled(sha: str, card: Scorecard) -> Iterator[Task]:
    yield from _gates(sha, card)
    yield from _findings(sha, card)
    grasped = {point.item: point for point in card.dimension(Dimension.UNDERSTANDING).items}
    for defect in card.defects:
        point = grasped.get(defect.id)
        if defect.state is ItemState.CREDITED and point is not None:
            words = _SETTLED.format(point.state.value) + point.words
            yield Task(sha, DecisionKind.UNDERSTANDING, defect=defect.id, effect=point.points_max, words=words)
    for exercise in card.exercises:
        worth = next((p.points_max for p in grasped.values() if p.item == exercise.id), 0.0)
        for answer in exercise.answers:
            words = _SETTLED.format(answer.state.value) + answer.words
            share = worth / len(exercise.answers)
            yield Task(sha, DecisionKind.ANSWER, item=answer.id, effect=share, words=words)
    for point in card.dimension(Dimension.PROOF).items:
        words = _SETTLED.format(point.state.value) + point.words
        yield Task(sha, DecisionKind.PROOF, finding=point.findings[0], effect=point.points_max, words=words)
    rated = card.dimension(Dimension.COMMUNICATION)
    if rated.points_max:
        yield Task(sha, DecisionKind.RATING, item=rated.dimension.value, effect=rated.points_max, words=rated.words)


def _gates(sha: str, card: Scorecard) -> Iterator[Task]:
    for gate in card.gates:
        if gate.outcome is not GateOutcome.PERSON:
            yield Task(sha, DecisionKind.GATE, item=gate.id, words=_SETTLED.format(gate.outcome.value) + gate.words)


def _findings(sha: str, card: Scorecard) -> Iterator[Task]:
    """Pairs that are taken, and remarks that are no match: the latter may be given to a flaw."""
    worth = {defect.id: defect.points_max for defect in card.defects}
    for finding in card.findings:
        for pair in finding.pairs:
            if pair.kind == "defect" and pair.outcome is PairOutcome.MATCHED:
                effect, words = worth.get(pair.target, 0.0), _SETTLED.format(pair.outcome.value) + pair.words
                yield Task(sha, DecisionKind.FINDING, finding.id, pair.target, effect=effect, words=words)
        if finding.outcome not in (Outcome.MATCHED, Outcome.PERSON):
            words = _SETTLED.format(finding.outcome.value) + finding.words
            yield Task(sha, DecisionKind.FINDING, finding.id, words=words)
