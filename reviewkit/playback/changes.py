"""What an edit changed, line by line, within a budget: two texts made to be slow to compare must not stop a report. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

CONTEXT: Final = 2
LINES_MAX: Final = 200
"""Lines of one change that are shown."""
LINE_MAX: Final = 400
"""Characters of a line that are shown."""
PAIRS_MAX: Final = 100_000
"""Pairs of lines of one comparison; past it, what lies between the equal ends counts as replaced."""
PAIRS_ALL: Final = 1_000_000
"""Pairs of lines of all comparisons of a record."""

Line = tuple[Literal[" ", "+", "-", "@"], str]


@dataclass
class Budget:
    """Pairs of lines that may still be compared."""

    pairs: int = PAIRS_ALL


@dataclass(frozen=True, slots=True)
class Change:
    """Lines taken out and put in, with a little around them."""

    added: int
    removed: int
    lines: tuple[Line, ...]
    hidden: int = 0
    """Further lines that are not shown."""


def change(old: str, new: str, budget: Budget) -> Change:
    """The difference of two texts; takes what it compares from the budget."""
    was, now = old.split("\n"), new.split("\n")
    start = 0
    while start < min(len(was), len(now)) and was[start] == now[start]:
        start += 1
    end = 0
    while end < min(len(was), len(now)) - start and was[-1 - end] == now[-1 - end]:
        end += 1
    lines = list(_lines(was, now, start, end, budget))
    shown = tuple((kind, text[:LINE_MAX] + (" …" if len(text) > LINE_MAX else "")) for kind, text in lines[:LINES_MAX])
    kinds = [kind for kind, _ in lines]
    return Change(kinds.count("+"), kinds.count("-"), shown, max(0, len(lines) - LINES_MAX))


def _lines(was: list[str], now: list[str], start: int, end: int, budget: Budget) -> Iterator[Line]:
    old, new = was[start : len(was) - end], now[start : len(now) - end]
    if not old and not new:
        return
    pairs = len(old) * len(new)
    is_compared = pairs <= min(PAIRS_MAX, budget.pairs)
    budget.pairs -= pairs if is_compared else 0
    yield "@", f"line {start + 1}"
    for text in was[max(0, start - CONTEXT) : start]:
        yield " ", text
    yield from _compared(old, new) if is_compared else _replaced(old, new)
    for text in was[len(was) - end : len(was) - end + CONTEXT]:
        yield " ", text


def _replaced(old: list[str], new: list[str]) -> Iterator[Line]:
    yield from (("-", text) for text in old)
    yield from (("+", text) for text in new)


def _compared(old: list[str], new: list[str]) -> Iterator[Line]:
    opcodes = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for at, (tag, i, j, k, m) in enumerate(opcodes):
        if tag != "equal":
            yield from _replaced(old[i:j], new[k:m])
            continue
        first, last = (0 if at == 0 else CONTEXT), (0 if at == len(opcodes) - 1 else CONTEXT)
        if j - i <= first + last:
            yield from ((" ", text) for text in old[i:j])
            continue
        yield from ((" ", text) for text in old[i : i + first])
        yield "@", f"{j - i - first - last} lines the same"
        yield from ((" ", text) for text in old[j - last : j])
