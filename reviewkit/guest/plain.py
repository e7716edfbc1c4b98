"""What may cross the channel: exact built-in types, nothing that could bring behaviour along."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

MAX_DEPTH = 40
_SCALARS = (type(None), bool, int, float, str, bytes, Decimal, dt.datetime, dt.date)


class NotPlainError(TypeError):
    """A value of another type than the channel carries."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return a deep copy of `value`, or raise.

    Exact types only (`type(v) is`): a subclass may override comparison or formatting.

    Raises:
        NotPlainError: For any other type, a non-string key, or nesting deeper than 40.
    """
    if depth > MAX_DEPTH:
        raise NotPlainError(f"nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in (list, tuple):
        return kind(plain(item, depth + 1) for item in value)
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise NotPlainError("a dict with keys that are not str")
        return {key: plain(item, depth + 1) for key, item in value.items()}
    raise NotPlainError(f"{kind.__module__}.{kind.__qualname__} does not cross the channel; return built-in types")
