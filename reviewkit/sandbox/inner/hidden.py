"""Makes packages that a scenario does not declare look as if they were not installed, where they could not be read anyway.

No boundary: without this a guest gets a PermissionError for them instead of the ImportError that code is written for.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePath

OFTEN_ASKED = {"sniffio"}
"""Not needed, and httpx looks for it at each request: where it is not installed, the search is most of such a look."""


class HiddenPackages(importlib.abc.MetaPathFinder):
    """Refuses the top-level names that lie in the folders of packages but do not belong to those that may be read."""

    def __init__(self, folders: Iterable[str], readable: Iterable[str]) -> None:
        """List the folders; later nobody may."""
        known = {_module(PurePath(path).name) for path in readable}
        installed = {_module(name) for folder in folders for name in os.listdir(folder)}  # noqa: PTH208 - quick
        self._names = (installed | OFTEN_ASKED) - known

    def install(self, modules: Collection[str]) -> None:
        """Ask this finder before all others; the tree's own modules may have any name."""
        self._names -= set(modules)
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Nothing to say of other names.

        Raises:
            ModuleNotFoundError: For a hidden one.
        """
        if path is None and fullname in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def _module(name: str) -> str:
    return name.split(".", 1)[0]
