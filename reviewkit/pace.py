"""Whether a machine is too busy for wall times to mean anything: how often this process got to run, and what it used."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from reviewkit.sandbox import waits

TICK_SECONDS = 0.05
LEAST_TICKS = 0.5
"""Share of its own ticks that the parent must get for a wall time to say anything about the guest."""
MOST_USED = 0.3
"""Share of the wall time that parent or guest may have used a processor while the machine counts as busy with others."""
MOST_WAITED = 0.2
"""Share of the wall time that a thread may have been ready without a processor, beyond what parent and guest used."""


@dataclass
class Pace:
    """How often this process got to run, by a thread of its own: the loop may be kept waiting by what a guest asked for."""

    begun: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.process_time)
    waited: float = field(default_factory=waits.of_this_thread)
    ticks: int = 0

    def starved(self, guests: float, waited: float) -> bool:
        """Whether parent or guest did not get their turns, and did not take them from each other.

        A guest that keeps itself or the parent busy, with work or with requests, is no busy machine: what one thread waits
        for others of parent and guest is never more than those used. Nor is a guest that sleeps: it waits for no processor.

        Args:
            guests: Processor seconds of the guests.
            waited: Seconds that a thread of a guest was ready and had no processor.
        """
        wall = time.monotonic() - self.begun
        own = time.process_time() - self.used
        if max(own, guests) >= wall * MOST_USED:
            return False
        lost = max(waited, waits.of_this_thread() - self.waited) - own - guests
        return self.ticks < wall / TICK_SECONDS * LEAST_TICKS - 1 or lost > wall * MOST_WAITED


    def own(self, waited: float) -> float:
        """Seconds since it began in which parent or guest was not merely waiting for a processor.

        Args:
            waited: Seconds that a thread of a guest was ready and had no processor.
        """
        return max(0.0, time.monotonic() - self.begun - max(waited, waits.of_this_thread() - self.waited))


class _Clock:
    """One thread that ticks for every pace that is being kept, as long as there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paces: dict[int, Pace] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, pace: Pace) -> None:
        with self._lock:
            self._paces[id(pace)] = pace
            if self._thread is None or not self._thread.is_alive():  # it does not live on in a process that was forked
                self._over = threading.Event()
                self._thread = threading.Thread(target=self._tick, args=(self._over,), name="reviewkit-pace", daemon=True)
                self._thread.start()

    def stop(self, pace: Pace) -> None:
        with self._lock:
            del self._paces[id(pace)]
            if not self._paces:
                self._over.set()
                self._thread = None

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(TICK_SECONDS):
            with self._lock:
                for pace in () if over.is_set() else self._paces.values():
                    pace.ticks += 1


_CLOCK: Final = _Clock()


@contextlib.contextmanager
def ticking() -> Iterator[Pace]:
    """Keep the pace of this process, until the block is left."""
    pace = Pace()
    _CLOCK.start(pace)
    try:
        yield pace
    finally:
        _CLOCK.stop(pace)
