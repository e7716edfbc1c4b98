"""What waits for a person, gathered so that a panel sees each question once; plain data for the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reviewkit.scorecard import DecisionKind, QueueItem

ALONE = frozenset((DecisionKind.RATING, DecisionKind.HINT))


@dataclass(frozen=True)
class Question:
    """One thing to decide, with everything in the queue that bears on it."""

    kind: DecisionKind
    about: str
    """Defect, dimension or exercise; empty for questions of one kind that are asked together."""
    items: tuple[QueueItem, ...]
    effect: float
    """Points that hang on it: remarks that may say the same defect share them."""


def questions(queue: Iterable[QueueItem]) -> list[Question]:
    """The queue by question, in the order in which the first item of each stands in it."""
    groups: dict[tuple[DecisionKind, str], list[QueueItem]] = {}
    for item in queue:
        groups.setdefault((item.kind, _about(item)), []).append(item)
    return [Question(kind, about, tuple(items), _effect(about, items)) for (kind, about), items in groups.items()]


def _about(item: QueueItem) -> str:
    if item.kind in ALONE:
        return item.item or item.defect or ""
    if item.kind is DecisionKind.FINDING:
        return item.defect or ""
    return (item.item or "").split("/")[0] if item.kind is DecisionKind.ANSWER else ""


def _effect(about: str, items: list[QueueItem]) -> float:
    if items[0].kind is DecisionKind.FINDING and about:
        return max(item.effect for item in items)
    return sum(item.effect for item in items)
