"""One set of fork servers per batch, or per worker of one: it keeps them, what runs a scoring notebook borrows them.

Only our own code runs in there. The lender listens on a socket in a folder that only its user can enter, and names
it in the environment; each end makes sure that the other is of the same user. A borrower gets a folder of its own below
the stage, and lines of its own to the fork servers, so that what it ordered is killed when it ends, however it ends. A
process without such a lender starts fork servers of its own: nothing is ever run outside the sandbox.

Messages, JSON over SOCK_SEQPACKET: to the borrower first `{"level", "stage", "folder"}`; then per request
`{"packages": [...]}` either `{"line": true}` with the line's descriptor, or `{"failed": fact, "next_step"}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import Any

from reviewkit.sandbox.folders import HeldFolder
from reviewkit.sandbox.levels import Level, probe_level
from reviewkit.sandbox.line import MAX_MESSAGE, Line
from reviewkit.sandbox.servers import OwnServers
from reviewkit.sandbox.unavailable import SandboxError, SandboxUnavailableError
from reviewkit.sandbox.zygote import START_SECONDS

ADDRESS = "REVIEWKIT_SANDBOX_LENDER"
"""Environment variable with the path of the lender's socket."""
KEPT = 4
"""Fork servers that a lender keeps from one borrower to the next; each holds some 60 MB."""
HELLO_SECONDS = 10.0


class Lender:
    """Keeps fork servers and lends them to processes of the same user, one after another or together."""

    def __init__(self, servers: OwnServers) -> None:
        """Listen; the servers belong to the lender from now on."""
        self._servers = servers
        self._held = HeldFolder("lender", tempfile.gettempdir(), 0o700)
        self.address = self._held.path / "socket"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.address))
        self._listener.listen()
        self._lock = threading.Lock()
        self._borrowers = 0
        threading.Thread(target=self._accept, name="reviewkit-lender", daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                borrower, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(borrower,), name="reviewkit-borrower", daemon=True).start()

    def _serve(self, borrower: socket.socket) -> None:
        if not _same_user(borrower):
            borrower.close()
            return
        with self._lock:
            if self._borrowers == 0:
                self._servers.keep_only(KEPT)
            self._borrowers += 1
        folder = self._servers.folder / secrets.token_hex(16)
        try:
            with contextlib.suppress(OSError), borrower:
                folder.mkdir()
                folder.chmod(0o711)
                hello = {"level": self._servers.level, "stage": str(self._servers.folder), "folder": str(folder)}
                _send(borrower, hello)
                while data := borrower.recv(MAX_MESSAGE):
                    self._lend(borrower, tuple(json.loads(data)["packages"]))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                self._borrowers -= 1

    def _lend(self, borrower: socket.socket, packages: tuple[str, ...]) -> None:
        try:
            line = self._servers.line(packages).fork_off()
        except SandboxError as error:
            _send(borrower, {"failed": error.fact, "next_step": error.next_step})
            return
        with line:
            _send(borrower, {"line": True}, line.fileno())

    def close(self) -> None:
        """End every fork server; closing twice is fine."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._servers.close()
        self._held.close()


class BorrowedServers:
    """Fork servers of a lender. They are the lender's to end; only the lines are this process's own."""

    def __init__(self, lender: socket.socket, hello: dict[str, Any]) -> None:
        self.level = Level(hello["level"])
        self.folder = Path(hello["folder"])
        self._stage = Path(hello["stage"])
        self._lender = lender
        self._lines: dict[tuple[str, ...], Line] = {}
        self._lock = threading.Lock()
        self._closed = False

    def line(self, packages: tuple[str, ...]) -> Line:
        """See `reviewkit.sandbox.servers.Servers`."""
        with self._lock:
            if self._closed:
                raise SandboxError("its launcher is closed")
            line = self._lines.get(packages)
            if line is None or not line.alive:
                if line is not None:
                    line.close()
                line = self._lines[packages] = self._borrow(packages)
            return line

    def _borrow(self, packages: tuple[str, ...]) -> Line:
        try:
            self._lender.settimeout(2 * START_SECONDS)
            _send(self._lender, {"packages": list(packages)})
            data, fds, _flags, _address = socket.recv_fds(self._lender, MAX_MESSAGE, 1)
            reply = json.loads(data)
        except (OSError, ValueError):
            raise SandboxError("the batch worker that keeps its fork servers has ended") from None
        if "failed" in reply:
            raise SandboxError(reply["failed"], reply["next_step"])
        return Line(socket.socket(fileno=fds[0]), self._stage, namespaces=self.level is Level.NAMESPACES)

    def close(self) -> None:
        """Cut the lines, which ends every job ordered over them, and remove what was staged."""
        with self._lock:
            self._closed = True
            lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            line.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lender.close()


def lend(announce: bool = True) -> Lender | None:
    """Keep fork servers in this process; None where there is no sandbox.

    Args:
        announce: Whether every process that is started from here on borrows them; otherwise those whose environment names them.
    """
    try:
        level = probe_level()
        if level is Level.WASI:  # it has no fork servers
            return None
        lender = Lender(OwnServers(level))
    except SandboxUnavailableError:
        return None
    if announce:
        os.environ[ADDRESS] = str(lender.address)
    return lender


def borrowed_servers() -> BorrowedServers | None:
    """Those of the lender that the environment names; None where there is none that answers and is of the same user."""
    address = os.environ.get(ADDRESS)
    if not address:
        return None
    lender = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        lender.settimeout(HELLO_SECONDS)
        lender.connect(address)
        if not _same_user(lender):
            raise OSError("another user's")
        return BorrowedServers(lender, json.loads(lender.recv(MAX_MESSAGE)))
    except (OSError, ValueError, KeyError):
        lender.close()
        return None


def _send(to: socket.socket, message: dict[str, Any], fd: int | None = None) -> None:
    socket.send_fds(to, [json.dumps(message).encode()], [] if fd is None else [fd])


def _same_user(other: socket.socket) -> bool:
    size = struct.calcsize("3i")
    _pid, user, _group = struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(user == os.geteuid())
