"""What a guest does to itself before it runs a line that is not ours; the order matters, each step enables the next."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from reviewkit.sandbox.inner import kernel, landlock, limits, seccomp

TREE = "/tree"
STAGE = "/stage"
RPC = 3
_TMPFS = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
DEVICES = ("/dev/null", "/dev/urandom")


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
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    root = _mounts(folder) if locks.namespaces else folder
    if not locks.namespaces:
        with contextlib.suppress(OSError):  # a hint to the kernel, not a layer
            Path("/proc/self/oom_score_adj").write_text("1000")
    limits.apply(locks.processes)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if locks.landlock:
        writable = ("/tmp",) if locks.namespaces else ()  # noqa: S108 - a file system of the guest's own
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


def _mounts(folder: str) -> str:
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    kernel.mount("none", "/", "none", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", "/tmp", "tmpfs", _TMPFS, "size=16m,nr_inodes=512,mode=0700")  # noqa: S108
    kernel.mount(folder, TREE, "none", kernel.MS_BIND)
    kernel.mount("tmpfs", STAGE, "tmpfs", _TMPFS | kernel.MS_RDONLY, "size=4k,mode=0500")
    return TREE
