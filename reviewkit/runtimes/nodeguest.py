"""Guests that are Node processes: what their command line is and what their end says, in the sandbox and outside alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.nodekit import HEAP_MEGABYTES, engine_flags, require_kit
from reviewkit.runtimes.nodeplace import LEAST_STRIPPING, Node, require_node

if TYPE_CHECKING:
    from reviewkit.sandbox.line import Exit

JSX_DRIVERS: Final = (".tsx", ".jsx")
"""Endings of drivers whose guests have the packages of React, and a document."""
DRIVERS: Final = (".ts", ".mjs", *JSX_DRIVERS)
"""Endings of drivers that make a guest a Node process."""
_KIB: Final = 1024
_MOST_OWN_KIB: Final = 160 * _KIB
"""More than Node itself holds: an abort above it is for lack of memory."""
_ABORTS: Final = frozenset((4, 5, 6, 11))
"""Signals by which the engine ends itself: SIGILL, SIGTRAP, SIGABRT, and SIGSEGV where memory could not be had."""


def required() -> Node:
    """The Node that guests are.

    Raises:
        MissingRuntimeError: If there is none, or one that cannot run TypeScript by itself.
    """
    return require_node(LEAST_STRIPPING)


def lacking_for(driver: Path) -> str | None:
    """What guests with this driver lack on this machine, in one line that names the command; None if nothing."""
    if driver.suffix not in DRIVERS:
        return None
    try:
        required()
        kit_for(driver)
    except MissingRuntimeError as error:
        return str(error)
    return None


def member() -> Path:
    """What a guest runs."""
    return Path(__file__).resolve().parent.parent / "guest" / "node" / "member.mjs"


def kit_for(driver: Path) -> Path | None:
    """Folder of the packages that guests with this driver may import; None for those that import none.

    Raises:
        MissingRuntimeError: If they are not set up.
    """
    return require_kit(required()) if driver.suffix in JSX_DRIVERS else None


def command(binary: str, kit: Path | None, seed: str = "{seed}") -> tuple[str, ...]:
    """Command line of a guest, without its last arguments: the wire's descriptor and the tree."""
    return (binary, *engine_flags(seed), str(member()), "-" if kit is None else str(kit))


def how_it_ended(ended: Exit, cpu_seconds: int) -> tuple[str, str]:
    """Why a guest ended that nobody had told to, as `reviewkit.sandbox.job.Ending` and words."""
    signal = os.WTERMSIG(ended.status) if os.WIFSIGNALED(ended.status) else 0
    if ended.cpu >= cpu_seconds / 2 and signal in (9, 24):
        return "time_limit", f"more than {cpu_seconds} s of processor time"
    if signal == 9 or (signal in _ABORTS and ended.peak_kib > _MOST_OWN_KIB):
        return "memory_limit", f"more than {HEAP_MEGABYTES} MiB of JavaScript heap, or too much memory beside it"
    if signal:
        return "crashed", f"the process died of signal {signal}"
    return "crashed", f"the process left with status {os.waitstatus_to_exitcode(ended.status)}"
