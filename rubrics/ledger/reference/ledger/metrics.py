"""Counters of a worker; the dashboard reads them over the status port."""

import threading
from collections import Counter


class Metrics:
    """Named counters. The status port is served by a thread of its own."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[name] += by

    def snapshot(self) -> dict[str, int]:
        """Copy the counters."""
        with self._lock:
            return dict(self._counters)
