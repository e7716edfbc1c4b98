"""Starts Node guests as ordinary processes: for code we trust, and for a candidate's own kernel. Never on the hiring side."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from pathlib import Path
from typing import Any

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.runtimes.nodeguest import command, how_it_ended, kit_for, member, required
from reviewkit.runtimes.once import Ask
from reviewkit.runtimes.stripping import TYPED, WITH_JSX, Disk, order, sources
from reviewkit.sandbox.inner.forkserver import LOCKED
from reviewkit.sandbox.job import SandboxJob
from reviewkit.sandbox.line import Exit, Ordered


async def launch(load: Load, world: World, seed: int = 1) -> SandboxJob:
    """Start a guest, which ends with this process, however that ends, also in the middle of a loop.

    Raises:
        LoadError: If the tree or the driver fails while it is loaded.
        MissingRuntimeError: If there is no Node for it.
    """
    ours, theirs = socket.socketpair()
    try:
        ordered = _started(theirs, load, seed)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    job = SandboxJob(world, ours)
    await job.start(ordered, load, partial(_code, load))
    return job


async def _code(load: Load, ask: Ask) -> dict[str, Any]:
    kit = kit_for(load.driver)
    files = sources(load.root, TYPED if kit is None else WITH_JSX)
    return await order(load, files, _kept(kit), ask)


@cache
def _kept(kit: Path | None) -> Disk:
    stripper = member().with_name("loader.mjs").read_bytes()
    return Disk(f"{required().text} {hashlib.sha256(stripper).hexdigest()} {kit.name if kit else ''}")


def _started(wire: socket.socket, load: Load, seed: int) -> Ordered:
    binary, kit = required().binary, kit_for(load.driver)
    ends, lifeline = os.pipe()
    by_system = _ends_with_us(ends)
    wire.sendall(LOCKED)
    lifeline_too = [] if by_system else [str(ends)]
    arguments = [*command(binary, kit, str(seed)), str(wire.fileno()), str(load.root.resolve()), *lifeline_too]
    quiet = {name: value for name, value in os.environ.items() if name not in ("NODE_OPTIONS", "FORCE_COLOR")}
    try:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            pass_fds=(wire.fileno(), ends), start_new_session=True, env={**quiet, "TZ": "UTC"},
        )  # fmt: skip
        if by_system:
            fcntl.fcntl(ends, fcntl.F_SETOWN, process.pid)
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(ends)
    return watched(process, lifeline, lambda ended, _full: how_it_ended(ended, 1 << 30))


def _ends_with_us(ends: int) -> bool:
    """Have the kernel kill whoever will own this end of a pipe when the other end closes; False where it cannot (Linux can)."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.fcntl(ends, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(ends, fcntl.F_SETFL, fcntl.fcntl(ends, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return False
    return True


def watched(process: subprocess.Popen[bytes], lifeline: int, how: Callable[[Exit, bool], tuple[str, str]]) -> Ordered:
    """A guest in this process, as the sandbox gives them; `lifeline` is closed when it has ended."""
    ordered = Ordered(Future(), Future(), process.kill, how)
    ordered.started.set_result(os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1)

    def wait() -> None:
        code = process.wait()
        with contextlib.suppress(OSError):
            os.close(lifeline)
        ordered.ended.set_result(Exit(-code if code < 0 else code << 8, 0.0, 0))

    threading.Thread(target=wait, name="reviewkit-guest", daemon=True).start()
    return ordered
