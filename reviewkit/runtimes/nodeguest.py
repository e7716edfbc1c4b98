"""Guests that are Node processes: what their command line is and what their end says, in the sandbox and outside alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from reviewkit.runtimes import programend
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.nodekit import HEAP_MEGABYTES, engine_flags, require_kit
from reviewkit.runtimes.nodeplace import LEAST_STRIPPING, Node, require_node

if TYPE_CHECKING:
    from reviewkit.sandbox.line import Exit

JSX_DRIVERS: Final = (".tsx", ".jsx")
"""Endings of drivers whose guests have the packages of React, and a document."""
DRIVERS: Final = (".ts", ".mjs", *JSX_DRIVERS)
"""Endings of drivers that make a guest a Node process."""


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
    """Why a guest ended that nobody had told to, as `reviewkit.sandbox.ending.Ending` and words."""
    return programend.how_it_ended(ended, cpu_seconds, f"{HEAP_MEGABYTES} MiB of JavaScript heap")
