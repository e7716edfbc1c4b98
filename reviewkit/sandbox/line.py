"""A line to a fork server: the control socket over which one process orders jobs and hears of their ends.

Messages, JSON over SOCK_SEQPACKET: out `{"job", "folder", "modules", "seed"}` with the wire's descriptor; in
`{"started": job}` with a pidfd, `{"ended": job, "status", "cpu", "peak_kib"}`. Bound to no event loop: a thread reads.
A fork server may have several lines; when one is cut, the jobs that were ordered over it are killed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reviewkit.sandbox.inner.lockdown import STAGE
from reviewkit.sandbox.unavailable import SandboxError

MAX_MESSAGE = 65_536


@dataclass(frozen=True)
class Exit:
    """How a guest's process ended, by the kernel's account."""

    status: int
    """As `os.waitpid` gives it."""
    cpu: float
    """Seconds of processor time, all threads."""
    peak_kib: int
    """Most memory held at once, KiB."""


@dataclass
class Ordered:
    """A job that was ordered."""

    started: Future[int]
    """Gives the pidfd, -1 where the system has none."""
    ended: Future[Exit]
    kill: Callable[[], None] | None = None
    """Kills it; None: by its pidfd."""
    how: Callable[[Exit, bool], tuple[str, str]] | None = None
    """Why it ended that nobody had told to, as `Ending` and words, also from whether it said that memory ran out; None: as
    the kernel's limits end a process."""


class Line:
    """The near end of a control socket."""

    def __init__(self, control: socket.socket, stage: Path, *, namespaces: bool) -> None:
        """Listen on a socket whose far end the fork server holds.

        Args:
            control: The socket; it belongs to this object from now on.
            stage: Folder of the trees, as this process sees it.
            namespaces: Whether guests see that folder under another name.
        """
        self._control, self._stage, self._namespaces = control, stage, namespaces
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Ordered] = {}
        self._lock = threading.Lock()
        self._dead = False
        threading.Thread(target=self._listen, name="reviewkit-line", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the fork server can still take orders."""
        return not self._dead

    def order(self, folder: Path, modules: tuple[str, ...], seed: int, wire: int) -> Ordered:
        """Order a guest for a tree in the stage folder, with `wire` as its descriptor.

        Raises:
            SandboxError: If the fork server has died.
        """
        number = next(self._numbers)
        ordered = Ordered(Future(), Future())
        with self._lock:
            if self._dead:
                raise SandboxError("its fork server has ended")
            self._jobs[number] = ordered
        seen = f"{STAGE}/{folder.relative_to(self._stage).as_posix()}" if self._namespaces else str(folder)
        self._send({"job": number, "folder": seen, "modules": modules, "seed": seed}, wire)
        return ordered

    def fork_off(self) -> socket.socket:
        """The near end of a further line, for another process.

        Raises:
            SandboxError: If the fork server has died.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._send({"line": True}, theirs.fileno())
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _send(self, message: dict[str, Any], fd: int) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], [fd])
        except OSError:
            raise SandboxError("its fork server has ended") from None

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                data, fds, _flags, _address = socket.recv_fds(self._control, MAX_MESSAGE, 1)
                if not data:
                    break
                self._take(json.loads(data), fds)
        with self._lock:
            self._dead = True
            left, self._jobs = list(self._jobs.values()), {}
        for ordered in left:
            for future in (ordered.started, ordered.ended):
                if not future.done():
                    future.set_exception(SandboxError("its fork server has ended"))

    def _take(self, message: dict[str, Any], fds: list[int]) -> None:
        if "started" in message:
            self._jobs[message["started"]].started.set_result(fds[0])
            return
        ordered = self._jobs.pop(message["ended"])
        ordered.ended.set_result(Exit(message["status"], message["cpu"], message["peak_kib"]))

    def close(self) -> None:
        """Cut the line: the fork server kills what was ordered over it. Closing twice is fine."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
