"""Notes when code asks for a part of CPython that is not here, so that nobody takes the failure for a fault of that code.

No boundary: a guest may claim what it likes. It only turns a check that fails into one that was not run.
"""

from __future__ import annotations

import _thread
import asyncio.events
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn

from reviewkit.guest.runner import DRIVER

TREE = "/tree/"
NEEDS_GREENLET = frozenset({"sqlalchemy.ext.asyncio"})
"""Modules that are there but do not work without that package."""
TOLERATED = frozenset(
    {
        ("uuid", "_uuid"), ("shutil", "_lzma"), ("zipfile", "_lzma"), ("tarfile", "_lzma"),
        ("structlog", "greenlet"), ("sqlalchemy", "greenlet"), ("httpcore", "ssl"), ("httpx", "ssl"), ("anyio", "ssl"),
        ("reviewkit", "concurrent"),
    }
)  # fmt: skip
"""Who asks, for what, and goes on without it or with a stand-in: seen with these, not guessed."""
STAND_INS = {"ssl": "tls.py", "concurrent.futures.thread": "pools.py"}
PARTIAL = (os, signal, socket, time)
"""Modules that lack functions here."""


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
        """Somebody who cannot do without asked for `part`."""
        if part not in self._told:
            self._told.add(part)
            self._tell(part)

    def install(self) -> None:
        """From now on see imports, threads, further event loops and functions that are missing."""
        sys.meta_path.insert(0, _Half(self))
        sys.meta_path.append(_Missing(self))
        threading._start_new_thread = _thread.start_new_thread = self._no_thread  # type: ignore[attr-defined]
        policy = asyncio.events.BaseDefaultEventLoopPolicy
        policy.new_event_loop = lambda _self: self._no_loop()  # type: ignore[method-assign, assignment]
        for module in PARTIAL:
            module.__dict__["__getattr__"] = self._no_attribute(module.__name__)

    def _no_thread(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        self.note("threads")
        raise RuntimeError("can't start new thread")

    def _no_loop(self) -> NoReturn:
        self.note("a second event loop")
        raise RuntimeError("there is one event loop here")

    def _no_attribute(self, module: str) -> Callable[[str], NoReturn]:
        def missing(name: str) -> NoReturn:
            if _is_tree(sys._getframe(1)):
                self.note(f"{module}.{name[:40]}")
            raise AttributeError(f"module {module!r} has no attribute {name!r}")

        return missing

    def look_for(self, name: str) -> None:
        """`name` is imported and nobody has it."""
        top = name.partition(".")[0]
        missing = top in sys.stdlib_module_names or top in self._modules
        if missing and not any((asker, top) in TOLERATED for asker in _askers()):
            self.note(f"the module {name[:60]}")

    def look_at(self, name: str) -> None:
        """`name` is imported and will be found."""
        if name in NEEDS_GREENLET and "greenlet" in self._modules and "tree" in set(_askers()):
            self.note(f"greenlet, which {name} needs")


def _is_tree(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(TREE) or frame.f_globals.get("__name__") == DRIVER


def _askers() -> Iterator[str]:
    """Top-level packages that are importing, innermost first, up to the tree or its driver, which is called "tree"."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_tree(frame):
            yield "tree"
            return
        yield str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back


class _Missing(importlib.abc.MetaPathFinder):
    """Asked last: what nobody found."""

    def __init__(self, lacking: Lacking) -> None:
        self._lacking = lacking

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A stand-in where there is one; what is missing is noted where somebody could miss it."""
        self._lacking.look_for(fullname)
        file = STAND_INS.get(fullname)
        if file is None:
            return None
        return importlib.util.spec_from_file_location(fullname, os.path.join(os.path.dirname(__file__), file))  # noqa: PTH118, PTH120


class _Half(importlib.abc.MetaPathFinder):
    """Asked first: what would be found, but does not work."""

    def __init__(self, lacking: Lacking) -> None:
        self._lacking = lacking

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Never finds anything."""
        self._lacking.look_at(fullname)
        return None
