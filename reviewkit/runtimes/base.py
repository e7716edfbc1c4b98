"""A host: a process that runs cells of another language, one request at a time, and that is replaced when it dies.

A request is one line of JSON on the host's input: `{"id", "op", ...}`; for a host without JSON, `spaced`. An event is RS (0x1e) and one
line of JSON on its output: `{"ready"}`, `{"id", "stream", "text"}`, `{"id", "end", "error", "ms"}`. Whatever else a host's process writes is
output of the code that runs in it. Nothing that is scored comes from a host, so a cell that forges events fools itself alone.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from reviewkit.errors import FactError
from reviewkit.runtimes.marked import end_marked

START_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 3.0
"""After its time a host ends a cell itself; so much later it is killed."""
STOP_SECONDS: Final = 5.0
"""How long a cell may take to end when it is interrupted."""
END_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.5
"""How often a silent process is looked at."""
MOST_STRAY: Final = 1_000_000
"""Bytes of stray output that are shown of one request."""
_SEPARATOR: Final = b"\x1e"
_CHUNK: Final = 65_536
_QUIET: Final = ("FORCE_COLOR", "CLICOLOR_FORCE", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
"""What would change or add to a host's output."""

Show = Callable[[str, str], None]
"""Takes the name of a stream, `stdout` or `stderr`, and text."""


class HostError(FactError):
    """A host could not be started or did not survive."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback."""
        return [str(self)]


class MissingRuntimeError(HostError):
    """A part that a language needs is not on this machine; the message names the command that gets it."""


@dataclass(frozen=True)
class End:
    """How a request ended."""

    kind: str | None
    """None if all went well; otherwise the host's word for what went wrong."""
    text: str
    """What the host says about it."""
    milliseconds: float
    """Its own measure, for benchmarks; never shown."""
    status: int | None = None
    """Set where only the end of the process ended the request: the process's exit status, or the signal as a negative number."""
    value: str = ""
    """What the request gave, where it was for something."""


def spaced(message: Mapping[str, Any]) -> bytes:
    """A request as `name=value` with spaces between, each value as text in base64."""
    return b" ".join(name.encode() + b"=" + base64.b64encode(str(value).encode()) for name, value in message.items())


def _as_json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode()


