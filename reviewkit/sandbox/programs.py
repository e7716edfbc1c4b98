"""What a guest's process turns into where its tree is not Python, and whether guests of a level can be that."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from reviewkit.runtimes import javaguest, nodeguest
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.compiling import Compiled
from reviewkit.runtimes.guests import profile
from reviewkit.runtimes.once import Once
from reviewkit.runtimes.stripping import TYPED, WITH_JSX, Stripped
from reviewkit.sandbox.inner import limits
from reviewkit.sandbox.levels import NODE_LEVELS, Level
from reviewkit.sandbox.line import Exit
from reviewkit.sandbox.reach import JAVA, KIT, NODE, SPRING, reachable_by_all
from reviewkit.sandbox.unavailable import GuestLacksError

_NAMES: Final = {"node": "Node", "java": "Java"}
_REACHABLE: Final = {
    "node": "Install Node and reviewkit where every user can get to them, the data folder included.",
    "java": "Install a JDK where every user can get to it, and name such a data folder in XDG_DATA_HOME.",
}


@dataclass(frozen=True)
class Program:
    """Another program than Python."""

    packages: tuple[str, ...]
    """What stands for it among the packages of a fork server."""
    opens: tuple[str, ...]
    """Files and folders that it opens by their own paths."""
    how: Callable[[Exit, bool], tuple[str, str]]
    """Why a guest ended; see `reviewkit.sandbox.line.Ordered`."""
    once: Callable[[Path], Once]
    """Makes, for the copy of a tree, what keeps the work that its first guest does for all."""


def program_of(driver: Path, level: Level) -> Program | None:
    """The program of guests with this driver at this level; None where they stay Python.

    Raises:
        GuestLacksError: If guests of this level cannot be that. Without namespaces and landlock no file may be opened, and a program
            starts by opening some.
    """
    kind = profile(driver)
    if not kind:
        return None
    name = _NAMES[kind]
    if level not in NODE_LEVELS:
        raise GuestLacksError(name, level, "Score where bubblewrap works, or landlock.")
    try:
        made = _node(driver) if kind == "node" else _java(driver)
    except MissingRuntimeError as error:
        raise GuestLacksError(f"{name} ({error.fact})", level, error.next_step) from None
    if level is Level.LANDLOCK and os.geteuid() == 0 and not reachable_by_all(made.opens):
        raise GuestLacksError(f"{name} where guests can get to it", level, _REACHABLE[kind])
    return made


def _node(driver: Path) -> Program:
    node, kit = nodeguest.required(), nodeguest.kit_for(driver)
    opens = (node.binary, str(nodeguest.member()))
    how = partial(_ended, nodeguest.how_it_ended, limits.CPU_SECONDS)
    if kit is None:
        return Program((NODE,), opens, how, partial(Stripped, endings=TYPED))
    return Program((NODE, KIT), (*opens, str(kit)), how, partial(Stripped, endings=WITH_JSX))


def _java(driver: Path) -> Program:
    has_spring = javaguest.has_spring(driver)
    parts = javaguest.required(spring=has_spring)
    seconds = javaguest.SPRING_SECONDS if has_spring else javaguest.CPU_SECONDS
    packages = (JAVA, SPRING) if has_spring else (JAVA,)
    return Program(packages, parts.readable, partial(_ended, javaguest.how_it_ended, seconds), lambda _copy: Compiled())


def _ended(read: Callable[[Exit, int], tuple[str, str]], seconds: int, ended: Exit, _out_of_memory: bool) -> tuple[str, str]:
    return read(ended, seconds)
