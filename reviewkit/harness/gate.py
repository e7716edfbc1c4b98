"""Gates force an interleaving: they hold arrivals until enough of them are there, and count."""

from __future__ import annotations

import asyncio
import os

DEFAULT_PATIENCE = float(os.environ.get("REVIEWKIT_PATIENCE", "2.0"))
"""Seconds without a further arrival after which a gate opens anyway. Only how long a failing run takes depends on it."""


class Gate:
    """Holds arrivals until `n` have come, or until none has come for `patience` seconds."""

    def __init__(self, n: int, patience: float | None = None) -> None:
        self.n = n
        self.patience = DEFAULT_PATIENCE if patience is None else patience
        self.arrived = 0
        """Arrivals before the gate opened: the count that a check judges."""
        self._open = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether later arrivals pass at once."""
        return self._open.is_set()

    async def wait(self) -> None:
        """Arrive, and stay until the gate opens."""
        if self._open.is_set():
            return
        self.arrived += 1
        if self._timer is not None:
            self._timer.cancel()
        if self.arrived >= self.n:
            self._open.set()
            return
        self._timer = asyncio.get_running_loop().call_later(self.patience, self._open.set)
        await self._open.wait()

    def open(self) -> None:
        """Let everybody pass from now on."""
        self._open.set()
