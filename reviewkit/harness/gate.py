"""Gates force an interleaving: they hold arrivals until enough of them are there, and count."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

DEFAULT_PATIENCE = float(os.environ.get("REVIEWKIT_PATIENCE", "2.0"))
"""Seconds without a further arrival after which a gate opens anyway. Only how long a failing run takes depends on it."""
STEP_SECONDS = 0.05
LATE_SECONDS = 0.05
"""A step that ends so much too late is not counted: this process did not get its turn, and others may not have had theirs."""
MOST_WAITED = 0.5
"""Share of a step that the guest may have been without a processor, by the kernel's account, for the step to count."""


class Gate:
    """Holds arrivals until `n` have come, or until none has come for `patience` seconds of a machine that keeps up."""

    def __init__(self, n: int, patience: float | None = None, waited: Callable[[], float] | None = None) -> None:
        """Make a closed gate.

        Args:
            n: Arrivals that open it.
            patience: Seconds without a further arrival after which it opens anyway; the default is 2.
            waited: Gives the seconds so far that those who are to arrive were ready to run and had no processor.
        """
        self.n = n
        self._waited = waited or (lambda: 0.0)
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
        self._wait_on(self.patience)
        await self._open.wait()

    def _wait_on(self, patience: float) -> None:
        """Open after so many seconds, counted in steps, without a further arrival."""
        loop = asyncio.get_running_loop()
        if patience <= 0:
            self._open.set()
            return
        step = min(STEP_SECONDS, patience)
        due, before = loop.time() + step, self._waited()

        def take() -> None:
            late = loop.time() - due > LATE_SECONDS or self._waited() - before > step * MOST_WAITED
            self._wait_on(patience if late else patience - step)

        self._timer = loop.call_at(due, take)

    def open(self) -> None:
        """Let everybody pass from now on."""
        self._open.set()