class Host:
    """The near end. The process starts with the first request, and anew after it has died; not for two threads at once."""

    def __init__(
        self, language: str, command: Sequence[str], cwd: Path, *, folder: Path | None = None, memory_bytes: int | None = None,
        encode: Callable[[Mapping[str, Any]], bytes] = _as_json, full: re.Pattern[str] | None = None, mark: str | None = None,
    ) -> None:  # fmt: skip
        """Describe a host; nothing is started yet.

        Args:
            language: Its name in messages.
            command: The whole command line.
            cwd: Working folder; must exist when the process starts.
            folder: What the process makes and removes itself; removed here when it could not.
            memory_bytes: Most writable memory of the process, where the system can limit it (Linux).
            encode: Writes a request in one line.
            full: Matches a line of stray output that is the process's last where its memory is full.
            mark: `NAME=value` in the environment of programs outside the process's group that end with it, where the system shows it (Linux).
        """
        self.language, self._encode, self._full, self._mark = language, encode, full, mark
        self._command, self._cwd, self._memory, self._folder = list(command), cwd, memory_bytes, folder
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """Process id of a living host."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def request(self, op: str, payload: dict[str, Any], seconds: float, show: Show) -> End:
        """Send a request and wait for its end; output is shown while it comes.

        Args:
            op: What to do.
            payload: Parts of the request; `seconds` is added as `timeout`.
            seconds: After which the host ends it.
            show: Takes the output.

        Raises:
            HostError: If the process cannot be started, or dies. The next request starts a fresh one.
            KeyboardInterrupt: If the kernel was interrupted; what was running has been stopped by then.
        """
        if self.pid is None:
            self._start()
        number = next(self._numbers)
        try:
            self._send({"id": number, "op": op, "timeout": seconds, **payload})
            return self._wait(number, time.monotonic() + START_SECONDS + seconds + GRACE_SECONDS, show)
        except KeyboardInterrupt:
            self._stop(number, show)
            raise

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _QUIET}
        self._events = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                self._command, cwd=self._cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True, env={**environment, "NO_COLOR": "1", "TERM": "dumb"},
            )  # fmt: skip
        except OSError as error:
            raise HostError(f"{self.language} did not start ({error.strerror})", "Run: reviewkit doctor") from None
        _limit_memory(self._process.pid, self._memory)
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        reader = _Reader(self._process.stdout, self._events)
        threading.Thread(target=reader.run, name=f"reviewkit-{self.language}", daemon=True).start()
        said: list[str] = []
        deadline = time.monotonic() + START_SECONDS
        while (event := self._next(deadline)) is not None:
            kind, value = event
            if kind == "stray":
                said.append(value)
            elif kind == "event" and value.get("ready"):
                return
            elif kind == "closed":
                break
        self.kill()
        last = "".join(said).strip().splitlines()[-1:] or ["it said nothing"]
        raise HostError(f"{self.language} did not start ({last[0][:200]})", "Run: reviewkit doctor")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101 - started before
        try:
            self._process.stdin.write(self._encode(message) + b"\n")
            self._process.stdin.flush()
        except OSError:  # it has died; whoever waits for an answer hears of it
            return

    def _next(self, deadline: float) -> tuple[str, Any] | None:
        """The next event; None when there is none until the deadline."""
        while True:
            has_ended, left = self.pid is None, deadline - time.monotonic()
            try:
                return self._events.get(timeout=max(0.0, min(left, LOOK_SECONDS)))
            except queue.Empty:
                if has_ended:  # a program that it has started holds its output open
                    return "closed", None
                if left <= LOOK_SECONDS:
                    return None

    def _wait(self, number: int, deadline: float, show: Show) -> End:
        left, is_full = MOST_STRAY, False
        while (event := self._next(deadline)) is not None:
            kind, value = event
            if kind == "closed" and is_full:
                return End("memory", "", 0.0, self._left())
            if kind == "closed":
                raise HostError(f"The {self.language} process has ended ({self._ending()})", "The next cell starts a fresh one.")
            if kind == "stray" and self._full is not None and self._full.search(value):
                is_full = True  # the error says it
            elif kind == "stray":
                show("stderr", value[: max(left, 0)])
                left -= len(value)
            elif value.get("id") != number:
                continue  # late output of a cell that was stopped
            elif value.get("end"):
                error = value.get("error") or {}
                status = self._left() if value.get("last") else None
                return End(error.get("kind"), str(error.get("text", "")), float(value.get("ms", 0.0)), status, str(value.get("value") or ""))
            elif value.get("stream") in ("stdout", "stderr"):
                show(value["stream"], str(value.get("text", "")))
        self.kill()
        raise HostError(f"The {self.language} process no longer answers and was ended", "The next cell starts a fresh one.")

    def _left(self) -> int | None:
        """How the process has ended by itself, or ends here."""
        process = self._process
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        self.kill()
        return process.returncode

    def _ending(self) -> str:
        code = self._left()
        if code is None:
            return "stopped"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    def _stop(self, number: int, show: Show) -> None:
        """Three steps: in the language, then the process, then a fresh one with the next request."""
        try:
            self._send({"id": 0, "op": "stop"})
            self._wait(number, time.monotonic() + STOP_SECONDS, show)
        except (HostError, KeyboardInterrupt):
            self.kill()

    def kill(self) -> None:
        """End the process and all that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        if self._mark is not None:
            end_marked(self._mark)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Let the process clear up after itself, then end it; closing twice is fine."""
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        self.kill()


class _Reader:
    """Turns what a process writes into events; always reads, so that a host never waits for a kernel that is busy."""

    def __init__(self, stream: IO[bytes], events: queue.SimpleQueue[tuple[str, Any]]) -> None:
        self._stream, self._events = stream, events
        self._stray = 0

    def run(self) -> None:
        left = b""
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._stream.fileno(), _CHUNK):
                *lines, left = (left + data).split(b"\n")
                for line in lines:
                    self._take(line)
                if _SEPARATOR not in left and len(left) > _CHUNK:  # output without a line end
                    self._tell_stray(left)
                    left = b""
        self._tell_stray(left)
        self._events.put(("closed", None))

    def _take(self, line: bytes) -> None:
        before, separator, text = line.partition(_SEPARATOR)
        if not separator:
            self._tell_stray(line + b"\n" if line else b"")
            return
        self._tell_stray(before)
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            if value.get("end"):
                self._stray = 0
            self._events.put(("event", value))
        else:
            self._tell_stray(text)

    def _tell_stray(self, data: bytes) -> None:
        if data and self._stray <= MOST_STRAY:  # a flood must not fill this process's memory
            self._events.put(("stray", data.decode("utf-8", "replace")))
            self._stray += len(data)


def _limit_memory(pid: int, most: int | None) -> None:
    """Bound what a process may write to: its address space cannot be, engines reserve far more than they use."""
    if most is None or not sys.platform.startswith("linux"):
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))
