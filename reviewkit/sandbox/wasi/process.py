"""Starts the process around a guest of level `wasi`, and reads how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from reviewkit.sandbox.bubblewrap import spare_user
from reviewkit.sandbox.inner import limits
from reviewkit.sandbox.line import Exit, Ordered
from reviewkit.sandbox.unavailable import SandboxError
from reviewkit.sandbox.wasi import cpython, machine

Preopen = tuple[str, str, bool]
"""Folder, its name inside, whether the guest may write there."""
FUEL = 40_000_000_000
"""Instructions of one guest, loading included: some 11 s of processor time. A guest with SQLAlchemy uses a quarter of it to load."""
MEMORY = limits.MEMORY_BYTES
PROGRAM = machine.__file__


def order(argv: Sequence[str], preopens: Sequence[Preopen], wire: int) -> Ordered:
    """Start a guest with `wire` as its standard input and output.

    Raises:
        SandboxError: If no process can be started.
    """
    child = _start(_spec(argv, preopens, FUEL, quiet=False), wire)
    child_lock, gone = threading.Lock(), threading.Event()

    def kill() -> None:
        with child_lock:  # never the number of a process that has been waited for
            if not gone.is_set():
                os.kill(child.pid, signal.SIGKILL)

    ordered = Ordered(Future(), Future(), kill=kill, how=_how)
    opener = getattr(os, "pidfd_open", None)
    ordered.started.set_result(-1 if opener is None else opener(child.pid))

    def wait() -> None:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with child_lock:
            _pid, status, usage = os.wait4(child.pid, 0)
            gone.set()
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        ordered.ended.set_result(Exit(status, usage.ru_utime + usage.ru_stime, peak))

    threading.Thread(target=wait, name="reviewkit-wasi", daemon=True).start()
    return ordered


def run_alone(argv: Sequence[str], preopens: Sequence[Preopen], fuel: int) -> int:
    """Run a program of ours to its end, without a wire; its wait status.

    Raises:
        SandboxError: If no process can be started.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        child = _start(_spec(argv, preopens, fuel, quiet=True), nothing)
    finally:
        os.close(nothing)
    return child.wait()


def _spec(argv: Sequence[str], preopens: Sequence[Preopen], fuel: int, *, quiet: bool) -> str:
    code, library = cpython.compiled(), cpython.library()
    if code is None or library is None:
        raise SandboxError(cpython.lacking() or "CPython for WASI is gone", f"Run: {cpython.PREPARE}")
    user = spare_user() if os.geteuid() == 0 and not quiet else None
    return json.dumps(
        {
            "module": str(code.path), "sha256": code.sha256, "library": str(library), "argv": list(argv),
            "preopens": [list(item) for item in preopens], "fuel": fuel, "memory": MEMORY, "user": user, "quiet": quiet,
        }
    )  # fmt: skip


def _start(spec: str, wire: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", PROGRAM, spec],
            stdin=wire, stdout=wire, stderr=subprocess.DEVNULL, env={}, cwd="/", close_fds=True, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise SandboxError(f"a guest could not be started ({error.strerror})") from None


def _how(ended: Exit, out_of_memory: bool) -> tuple[str, str]:
    """Why a guest ended that nobody had told to: an ending by name, and words. The status is the machine's word, not the guest's."""
    if os.WIFSIGNALED(ended.status):
        number = os.WTERMSIG(ended.status)
        if number in (signal.SIGXCPU, signal.SIGALRM):
            return "time_limit", "more time than any guest needs"
        return "crashed", f"the process died of signal {number}"
    status = os.waitstatus_to_exitcode(ended.status)
    if status == machine.OUT_OF_FUEL:
        return "time_limit", f"more than {FUEL // 10**9} billion instructions"
    if out_of_memory or status == machine.OUT_OF_MEMORY:
        return "memory_limit", f"more than {MEMORY // 1024**2} MiB of memory"
    if status == machine.LEFT:
        return "crashed", "the interpreter left"
    return "crashed", "the interpreter trapped"
