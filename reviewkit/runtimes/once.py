"""What is done once per tree, by the first guest of it, and not in each: the dearest part of a guest's start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from reviewkit.harness.job import Load

Ask = Callable[[str, dict[str, Any], float], Awaitable[dict[str, Any]]]
"""Asks a guest; see `reviewkit.harness.job.Job.ask`."""


class Once(Protocol):
    """Keeps it for the guests of one tree."""

    async def order(self, load: Load, ask: Ask) -> dict[str, Any]:
        """What goes along with the order to load the tree.

        Args:
            load: What is loaded.
            ask: Asks a guest of this tree that is locked down and has not loaded anything yet.
        """
