"""A job: one loaded tree that answers calls. How it runs (thread, sandboxed process) is a launcher's matter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reviewkit.harness.world import World

CALL_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """What a call came back with: a value, or the class name and text of an error."""

    value: Any = None
    error: str | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the call returned."""
        return self.error is None


@dataclass(frozen=True)
class Load:
    """What a launcher needs to start a guest."""

    root: Path
    """Root of the tree under test."""
    modules: tuple[str, ...]
    """Top-level packages of the tree."""
    packages: tuple[str, ...]
    """Third-party packages that the tree imports."""
    driver: Path
    """File with the driver's source."""


class LoadError(Exception):
    """The tree or its driver could not be loaded: the guest's error, by class name and text."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(error, message)
        self.error, self.message = error, message

    def __str__(self) -> str:
        return f"{self.error} while loading: {self.message}"


class Job(Protocol):
    """A running guest."""

    async def ask(self, op: str, payload: dict[str, Any], timeout: float) -> dict[str, Any]:
        """One request to the guest. A guest that does not answer in time gives `{"error": "TimeLimit"}`."""

    async def close(self) -> None:
        """End the guest, whatever it is doing."""


class Launcher(Protocol):
    """Starts guests."""

    async def launch(self, load: Load, world: World) -> Job:
        """Start a guest and load it.

        Raises:
            LoadError: If the tree or the driver fails while it is loaded.
        """


class Calls:
    """What probes, proofs and checks use of a job."""

    def __init__(self, job: Job, world: World) -> None:
        self._job = job
        self.world = world

    @property
    def over(self) -> bool:
        """Whether the guest has ended by itself."""
        return getattr(self._job, "ending", None) is not None

    async def call(self, name: str, /, *, timeout: float = CALL_SECONDS, **kwargs: Any) -> Answer:
        """Call a function of the driver.

        Args:
            name: The driver's function.
            timeout: Seconds until `Answer(error="TimeLimit")`.
            kwargs: Plain values.
        """
        reply = await self._job.ask("call", {"name": name, "kwargs": kwargs}, timeout)
        return Answer(reply.get("value"), reply.get("error"), reply.get("message", ""))

    async def gather(self, calls: Iterable[tuple[str, dict[str, Any]]], timeout: float = CALL_SECONDS) -> list[Answer]:
        """Call several functions together, in the guest's one loop; answers in the order given."""
        return list(await asyncio.gather(*(self.call(name, timeout=timeout, **kwargs) for name, kwargs in calls)))

    async def heartbeat(self) -> None:
        """Start a task in the guest's loop that ticks every 10 ms."""
        await self._job.ask("heartbeat", {}, CALL_SECONDS)

    async def beats(self) -> list[float]:
        """Stop ticking: seconds since `heartbeat`, one per tick. A guest that never answers gives []."""
        reply = await self._job.ask("beats", {}, CALL_SECONDS)
        return list(reply.get("value") or [])
