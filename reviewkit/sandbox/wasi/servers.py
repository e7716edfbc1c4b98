"""Where a launcher gets its guests from at level `wasi`: no fork server, each guest is a process of its own from the start."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from reviewkit.sandbox.levels import Level
from reviewkit.sandbox.line import Ordered
from reviewkit.sandbox.servers import stage_folder
from reviewkit.sandbox.unavailable import SandboxError, SandboxUnavailableError
from reviewkit.sandbox.wasi import cpython, packages, process

START = (
    'import json, sys; sys.path[:0] = json.loads(sys.argv[1])["path"]; '
    "from reviewkit.sandbox.wasi.inside.main import main; main()"
)
_PYTHON = ("python", "-S", "-B", "-P", "-X", "utf8")


class WasiLine:
    """Orders guests with one set of packages; what `reviewkit.sandbox.line.Line` is elsewhere."""

    alive = True

    def __init__(self, site: packages.Site) -> None:
        self._site = site
        self._open: list[Ordered] = []

    def order(self, folder: Path, modules: tuple[str, ...], seed: int, wire: int) -> Ordered:
        """See `Line.order`; the tree is the one folder that differs between guests.

        Raises:
            SandboxError: If no process can be started.
        """
        del modules  # hidden are here the packages that were not copied
        spec = {"seed": seed, "left_out": self._site.left_out, "path": [name for _, name in self._site.folders]}
        preopens = [(str(path), name, False) for path, name in self._site.folders]
        ordered = process.order([*_PYTHON, "-c", START, json.dumps(spec)], [*preopens, (str(folder), "/tree", False)], wire)
        self._open = [*(known for known in self._open if not known.ended.done()), ordered]
        return ordered

    def close(self) -> None:
        """Kill the guests that are still there."""
        for ordered in self._open:
            if ordered.kill is not None:
                ordered.kill()


class WasiServers:
    """One line per set of packages."""

    level = Level.WASI

    def __init__(self) -> None:
        """Make the stage folder.

        Raises:
            SandboxUnavailableError: If wasmtime or the interpreter is missing.
        """
        reason = cpython.lacking()
        if reason is not None:
            raise SandboxUnavailableError(reason)
        self._held = stage_folder()
        self.folder = self._held.path
        self._lines: dict[tuple[str, ...], WasiLine] = {}
        self._lock = threading.Lock()
        self._closed = False

    def line(self, packages_: tuple[str, ...]) -> WasiLine:
        """See `reviewkit.sandbox.servers.Servers`.

        Raises:
            GuestLacksError: If a guest cannot have one of the packages.
        """
        with self._lock:
            if self._closed:
                raise SandboxError("its launcher is closed")
            if packages_ not in self._lines:
                self._lines[packages_] = WasiLine(packages.site(packages_))
            return self._lines[packages_]

    def close(self) -> None:
        """End every guest and remove what was staged."""
        with self._lock:
            self._closed = True
            lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            line.close()
        self._held.close()
