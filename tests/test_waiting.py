"""The queue as questions: each asked once, points never counted twice, nothing left out."""

from __future__ import annotations

from reviewkit.scorecard import DecisionKind, QueueItem
from reviewkit.waiting import questions


def item(kind: DecisionKind, effect: float, **about: str) -> QueueItem:
    return QueueItem(kind=kind, effect=effect, words="w", **about)  # type: ignore[arg-type]


QUEUE = (
    item(DecisionKind.GATE, 0, item="first"),
    item(DecisionKind.GATE, 0, item="second"),
    item(DecisionKind.RATING, 3, item="communication"),
    item(DecisionKind.FINDING, 2.2, finding="a", defect="race"),
    item(DecisionKind.FINDING, 2.2, finding="b", defect="race"),
    item(DecisionKind.FINDING, 2.0, finding="b", defect="pool"),
    item(DecisionKind.UNDERSTANDING, 0.5, defect="race"),
    item(DecisionKind.UNDERSTANDING, 0.25, defect="pool"),
    item(DecisionKind.FINDING, 0.5, finding="c"),
    item(DecisionKind.ANSWER, 0.5, item="explain/points/0"),
    item(DecisionKind.ANSWER, 0.5, item="explain/points/1"),
    item(DecisionKind.ANSWER, 0.5, item="diagnose/cause/0"),
    item(DecisionKind.FINDING, 0.5, finding="d"),
)


def test_remarks_that_may_say_the_same_defect_share_its_points() -> None:
    by = {(q.kind.value, q.about): q for q in questions(QUEUE)}
    assert by["finding", "race"].effect == 2.2
    assert [i.finding for i in by["finding", "race"].items] == ["a", "b"]
    assert by["finding", "pool"].effect == 2.0


def test_other_questions_add_up() -> None:
    by = {(q.kind.value, q.about): q.effect for q in questions(QUEUE)}
    assert by["understanding", ""] == 0.75
    assert by["answer", "explain"] == 1.0
    assert by["answer", "diagnose"] == 0.5
    assert by["finding", ""] == 1.0


def test_nothing_is_left_out_and_the_order_of_the_queue_is_kept() -> None:
    found = questions(QUEUE)
    assert sorted(map(str, (i for q in found for i in q.items))) == sorted(map(str, QUEUE))
    assert [q.kind.value for q in found] == ["gate", "rating", "finding", "finding", "understanding", "finding", "answer", "answer"]
    assert questions(()) == []
