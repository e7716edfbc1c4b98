"""Notes when the tree asks for a part of CPython that is not there, so that nobody takes that for a fault of the tree.

No boundary: a guest may claim what it likes. It only turns a check that fails into one that was not run.
"""

from __future__ import annotations

import _thread
import asyncio
import asyncio.events
import importlib.abc
import importlib.machinery
import sys
import threading
import types
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from reviewkit.guest.runner import DRIVER

TREE = "/tree/"
NEEDS_GREENLET = frozenset({"sqlalchemy.ext.asyncio"})
"""Modules that are there but do not work without that package."""


class Lacking:
    """What is missing, and telling the parent once of each."""

    def __init__(self, tell: Callable[[str], None], modules: Collection[str]) -> None:
        """Make a list.

        Args:
            tell: Called with a few words for each part that was asked for.
            modules: Names of packages that were left out.
        """
        self._tell, self._modules = tell, frozenset(modules)
        self._told: set[str] = set()

    def note(self, part: str) -> None:
        """The tree asked for `part`."""
        if part not in self._told:
            self._told.add(part)
            self._tell(part)

    def install(self) -> None:
        """From now on see imports, threads and further event loops."""
        sys.meta_path.insert(0, _Half(self))
        sys.meta_path.append(_Missing(self))
        threading._start_new_thread = _thread.start_new_thread = self._no_thread  # type: ignore[attr-defined, assignment]
        policy = asyncio.events.BaseDefaultEventLoopPolicy
        policy.new_event_loop = lambda _self: self._no_loop()  # type: ignore[method-assign, assignment]

    def _no_thread(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        self.note("threads")
        raise RuntimeError("can't start new thread")

    def _no_loop(self) -> NoReturn:
        self.note("a second event loop")
        raise RuntimeError("there is one event loop here")

    def is_left_out(self, name: str) -> bool:
        """Whether a module is missing here but not where the Linux layers are."""
        top = name.partition(".")[0]
        return top in sys.stdlib_module_names or top in self._modules

    @property
    def greenlet(self) -> bool:
        """Whether greenlet was left out."""
        return "greenlet" in self._modules

    def asked_by_tree(self) -> bool:
        """Whether the import that is going on stands in a file of the tree or of its driver."""
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is not None and (frame.f_code.co_filename.startswith(TREE) or frame.f_globals.get("__name__") == DRIVER)


class _Missing(importlib.abc.MetaPathFinder):
    """Asked last: what nobody found."""

    def __init__(self, lacking: Lacking) -> None:
        self._lacking = lacking

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Never finds anything."""
        if self._lacking.is_left_out(fullname) and self._lacking.asked_by_tree():
            self._lacking.note(f"the module {fullname[:60]}")
        return None


class _Half(importlib.abc.MetaPathFinder):
    """Asked first: what would be found, but needs greenlet."""

    def __init__(self, lacking: Lacking) -> None:
        self._lacking = lacking

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Never finds anything."""
        if fullname in NEEDS_GREENLET and self._lacking.greenlet and self._lacking.asked_by_tree():
            self._lacking.note(f"greenlet, which {fullname} needs")
        return None
