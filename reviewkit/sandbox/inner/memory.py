"""Imports a tree from memory, for the level at which no file can be opened once the guest is locked down."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024


class MemoryTree(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder and loader over the files of one tree."""

    def __init__(self, root: str, modules: Sequence[str]) -> None:
        """Read every file below `root`; only the packages named in `modules` are served.

        Raises:
            ValueError: If the files are larger than 16 MiB together.
        """
        self._root, self._modules = root, tuple(modules)
        self._files: dict[str, bytes] = {}
        for path in sorted(Path(root).rglob("*")):
            if path.is_file() and not path.is_symlink():
                self._files[path.relative_to(root).as_posix()] = path.read_bytes()
        if sum(map(len, self._files.values())) > MAX_BYTES:
            raise ValueError("the tree is larger than 16 MiB")

    def install(self) -> None:
        """Ask this finder before all others."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Spec of a module of the tree, None for any other."""
        if fullname.split(".", 1)[0] not in self._modules:
            return None
        base = fullname.replace(".", "/")
        for file, package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if file in self._files:
                spec = importlib.util.spec_from_loader(fullname, self, origin=f"{self._root}/{file}", is_package=package)
                if spec is not None:
                    spec.has_location = True
                    if package:
                        spec.submodule_search_locations = [f"{self._root}/{base}"]
                return spec
        return self._namespace(fullname, base)

    def _namespace(self, fullname: str, base: str) -> importlib.machinery.ModuleSpec | None:
        if not any(file.startswith(f"{base}/") for file in self._files):
            return None
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [f"{self._root}/{base}"]
        return spec

    def exec_module(self, module: types.ModuleType) -> None:
        """Compile and run a module."""
        origin = module.__spec__.origin if module.__spec__ else None
        if origin is None:
            raise ImportError(f"{module.__name__} has no source")
        exec(compile(self.get_data(origin), origin, "exec"), module.__dict__)  # noqa: S102 - that is what a loader does

    def get_data(self, path: str) -> bytes:
        """Bytes of a file of the tree, as `pkgutil.get_data` asks for them.

        Raises:
            OSError: If the tree has no such file.
        """
        try:
            return self._files[path.removeprefix(f"{self._root}/")]
        except KeyError:
            raise FileNotFoundError(path) from None
