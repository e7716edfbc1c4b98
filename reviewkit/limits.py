"""What scoring one submission may take. What takes more ends alone, as one row with its reason."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 600.0
MEGABYTES: Final = 1024
LEAST_MEGABYTES: Final = 64
TIME, MEMORY = "time_limit", "memory_limit"
"""Reason codes of rows."""


@dataclass(frozen=True)
class Limits:
    """Of one submission."""

    seconds: float = SECONDS
    """Wall time from the start of its notebook to the end."""
    megabytes: int = MEGABYTES
    """Memory for its data, beside what the program has when it begins. The sandbox limits candidate code by itself."""

    def as_text(self) -> str:
        """For comparing: a row that a limit ended is tried again under other limits."""
        return f"{self.seconds:g} s, {self.megabytes} MB"


STANDARD: Final = Limits()


class Deadline:
    """Counts down from now, for papermill's client."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, _cell: Any = None) -> float:
        """Seconds that the next cell has; never 0, which would mean any time."""
        return max(0.1, self._end - time.monotonic())


def hold_memory(megabytes: int) -> None:
    """Let this process have so much more memory for data, and a `MemoryError` beyond it. Where the system counts none (macOS) nothing is held.

    Args:
        megabytes: 0: no limit.
    """
    now = _data_bytes()
    if megabytes <= 0 or now is None:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = now + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _data_bytes() -> int | None:
    """Private writable memory of this process, as the limit counts it."""
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
