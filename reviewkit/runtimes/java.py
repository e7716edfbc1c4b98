"""Java cells: what is sent to the Java host, and what its answers mean."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reviewkit.runtimes.base import End, Host, MissingRuntimeError, Show, spaced
from reviewkit.runtimes.javaplace import FAST_START, SETUP, cell_classes, host_classes, libraries, require_jdk
from reviewkit.runtimes.node import CellError

HEAP_MEGABYTES: Final = 256
PROCESS_BYTES: Final = 1024 * 1024 * 1024
"""Writable memory of the whole process: heap, classes, compiled code, stacks, buffers outside the heap."""
CHECK_SECONDS: Final = 60.0
PLACES: Final = ("src/main/java/", "src/test/java/")
"""Where files are compiled, as Maven has it."""
_FULL: Final = re.compile(r"^Terminating due to java\.lang\.OutOfMemoryError")
_SPRING: Final = re.compile(r"package (org\.(springframework|junit|assertj|mockito|h2|postgresql|slf4j)|jakarta|com\.zaxxer|com\.fasterxml)\S* does not exist")


class JavaHost:
    """A Java process, started with the first cell. `close` ends it and removes what it kept."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._root: Path | None = None
        self._spring = False

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._host.pid if self._host is not None else None

    def _started(self, root: Path) -> Host:
        if self._host is not None and root != self._root:
            self.close()  # a Java process cannot change its working folder
        if self._host is None or self._host.pid is None:
            if self._host is not None:
                self._host.kill()  # one that died between two cells has left its folder, and what it had started
            jdk, jars = require_jdk(), libraries()
            # The process makes and removes the folder: it outlives a killed kernel by a moment, this process does not.
            folder = Path(tempfile.gettempdir(), f"reviewkit-java-{os.getpid()}-{os.urandom(6).hex()}")
            command = [
                jdk.java, *FAST_START, f"-Xmx{HEAP_MEGABYTES}m", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-XX:-CreateCoredumpOnCrash",
                f"-XX:ErrorFile={folder / 'crash.log'}", f"-Djava.io.tmpdir={folder / 'own'}", "-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US",
                "-Djava.awt.headless=true", "-cp", os.pathsep.join(map(str, [host_classes(jdk), cell_classes(jdk), *jars])), "reviewkit.host.Host", str(folder),
            ]  # fmt: skip
            self._host = Host("Java", command, root, folder=folder, memory_bytes=PROCESS_BYTES, encode=spaced, full=_FULL)
            self._root, self._spring = root, bool(jars)
        return self._host

    def run(self, code: str, root: Path, name: str, *, seconds: float, show: Show, database: str = "") -> None:
        """Compile a cell with the files of a workspace and run its `main`, or its statements.

        Args:
            code: Java.
            root: Folder of the workspace; its `src/main/java` and `src/test/java` are compiled.
            name: What errors call the cell.
            seconds: Its time, compilation not counted.
            show: Takes its output.
            database: `postgresql://...` that its property DATABASE_URL names, as JDBC has it; empty for none.

        Raises:
            CellError: If it fails, in the words that a reader needs.
            HostError: If Java cannot be started or has died; `MissingRuntimeError` where it, or Spring Boot, is not installed.
            KeyboardInterrupt: If the kernel was interrupted.
        """
        self._request("run", {"code": code, "name": name, "database": _jdbc(database)}, root, name, seconds, show)

    def check(self, root: Path, show: Show) -> None:
        """Compile the files of a workspace.

        Raises:
            CellError: With one line per error and its place.
            HostError: As `run`.
            KeyboardInterrupt: As `run`.
        """
        self._request("check", {}, root, "the compilation", CHECK_SECONDS, show)

    def _request(self, op: str, payload: dict[str, str], root: Path, name: str, seconds: float, show: Show) -> None:
        root = root.resolve()
        end = self._started(root).request(op, {**payload, "root": str(root)}, seconds, show)
        if end.kind == "build" and not self._spring and _SPRING.search(end.text):
            raise MissingRuntimeError("Spring Boot and its libraries are not set up", f"Run: {SETUP}")
        if end.kind is not None:
            raise CellError(_words(end, name, seconds))

    def measure(self, code: str, root: Path) -> float:
        """Milliseconds that a cell takes inside the host, for benchmarks."""
        root = root.resolve()
        return self._started(root).request("run", {"code": code, "name": "cell", "root": str(root)}, 60.0, lambda _s, _t: None).milliseconds

    def close(self) -> None:
        """End it; closing twice is fine."""
        if self._host is not None:
            self._host.close()
            self._host = None


def _jdbc(url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    return f"jdbc:postgresql://{parts.hostname}:{parts.port}{parts.path}?user={parts.username}"


def _words(end: End, name: str, seconds: float) -> str:
    if end.kind == "timeout":
        return f"TimeLimit: {name} had not ended after {seconds:g} s, with everything that it waits for; a pool of threads or a server may be open."
    if end.kind == "memory":
        return f"MemoryLimit: {name} needed more than {HEAP_MEGABYTES} MB."
    if end.kind == "exit":
        return f"Exit: {name} left with status {end.status}."
    if end.kind == "stopped":
        return f"Stopped: {name} was stopped."
    return end.text
