"""Places: how near a finding's lines are to the lines of the key (`reviewkit.anchor` finds those)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from reviewkit.finding import Finding

REACH: Final = 4
"""Lines of distance at which nothing is left of a place."""
WIDEST: Final = 60
"""A range of more lines than this points at nothing."""
NO_LINES: Final = 0.5
"""What a place is worth when the item of the key has no lines of its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of one file in `head/`, 1-based, both ends included."""

    file: str
    first: int
    last: int

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.last - self.first + 1


def line_map(base: Sequence[str], head: Sequence[str]) -> tuple[int, ...]:
    """Line of `head` for each line of `base` (both 1-based, index 0 unused); a removed line maps to what follows it."""
    mapped = [1] * (len(base) + 1)
    for _tag, a_first, a_last, b_first, b_last in SequenceMatcher(None, base, head, autojunk=False).get_opcodes():
        for at in range(a_first, a_last):
            mapped[at + 1] = min(b_first + (at - a_first), max(b_first, b_last - 1)) + 1
    return tuple(min(line, max(1, len(head))) for line in mapped)


def of_finding(finding: Finding, old_lines: Mapping[str, Sequence[int]] | None = None) -> Place | None:
    """
    Lines of `head/` that a finding points at; None when it points at none or at too many.

    Args:
        finding: Of a candidate; its lines may lie outside the file.
        old_lines: File -> `line_map` of it, for findings made on the old side; without it those have no place.
    """
    first, last = finding.line, finding.last_line
    if finding.file is None or first is None or last is None:
        return None
    if finding.side == "L":
        mapped = (old_lines or {}).get(finding.file)
        if mapped is None or not 0 < first < len(mapped):
            return None
        first, last = mapped[first], mapped[min(max(first, last), len(mapped) - 1)]
    first, last = min(first, last), max(first, last)
    return Place(finding.file, first, last) if last - first + 1 <= WIDEST else None


def exists(finding: Finding, head: Mapping[str, int], base: Mapping[str, int]) -> bool:
    """
    Whether what a finding points at is there.

    Args:
        finding: Of a candidate.
        head: File of `head/` -> number of its lines.
        base: The same of `base/`.
    """
    if finding.file is None:
        return True
    if finding.line is None:
        return finding.file in head or finding.file in base
    lines = (base if finding.side == "L" else head).get(finding.file, 0)
    return finding.line <= (finding.last_line or finding.line) <= lines


def gap(one: Place, other: Place) -> int | None:
    """Lines between two places, 0 when they touch or overlap; None in different files."""
    if one.file != other.file:
        return None
    return max(0, max(one.first, other.first) - min(one.last, other.last))


def loc(where: Place | None, anchors: Sequence[Place]) -> float:
    """Nearness of a finding to an item of the key: 1 on its lines, 0 from `REACH` lines away, `NO_LINES` without anchors."""
    if not anchors:
        return NO_LINES
    if where is None:
        return 0.0
    distances = [distance for anchor in anchors if (distance := gap(where, anchor)) is not None]
    return max(0.0, 1.0 - min(distances) / REACH) if distances else 0.0


def margins(
    near: Mapping[str, float], log_odds: Mapping[str, float], anchored: frozenset[str], lead: float
) -> dict[str, float]:
    """
    What a finding's place says for each item of the key against the other items.

    Args:
        near: Item -> `loc` of the finding.
        log_odds: Item -> log-odds of the words alone.
        anchored: Items with lines; the others compete for no place.
        lead: An item on the finding's lines competes with another that is at the place, too, only while its words
            are at most this much less likely: several defects often share a line, and words tell them apart.

    Returns:
        Item -> its loc minus the best loc of any competing item; from -1 to 1.
    """
    found: dict[str, float] = {}
    for item, value in near.items():
        rivals = [
            other_value
            for other, other_value in near.items()
            if other != item
            and other in anchored
            and (value <= 0 or item not in anchored or log_odds[other] >= log_odds[item] - lead)
        ]
        found[item] = value - max(rivals, default=0.0)
    return found
