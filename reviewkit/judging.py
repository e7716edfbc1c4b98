"""Remembers what a text says of a key: scoring again after a decision reads the same texts against the same statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from reviewkit.statements import Judge, Said

KEYS_KEPT: Final = 64
VERDICTS_KEPT: Final = 4096
_Items = tuple[tuple[str, tuple[str, ...]], ...]


class Reader:
    """A `Judge` with a memory; equal keys share it.

    Args:
        items: As `Judge.of`: id -> statements.
    """

    def __init__(self, items: Mapping[str, Sequence[str]]) -> None:
        self._items: _Items = tuple((item, tuple(items[item])) for item in sorted(items))

    def judge(self, answer: str, item: str) -> Said:
        """As `Judge.judge`."""
        return _verdict(self._items, answer, item)


@lru_cache(KEYS_KEPT)
def _judge(items: _Items) -> Judge:
    return Judge.of(dict(items))


@lru_cache(VERDICTS_KEPT)
def _verdict(items: _Items, answer: str, item: str) -> Said:
    return _judge(items).judge(answer, item)
