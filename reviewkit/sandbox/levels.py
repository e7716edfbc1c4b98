"""How strong a sandbox this machine can give: found out by trying, never by looking whether a file is there."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from enum import StrEnum
from pathlib import Path

from reviewkit.sandbox import bubblewrap
from reviewkit.sandbox.inner import kernel, landlock, seccomp
from reviewkit.sandbox.reach import reach, reachable_by_all
from reviewkit.sandbox.unavailable import SandboxUnavailableError
from reviewkit.sandbox.wasi import cpython

PROBE_SECONDS = 20.0
_TRY = (
    "import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); "
    f"sys.exit(libc.unshare({kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC}) != 0)"
)
_MESSAGES = (
    ("No permissions to create new namespace", "the kernel does not let ordinary processes make user namespaces"),
    ("setting up uid map", "AppArmor keeps bubblewrap from using user namespaces"),
    ("RTM_NEWADDR", "AppArmor keeps bubblewrap from using user namespaces"),
    ("Creating new namespace failed", "this container may not make namespaces"),
    ("Operation not permitted", "this container may not make namespaces"),
)


class Level(StrEnum):
    """What holds a guest; strongest first."""

    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"
    WASI = "wasi"

    @property
    def words(self) -> str:
        """What it consists of, for a report."""
        return _WORDS[self]


_WORDS = {
    Level.NAMESPACES: "own namespaces without network, own file system, landlock where the kernel has it, system call list, limits",
    Level.LANDLOCK: "landlock, system call list without network, limits",
    Level.SECCOMP: "system call list without network and without opening files, limits",
    Level.WASI: "Python as WebAssembly without network, threads and compiled packages, limits",
}
KERNEL_LEVELS = (Level.NAMESPACES, Level.LANDLOCK, Level.SECCOMP)
"""Those that the Linux kernel gives; guests are ordinary processes with the parent's own interpreter."""
NODE_LEVELS = (Level.NAMESPACES, Level.LANDLOCK)
"""Those at which a guest can be a Node process: it starts by opening files, which `SECCOMP` forbids."""


@functools.lru_cache(maxsize=1)
def probe_level() -> Level:
    """The strongest level that works here; looked up once per process.

    Raises:
        SandboxUnavailableError: If there is none.
    """
    reasons = []
    for level in Level:
        reason = lacking(level)
        if reason is None:
            return level
        reasons.append(reason)
    raise SandboxUnavailableError("; ".join(dict.fromkeys(reasons)))


@functools.lru_cache(maxsize=8)
def lacking(level: Level) -> str | None:
    """Why this machine cannot give `level`; None if it can."""
    if level is Level.WASI:
        return cpython.lacking()
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has none of the means; Linux has"
    if not seccomp.supported():
        return "the kernel takes no system call filters, or none is known for this processor"
    if level is Level.NAMESPACES:
        return _lacking_namespaces()
    if level is Level.LANDLOCK:
        return None if landlock.abi() >= 1 else "the kernel has no landlock"
    return None


def limitation(level: Level) -> str:
    """What a level lacks on this machine beside what it is, for `doctor`; empty if nothing.

    Without namespaces nothing can be bound to where a guest of root's, which has another user's number, could get to it.
    """
    if level is Level.WASI:
        return f"Python {cpython.PYTHON} without threads; scenarios with packages that have compiled parts are not run"
    if level is Level.LANDLOCK and os.geteuid() == 0 and not reachable_by_all(reach(()).readable):
        return "the interpreter lies in a folder of root's own, so guests have the modules imported beforehand and no others"
    return ""


def _lacking_namespaces() -> str | None:
    return None if working_bubblewrap() else _reason()


@functools.lru_cache(maxsize=1)
def working_bubblewrap() -> str | None:
    """A bubblewrap that makes everything the sandbox needs, tried; None if there is none."""
    return next((program for program in bubblewrap.candidates() if _try(program).returncode == 0), None)


def _reason() -> str:
    texts = [_try(program).stderr for program in bubblewrap.candidates()]
    if not texts:
        return "bubblewrap is not installed"
    for sign, reason in _MESSAGES:
        if any(sign in text for text in texts):
            return reason
    return "bubblewrap does not work here"


def _try(program: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="reviewkit-stage-") as folder:
        user = bubblewrap.spare_user() if os.geteuid() == 0 else None
        command = bubblewrap.command(program, reach(()), Path(folder), ["-I", "-S", "-c", _TRY], user)
        try:
            return subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS, check=False,
                stdin=subprocess.DEVNULL, cwd="/", env={},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 1, "", str(error))
