"""Compiles a tree of Java once, not in each guest.

Who compiles is always a guest, the first of a tree: it is asked before it loads a line of the tree, so what it answers depends on the
files alone. The class files go to further guests of the same tree and nowhere else, in one piece that the parent never opens.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any, Final

from reviewkit.harness.job import Load
from reviewkit.runtimes.once import Ask

COMPILE_SECONDS: Final = 30.0
SOURCES: Final = Path("src", "main", "java")


class Compiled:
    """Class files of one tree, by the driver that they were compiled with, kept as long as this object is."""

    def __init__(self) -> None:
        self._packed: dict[tuple[str, str], bytes] = {}

    async def order(self, load: Load, ask: Ask) -> dict[str, Any]:
        """See `reviewkit.runtimes.once.Once`.

        Returns:
            `classes`. Nothing where they could not be compiled or are too many for the wire: each guest then compiles for itself, and
            says what is wrong as it loads.
        """
        name, text = load.driver.name, load.driver.read_text("utf-8")
        if (name, text) not in self._packed:
            reply = await ask("compile", {"driver": text, "driver_name": name}, COMPILE_SECONDS)
            value = reply.get("value")
            self._packed[name, text] = value if type(value) is bytes else b""  # also where the guest ended over it: once is enough
        packed = self._packed[name, text]
        return {"classes": packed} if packed else {}


def look(root: Path) -> str:
    """A digest of all that is compiled of a tree: two trees that have the same have the same classes."""
    whole = hashlib.sha256()
    for folder, folders, names in os.walk(root / SOURCES):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(names) if name.endswith(".java")):
            text = b""
            with contextlib.suppress(OSError):  # the guest will say so
                text = path.read_bytes()
            whole.update(f"{path.relative_to(root)}\0{len(text)}\0".encode("utf-8", "surrogateescape") + text)
    return whole.hexdigest()
