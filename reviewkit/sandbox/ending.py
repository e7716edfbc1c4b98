"""Why a guest ended, by the kernel's account of its process."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from typing import Final

from reviewkit.sandbox.inner import limits
from reviewkit.sandbox.line import Exit

_ALMOST: Final = 0.9
_HALF: Final = 0.5


class Ending(StrEnum):
    """Why a guest ended, or could not go on; never by its own word."""

    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    CRASHED = "crashed"
    STOPPED = "stopped"


def read_exit(ended: Exit, out_of_memory: bool) -> tuple[Ending, str]:
    """Why a process ended that nobody had told to.

    Args:
        ended: The kernel's account of it.
        out_of_memory: Whether the guest had said that memory ran out.
    """
    status, number = ended.status, os.WTERMSIG(ended.status) if os.WIFSIGNALED(ended.status) else 0
    full = ended.peak_kib * 1024 >= limits.MEMORY_BYTES * _ALMOST
    # The limit counts clock ticks, the account at the end does not: on a busy machine they differ by a good part.
    long = ended.cpu >= limits.CPU_SECONDS * _HALF
    if number == signal.SIGXCPU or (number == signal.SIGKILL and long and not full):
        return Ending.TIME_LIMIT, f"more than {limits.CPU_SECONDS} s of processor time"
    if out_of_memory or full or number == signal.SIGKILL:
        return Ending.MEMORY_LIMIT, f"more than {limits.MEMORY_BYTES // 1024**2} MiB of memory"
    if number:
        return Ending.CRASHED, f"the process died of signal {number}"
    return Ending.CRASHED, f"the process left with status {os.waitstatus_to_exitcode(status)}"
