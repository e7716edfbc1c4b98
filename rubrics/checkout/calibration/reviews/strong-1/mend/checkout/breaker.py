"""Stops calls to a service that keeps failing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Clock = Callable[[], float]


class CircuitBreaker:
    """Opens after a row of failures; after a rest one call is let through."""

    def __init__(
        self,
        failures: int,
        rest: float,
        clock: Clock = time.monotonic,
    ) -> None:
        """Open after `failures` in a row, for `rest` seconds."""
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are to be refused at the moment."""
        if self._failures < self._limit:
            return False
        return self._clock() - self._opened_at < self._rest

    def admit(self) -> bool:
        """Ask for leave to make a call; past the rest only one caller gets it."""
        if self.is_open:
            return False
        if self._failures >= self._limit:
            self._opened_at = self._clock()  # the others keep waiting for this one
        return True

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        self._opened_at = self._clock()

    def succeeded(self) -> None:
        """Forget the failures so far."""
        self._failures = 0
