"""TypeScript and TSX cells: what is sent to the Node host, and what its answers mean."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reviewkit.runtimes.base import End, Host, MissingRuntimeError, Show
from reviewkit.runtimes.nodeplace import FOLDER, SETUP, has_swc, modules_folder, require_modules, require_node

CELL_MEGABYTES: Final = 256
"""JavaScript heap of one cell."""
PROCESS_BYTES: Final = 1536 * 1024 * 1024
"""Writable memory of the whole process, buffers outside the heap included."""
CHECK_SECONDS: Final = 60.0
BUNDLE_SECONDS: Final = 20.0
MOST_LIVE: Final = 3_000_000
"""Characters of a live component: the notebook keeps them."""


class CellError(Exception):
    """A cell failed; shown as the foreign error alone, without a Python traceback."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text

    def _render_traceback_(self) -> list[str]:
        return self.text.split("\n")


class CellStopped(KeyboardInterrupt):
    """A cell was stopped by an interrupt of the kernel; shown in one line."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self.name} was stopped."]


class NodeHost:
    """Node, started with the first cell. `close` ends it and removes what it kept."""

    def __init__(self) -> None:
        self._host: Host | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._host.pid if self._host is not None else None

    def _started(self) -> Host:
        if self._host is None or self._host.pid is None:
            if self._host is not None:
                self._host.kill()  # one that died between two cells has left its folder, and what it had started
            node, modules = require_node(command=SETUP), require_modules()
            place = tempfile.gettempdir()
            # The process makes and removes the folder: it outlives a killed kernel by a moment, this process does not.
            folder = os.path.join(place, f"reviewkit-node-{os.getpid()}-{os.urandom(6).hex()}")  # noqa: PTH118
            command = [node.binary, "--no-warnings", str(FOLDER / "host.mjs"), str(modules), folder, str(CELL_MEGABYTES)]
            self._host = Host("Node", command, Path(place), folder=Path(folder), memory_bytes=PROCESS_BYTES)
        return self._host

    def run(
        self, code: str, root: Path, name: str, *, loader: str, seconds: float, show: Show, session: str = "", reset: bool = False,
        database: str = "",
    ) -> None:  # fmt: skip
        """Run a cell, in a fresh worker or in the one of a session.

        Args:
            code: TypeScript.
            root: Folder that its relative imports start from.
            name: What errors call it.
            loader: `ts` or `tsx`.
            seconds: Its time.
            show: Takes its output.
            session: Name of the session that it shares its variables with; empty for a cell of its own.
            reset: Begin that session anew.
            database: What DATABASE_URL is for it; empty for what it was.

        Raises:
            CellError: If it fails, in the words that a reader needs.
            HostError: If Node cannot be started or has died; `MissingRuntimeError` where it is not installed.
            KeyboardInterrupt: If the kernel was interrupted.
        """
        payload: dict[str, object] = {"code": code, "name": name, "root": str(root.resolve()), "loader": loader, "database": database}
        shared = {"session": session, "reset": reset} if session else {}
        end = self._started().request("session" if session else "run", payload | shared, seconds, show)
        if end.kind is not None:
            raise _failure(end, name, seconds)

    def page(self, code: str, root: Path, name: str, *, file: str, loader: str, show: Show) -> str:
        """Bundle a component into a document that shows it; nothing of it runs here.

        Args:
            code: TypeScript of a cell.
            root: Folder that its relative imports start from.
            name: What errors call it.
            file: File of that folder to show instead; empty for the cell.
            loader: `ts` or `tsx`, of the cell.
            show: Takes output of the host.

        Raises:
            CellError: If it cannot be bundled, or is too large to be kept in a notebook.
            HostError: As `run`.
            KeyboardInterrupt: As `run`.
        """
        payload = {"code": code, "file": file, "root": str(root.resolve()), "name": name, "loader": loader}
        end = self._started().request("live", payload, BUNDLE_SECONDS, show)
        if end.kind is not None:
            raise _failure(end, name, BUNDLE_SECONDS)
        if len(end.value) > MOST_LIVE:
            raise CellError(f"{name} comes to {len(end.value) / 1e6:.1f} MB with what it imports; at most {MOST_LIVE / 1e6:g} MB are shown.")
        return end.value

    def measure(self, code: str, root: Path) -> float:
        """Milliseconds that a cell takes inside the host, for benchmarks."""
        payload = {"code": code, "name": "cell", "root": str(root.resolve()), "loader": "ts"}
        return self._started().request("run", payload, 60.0, lambda _stream, _text: None).milliseconds

    def check(self, files: Sequence[str], root: Path, show: Show) -> None:
        """Look for type errors in files of a folder and what they import.

        Raises:
            CellError: With one line per type error.
            HostError: As `run`.
            KeyboardInterrupt: As `run`.
        """
        end = self._started().request("check", {"files": list(files), "root": str(root.resolve())}, CHECK_SECONDS, show)
        if end.kind is not None:
            raise CellError(_words(end, "the type check", CHECK_SECONDS))

    def close(self) -> None:
        """End it; closing twice is fine."""
        if self._host is not None:
            self._host.close()
            self._host = None


def _failure(end: End, name: str, seconds: float) -> CellError | MissingRuntimeError:
    if end.kind == "swc" and has_swc(modules_folder()):
        return MissingRuntimeError("Decorators with metadata need swc, which is there and cannot be loaded", f"Remove {modules_folder()}, then run: {SETUP}")
    if end.kind == "swc":
        return MissingRuntimeError("Decorators with metadata need swc, which is not set up", f"Run: {SETUP}")
    return CellError(_words(end, name, seconds))


def _words(end: End, name: str, seconds: float) -> str:
    if end.kind == "timeout" and end.text == "session":
        return f"TimeLimit: {name} had not ended after {seconds:g} s and was ended with its session."
    if end.kind == "timeout":
        return f"TimeLimit: {name} had not ended after {seconds:g} s, with everything that it waits for; a timer or a server may be open."
    if end.kind == "memory":
        return f"MemoryLimit: {name} needed more than {CELL_MEGABYTES} MB."
    if end.kind == "exit":
        return f"Exit: {name} left with status {end.text}."
    if end.kind == "stopped":
        return f"Stopped: {name} was stopped."
    return end.text
