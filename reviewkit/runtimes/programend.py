"""What the end of a guest says that is another program than Python, in the sandbox and outside alike."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reviewkit.sandbox.line import Exit

_MOST_OWN_KIB: Final = 160 * 1024
"""More than Node or Java holds by itself: an abort above it is for lack of memory."""
_ABORTS: Final = frozenset((4, 5, 6, 11))
"""Signals by which an engine ends itself: SIGILL, SIGTRAP, SIGABRT, and SIGSEGV where memory could not be had."""


def how_it_ended(ended: Exit, cpu_seconds: int, heap: str, full_status: int | None = None) -> tuple[str, str]:
    """Why a guest ended that nobody had told to, as `reviewkit.sandbox.ending.Ending` and words.

    Args:
        ended: By the kernel's account.
        cpu_seconds: Its limit.
        heap: What it may have, in words: `256 MiB of Java heap`.
        full_status: Status with which it leaves where that is full; None where it aborts.
    """
    signal = os.WTERMSIG(ended.status) if os.WIFSIGNALED(ended.status) else 0
    if ended.cpu >= cpu_seconds / 2 and signal in (9, 24):
        return "time_limit", f"more than {cpu_seconds} s of processor time"
    status = None if signal else os.waitstatus_to_exitcode(ended.status)
    full = status is not None and status == full_status
    if full or signal == 9 or (signal in _ABORTS and ended.peak_kib > _MOST_OWN_KIB):
        return "memory_limit", f"more than {heap}, or too much memory beside it"
    return "crashed", f"the process died of signal {signal}" if signal else f"the process left with status {status}"
