"""A running fork server: started by a clean exec, never by a fork of this process, whose memory holds the key."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

from reviewkit.errors import printable
from reviewkit.sandbox import bubblewrap
from reviewkit.sandbox.inner import limits
from reviewkit.sandbox.levels import Level, working_bubblewrap
from reviewkit.sandbox.line import MAX_MESSAGE, Line
from reviewkit.sandbox.reach import JAVA, KIT, NODE, SPRING, Reach, package_folder, reach
from reviewkit.sandbox.unavailable import SandboxError

START_SECONDS = 60.0
END_SECONDS = 5.0
PYTHON = ("-s", "-S", "-P", "-B", "-X", "utf8")


class Zygote:
    """A running fork server."""

    def __init__(self, level: Level, packages: tuple[str, ...], stage: Path) -> None:
        """Start one and wait until it is ready.

        Args:
            level: What holds its guests.
            packages: Packages to import beforehand.
            stage: Folder that will hold the trees under test.

        Raises:
            SandboxError: If it does not come up.
        """
        self.packages = packages
        self._namespaces = level is Level.NAMESPACES
        self._stage = stage
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        needed = reach(packages)
        try:
            self._process = self._spawn(needed, theirs)
        finally:
            theirs.close()
        self._set_up(level, needed)
        self.line = Line(self._control, stage, namespaces=self._namespaces)

    def _spawn(self, needed: Reach, theirs: socket.socket) -> subprocess.Popen[bytes]:
        fd = theirs.fileno()
        python = [*PYTHON, str(package_folder() / "sandbox" / "inner" / "forkserver.py"), str(fd)]
        command = [needed.binary, *python]
        if self._namespaces:
            program = working_bubblewrap()
            if program is None:
                raise SandboxError("bubblewrap does not work any more")
            user = bubblewrap.spare_user() if os.geteuid() == 0 else None
            command = bubblewrap.command(program, needed, self._stage, python, user)
        # Ended by closing the control socket, not by a parent-death signal: that would follow the starting thread.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors, pass_fds=(fd,),
            cwd="/", env=bubblewrap.ENVIRONMENT, start_new_session=True,
        )  # fmt: skip

    def _set_up(self, level: Level, needed: Reach) -> None:
        own_user = self._namespaces or os.geteuid() == 0
        setup = {
            "namespaces": self._namespaces,
            "landlock": level is not Level.SECCOMP,
            "landlock_needed": level is Level.LANDLOCK,
            "files": level is not Level.SECCOMP,
            "readable": needed.readable,
            "sys_path": needed.sys_path,
            "package": str(package_folder()),
            "packages": [name.replace("-", "_") for name in self.packages if name not in (NODE, KIT, JAVA, SPRING)],
            "program": needed.program,
            "environment": dict(needed.environment),
            "cpu_seconds": needed.cpu_seconds,
            "user": bubblewrap.spare_user() if own_user and not self._namespaces else None,
            "processes": limits.PROCESSES + (0 if own_user else _tasks_of_user()),
        }
        self._control.settimeout(START_SECONDS)
        try:
            self._control.send(json.dumps(setup).encode())
            reply = json.loads(self._control.recv(MAX_MESSAGE) or b"{}")
        except (OSError, ValueError):
            reply = {}
        self._control.settimeout(None)
        if not reply.get("ready"):
            self.close()
            raise SandboxError(f"its fork server did not start ({self._why(reply)})")

    def _why(self, reply: dict[str, Any]) -> str:
        if "failed" in reply:
            return printable(str(reply["failed"]))[:300]
        self._errors.seek(0)
        lines = self._errors.read(MAX_MESSAGE).decode("utf-8", "replace").strip().splitlines()
        return printable(lines[-1])[:300] if lines else "it said nothing"

    def close(self) -> None:
        """End it with everything below; returns when it is gone, or bubblewrap is, with which the kernel ends it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()
        self._errors.close()


def _tasks_of_user() -> int:
    """Threads that this user runs now: its limit is counted for the user, not for the sandbox."""
    user, count = os.getuid(), 0
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_uid == user:
                count += sum(1 for _ in (entry / "task").iterdir())
    return count
