"""What code under review leaves open: it is collected whenever the interpreter likes, and must not speak in somebody else's cell then."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

_POOL: Final = ("sqlalchemy", "pool")
_WORDS: Final = r"Double checkin attempted|The garbage collector is trying to clean up"
_ours: Final[list[Callable[[Any], object]]] = []


def hush() -> None:
    """Drop what SQLAlchemy's pool says of connections that nobody gave back, once their loop is gone; for good, in this process.

    Left open they are a flaw, which shows in the pool's numbers. When they are collected is chance.
    """
    before = sys.unraisablehook
    if before in _ours:
        return

    def hook(unraisable: Any) -> None:
        if not _is_of_pool(unraisable.exc_traceback):
            before(unraisable)

    _ours.append(hook)
    sys.unraisablehook = hook
    warnings.filterwarnings("ignore", message=_WORDS)


def _is_of_pool(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        name = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if tuple(name.split(".")[:2]) == _POOL:
            return True
        traceback = traceback.tb_next
    return False
