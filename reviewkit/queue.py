"""What only a person can decide, ordered by its effect on the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reviewkit.dimensions import rounded
from reviewkit.matching import Matching
from reviewkit.pairing import pair_words
from reviewkit.resolved import Resolved
from reviewkit.rubric import Rubric
from reviewkit.scorecard import (
    DecisionKind,
    DimensionResult,
    ExerciseResult,
    GateOutcome,
    GateResult,
    ItemState,
    Outcome,
    PairOutcome,
    QueueItem,
    Reason,
)
from reviewkit.understanding import Grasp
from reviewkit.words import Dimension


def queue_of(
    rubric: Rubric,
    resolved: Resolved,
    matching: Matching,
    results: Sequence[DimensionResult],
    gates: Sequence[GateResult],
    exercises: Sequence[ExerciseResult],
    grasps: Mapping[str, Grasp],
) -> tuple[QueueItem, ...]:
    """Gates first, then by points that hang on an item; ties by kind and ids. Matches of a defect already found are left out."""
    worth = {result.dimension: {item.item: item for item in result.items} for result in results}
    items = [
        QueueItem(kind=DecisionKind.GATE, item=gate.id, effect=0, words=gate.words)
        for gate in gates
        if gate.outcome is GateOutcome.PERSON
    ]
    rest = _pairs(resolved, matching, worth[Dimension.DETECTION])
    rest += _remarks(resolved, results)
    for defect in rubric.defects:
        point = worth[Dimension.UNDERSTANDING][defect.id]
        if grasps[defect.id].state is ItemState.PERSON:
            words = grasps[defect.id].words
            rest.append(_item(DecisionKind.UNDERSTANDING, point.high - point.low, words, defect=defect.id))
    for result in exercises:
        point = worth[Dimension.UNDERSTANDING][result.id]
        for answer in result.answers:
            if answer.state is ItemState.PERSON:
                effect = point.points_max / len(result.answers)
                rest.append(_item(DecisionKind.ANSWER, effect, answer.words, item=answer.id))
    for point in worth[Dimension.PROOF].values():
        if point.state is ItemState.PERSON:
            rest.append(_item(DecisionKind.PROOF, point.high - point.low, point.words, finding=point.findings[0]))
    for dimension in results:
        if dimension.reason is Reason.NO_RATER and dimension.points_max:
            rest.append(
                _item(DecisionKind.RATING, dimension.points_max, dimension.words, item=dimension.dimension.value)
            )
    rest.sort(key=lambda i: (-i.effect, i.kind.value, i.finding or "", i.defect or "", i.item or ""))
    return (*items, *rest)


def _pairs(resolved: Resolved, matching: Matching, worth: Mapping[str, object]) -> list[QueueItem]:
    counted = {finding.id for finding in resolved.counted}
    rest: list[QueueItem] = []
    for pair in matching.pairs:
        found = resolved.defects.get(pair.target)
        open_pair = resolved.pairs[pair.finding, pair.target] is PairOutcome.PERSON
        if found is not None and found.state is ItemState.PERSON and open_pair and pair.finding in counted:
            point = worth[pair.target]
            effect = point.high - point.low  # type: ignore[attr-defined]
            rest.append(_item(DecisionKind.FINDING, effect, pair_words(pair), finding=pair.finding, defect=pair.target))
    return rest


def _remarks(resolved: Resolved, results: Sequence[DimensionResult]) -> list[QueueItem]:
    """Remarks outside the key, and those that wait although no open defect hangs on them."""
    precision = next(result for result in results if result.dimension is Dimension.PRECISION)
    waiting = [
        finding.id
        for finding in resolved.counted
        if resolved.outcomes[finding.id] is Outcome.PERSON
        or (resolved.outcomes[finding.id] is Outcome.EXTRA and finding.id not in resolved.valid_extras)
    ]
    effect = (precision.high - precision.low) / len(waiting) if waiting else 0.0
    words = "Is it valid, false, vague, or the same as another remark? Until a person says so it counts as half a wrong remark."
    return [_item(DecisionKind.FINDING, effect, words, finding=finding) for finding in waiting]


def _item(
    kind: DecisionKind,
    effect: float,
    words: str,
    finding: str | None = None,
    defect: str | None = None,
    item: str | None = None,
) -> QueueItem:
    return QueueItem(
        kind=kind, finding=finding, defect=defect, item=item, effect=rounded(max(0.0, effect)), words=words
    )
