"""The owner's end of a fork server: started at the first notebook, shared by all that follow, gone with its process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

START = "import sys; del sys.path[0]; from reviewkit.engine.forkserver import main; main()"
"""The folder that a process happens to be in is no place to import from."""

OPTIONS = ("-X", "frozen_modules=off")
"""With which ipykernel's own specification starts Python."""


class EngineError(RuntimeError):
    """A fork server could not be started."""


@dataclass
class ForkedProcess:
    """A kernel's process, held by its leash."""

    shell: socket.socket
    iopub: socket.socket
    leash: socket.socket
    _ended: bool = False

    def alive(self) -> bool:
        """Whether it has not ended."""
        if not self._ended:
            with contextlib.suppress(BlockingIOError):
                try:
                    self._ended = len(self.leash.recv(4, socket.MSG_DONTWAIT)) in (0, 4)
                except ConnectionError:
                    self._ended = True
        return not self._ended

    def signal(self, number: int) -> None:
        """Signal it and what it started."""
        with contextlib.suppress(OSError):
            self.leash.send(bytes([number]))

    def close(self) -> None:
        """Let go of it, which ends it if it still runs."""
        for end in (self.shell, self.iopub, self.leash):
            end.close()


class ForkServer:
    """A fork server of this process: started when it is first needed, and again should it have ended."""

    def __init__(self, modules: Sequence[str], log: Path | None = None) -> None:
        """Start nothing yet.

        Args:
            modules: What kernels find imported.
            log: File for what server and kernels say on their error stream; None: this process's own.
        """
        self._modules, self._log = tuple(modules), log
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock = threading.Lock()
        self._closed = False

    def fork(
        self, arguments: Sequence[str], cwd: str, env: Mapping[str, str], ready: Sequence[str] = ()
    ) -> ForkedProcess:
        """Have a kernel forked.

        Args:
            arguments: Command line of the kernel.
            cwd: Its folder.
            env: Its whole environment.
            ready: Module, function and arguments of what the server is to call once before.

        Raises:
            EngineError: If the server was closed, or ends.
        """
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)), strict=True)
        data = json.dumps({"cwd": cwd, "env": dict(env), "arguments": list(arguments), "ready": list(ready)}).encode()
        try:
            with self._lock:
                control = self._running()
                socket.send_fds(control, [struct.pack("!I", len(data))], [end.fileno() for end in theirs])
                control.sendall(data)
        except OSError as error:
            for end in ours:
                end.close()
            raise EngineError(f"The process that notebooks are forked from has ended ({error.strerror}).") from None
        finally:
            for end in theirs:
                end.close()
        return ForkedProcess(*ours)

    def _running(self) -> socket.socket:
        if self._closed:
            raise EngineError("The process that notebooks are forked from was ended.")
        if self._process is None or self._control is None or self._process.poll() is not None:
            self._control, end = socket.socketpair()
            command = [sys.executable, *OPTIONS, "-c", START, str(end.fileno()), str(os.getpid()), *self._modules]
            with end, self._log.open("ab") if self._log else contextlib.nullcontext() as log:
                self._process = subprocess.Popen(
                    command, pass_fds=(end.fileno(),), stdin=subprocess.DEVNULL, stderr=log, start_new_session=True,
                    env=_importing_this(),
                )  # fmt: skip
        return self._control

    def close(self) -> None:
        """End it with every kernel that is left; closing twice is fine."""
        with self._lock:
            self._closed = True
            if self._control is not None and self._process is not None:
                self._control.close()
                self._process.wait()


def _importing_this() -> dict[str, str]:
    """The environment, with which the server imports the same reviewkit as this process."""
    import reviewkit

    env = dict(os.environ)
    place = str(Path(reviewkit.__file__).resolve().parents[1])
    if place in sys.path and "site-packages" not in place:
        env["PYTHONPATH"] = os.pathsep.join(part for part in (place, env.get("PYTHONPATH", "")) if part)
    return env


_servers: dict[tuple[object, ...], ForkServer] = {}
_lock = threading.Lock()


def fork_server(modules: Sequence[str]) -> ForkServer:
    """This process's server with these modules; it lives as long as the process."""
    python = tuple(sorted((key, value) for key, value in os.environ.items() if key.startswith("PYTHON")))
    key = (os.getpid(), sys.executable, tuple(modules), python)  # what an interpreter reads at its start cannot be changed later
    with _lock:
        if key not in _servers:
            _servers[key] = ForkServer(modules)
        return _servers[key]


@atexit.register
def _close_servers() -> None:
    with _lock:
        for key in [key for key in _servers if key[0] == os.getpid()]:
            _servers.pop(key).close()


def forkable() -> bool:
    """Whether kernels can be forked on this system."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds") and hasattr(signal, "pthread_sigmask")
