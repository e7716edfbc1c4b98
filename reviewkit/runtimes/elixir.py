"""Elixir cells: what is sent to the Elixir host, and what its answers mean."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final

from reviewkit.runtimes.base import End, Host, Show, spaced
from reviewkit.runtimes.elixirplace import HOST, require_elixir
from reviewkit.runtimes.node import CellError

HEAP_MEGABYTES: Final = 256
"""Heap of one Erlang process."""
PROCESS_BYTES: Final = 1024 * 1024 * 1024
"""Writable memory of the whole host: tables and binaries lie outside the heaps."""
CHECK_SECONDS: Final = 60.0
MARK: Final = "REVIEWKIT_CELLS"
"""Variable in the environment of what cells start: each such program leads a group of its own."""
_FULL: Final = re.compile(r"^\w+_alloc: Cannot (re)?allocate \d+ bytes of memory")
PLACES: Final = ("lib/",)
"""Where files are compiled, as Mix has it."""


class ElixirHost:
    """An Erlang VM, started with the first cell. `close` ends it."""

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
            words = HEAP_MEGABYTES * 1024 * 1024 // 8
            flags = f"+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none +hmax {words} +hmaxk true +hmaxel false -env ERL_CRASH_DUMP_SECONDS 0"
            mark = os.urandom(8).hex()
            command = [require_elixir().binary, "--erl", flags, str(HOST), mark]
            self._host = Host(
                "Elixir", command, Path(tempfile.gettempdir()), memory_bytes=PROCESS_BYTES, encode=spaced, full=_FULL, mark=f"{MARK}={mark}",
            )  # fmt: skip
        return self._host

    def run(self, code: str, root: Path, name: str, *, seconds: float, show: Show, database: str = "") -> None:
        """Evaluate a cell, with what the cells before it have left.

        Args:
            code: Elixir.
            root: Folder of the workspace; its `lib` is compiled, and is the working folder.
            name: What errors call the cell.
            seconds: Its time.
            show: Takes its output.
            database: What DATABASE_URL is from now on; empty for what it was.

        Raises:
            CellError: If it fails, in the words that a reader needs.
            HostError: If Elixir cannot be started or has died; `MissingRuntimeError` where it is not installed.
            KeyboardInterrupt: If the kernel was interrupted.
        """
        payload = {"code": code, "name": name, "root": str(root.resolve()), "database": database}
        end = self._started().request("run", payload, seconds, show)
        if end.kind is not None:
            raise CellError(_words(end, name, seconds))

    def check(self, root: Path, show: Show) -> None:
        """Compile the files of a workspace.

        Raises:
            CellError: With one line per error and its place.
            HostError: As `run`.
            KeyboardInterrupt: As `run`.
        """
        end = self._started().request("check", {"root": str(root.resolve())}, CHECK_SECONDS, show)
        if end.kind is not None:
            raise CellError(_words(end, "the compilation", CHECK_SECONDS))

    def close(self) -> None:
        """End it; closing twice is fine."""
        if self._host is not None:
            self._host.close()
            self._host = None


LOST: Final = "Variables, tables and processes of earlier cells are gone."


def _words(end: End, name: str, seconds: float) -> str:
    if end.kind == "timeout":
        return f"TimeLimit: {name} had not ended after {seconds:g} s. {LOST}"
    if end.kind == "memory":
        if end.status is not None:
            return f"MemoryLimit: {name} needed more than {PROCESS_BYTES >> 20} MB. {LOST}"
        return f"MemoryLimit: {name} needed more than {HEAP_MEGABYTES} MB in one process, or killed itself. {LOST}"
    if end.kind == "stopped":
        return f"Stopped: {name} was stopped. {LOST}"
    return end.text
