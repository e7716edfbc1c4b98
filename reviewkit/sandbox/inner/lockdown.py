"""What a guest does to itself before it runs a line that is not ours; the order matters, each step enables the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from reviewkit.sandbox.inner import kernel, landlock, limits, seccomp

TREE = "/tree"
SCRATCH = "/scratch"
"""Writable folder of a guest that is another program: unlike this interpreter it opens its files late, and they may lie below /tmp."""
STAGE = "/stage"
RPC = 3
PROGRAM = limits.PROGRAM_DESCRIPTORS
"""Number of the descriptor with the program that a guest turns into: the first that no process of its limits can have again."""
_TMPFS = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
DEVICES = ("/dev/null", "/dev/urandom")
ENVIRONMENT = {
    "LANG": "C.UTF-8", "TZ": "UTC", "UV_THREADPOOL_SIZE": "2", "HOME": SCRATCH, "TMPDIR": SCRATCH, "MALLOC_ARENA_MAX": "2",
    "OPENSSL_CONF": "/dev/null",
}  # fmt: skip
"""Of a guest that is another program; its own configuration of OpenSSL is a file that a guest may not open."""


@dataclass(frozen=True)
class Locks:
    """What a level locks."""

    namespaces: bool
    landlock: bool
    files: bool
    """Whether files may be opened by path at all."""
    calls: seccomp.Filter
    readable: tuple[str, ...]
    """Paths of interpreter and packages."""
    processes: int
    program: str = ""
    """Path of another program that the guest turns into once it is locked down; empty for none."""
    cpu_seconds: int = limits.CPU_SECONDS


def apply(locks: Locks, folder: str) -> str:
    """Lock this process down.

    Args:
        locks: What to lock.
        folder: The tree under test, where the parent put it.

    Returns:
        The folder as the guest sees it.

    Raises:
        OSError: If the kernel refuses a step; the caller must end the process.
    """
    place = SCRATCH if locks.program else "/tmp"  # noqa: S108 - a file system of the guest's own
    root = _mounts(folder, place) if locks.namespaces else folder
    _count_alone()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if locks.program:
        found = os.open(locks.program, os.O_PATH | os.O_CLOEXEC)
        fcntl.fcntl(found, fcntl.F_DUPFD_CLOEXEC, PROGRAM)
        os.close(found)
    if not locks.namespaces:
        with contextlib.suppress(OSError):  # a hint to the kernel, not a layer
            Path("/proc/self/oom_score_adj").write_text("1000")
    limits.apply(locks.processes, program=bool(locks.program), cpu_seconds=locks.cpu_seconds)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if locks.landlock:
        writable = (place,) if locks.namespaces else ()
        landlock.restrict((*locks.readable, *DEVICES, root), writable)
    seccomp.install(locks.calls.program(os.getpid()))
    return root


def keep_only(connection: socket.socket) -> socket.socket:
    """Close every descriptor but this one, which gets number 3; 0 to 2 lead nowhere."""
    null = os.open("/dev/null", os.O_RDWR)
    rpc = os.dup(connection.detach())
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if rpc != RPC:
        os.dup2(rpc, RPC)
    kernel.close_from(RPC + 1)
    return socket.socket(fileno=RPC)


def become(connection: socket.socket, command: tuple[str, ...], seed: int, environment: dict[str, str]) -> None:
    """Turn this process into another program, which keeps every lock; the filter lets that happen once.

    It is started from a descriptor that closes as it starts and whose number is beyond the limit from then on, so that the one
    call that the filter allows can never be made again.

    Raises:
        OSError: If the kernel refuses.
    """
    os.set_inheritable(connection.fileno(), True)
    arguments = [part.replace("{seed}", str(seed)) for part in command]
    os.execve(PROGRAM, arguments, {**ENVIRONMENT, **environment})  # noqa: S606 - a program of ours, not the guest's choice


def _count_alone() -> None:
    """Have this guest's threads counted for it alone (Linux 5.14): else one guest takes those of all that run beside it.

    No boundary, and no number of a user is needed in there; a container may not let it happen.
    """
    with contextlib.suppress(OSError):
        kernel.unshare(kernel.CLONE_NEWUSER)


def _mounts(folder: str, place: str) -> str:
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    kernel.mount("none", "/", "none", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", place, "tmpfs", _TMPFS, "size=16m,nr_inodes=512,mode=0700")
    kernel.mount(folder, TREE, "none", kernel.MS_BIND)
    kernel.mount("tmpfs", STAGE, "tmpfs", _TMPFS | kernel.MS_RDONLY, "size=4k,mode=0500")
    return TREE
