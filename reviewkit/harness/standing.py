"""Guests that stay for a whole suite of our own code, so that what is slow to start starts once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reviewkit.harness.job import Calls


@dataclass
class Standing:
    """The guests of one suite, open until it is left. Hidden checks of a candidate's code have none: each has a guest of its own."""

    guests: dict[tuple[Path, str], tuple[Calls, Any]] = field(default_factory=dict)
    """By tree and by what made their world."""
    opened: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.opened.aclose()
