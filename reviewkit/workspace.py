"""Folders that a candidate's kernel works in: copies of the head tree, never the scenario's own files."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from reviewkit.errors import UsageError


class Workspace:
    """Copies of a head tree by name (`workspace`, or the id of a mend exercise), made when first used."""

    def __init__(self, head: Path, modules: tuple[str, ...]) -> None:
        self._head, self._modules = head, modules
        self._folder = Path(tempfile.mkdtemp(prefix="reviewkit-workspace-"))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)

    def tree(self, name: str) -> Path:
        """Root of a copy."""
        root = self._folder / name
        if not root.is_dir():
            shutil.copytree(self._head, root, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        return root

    def write(self, name: str, file: str, text: str) -> Path:
        """Write a file of a copy; a module of that tree is imported anew afterwards.

        Raises:
            UsageError: If the path leaves the tree.
        """
        root = self.tree(name)
        path = (root / file).resolve()
        if not path.is_relative_to(root.resolve()) or path == root.resolve():
            raise UsageError(f"{file!r} is no file of the change.", "Use a path such as those in the diff.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.endswith("\n") else text + "\n", "utf-8")
        self.forget()
        return path

    def importable(self, name: str) -> None:
        """Let the kernel's own cells import from this copy."""
        root = str(self.tree(name))
        if root not in sys.path:
            sys.path.insert(0, root)
        sys.dont_write_bytecode = True

    def forget(self) -> None:
        """Drop imported modules of the trees, so that the next import reads the files again."""
        for module in [m for m in sys.modules if m.split(".", 1)[0] in self._modules]:
            del sys.modules[module]
