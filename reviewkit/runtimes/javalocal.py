"""Starts Java guests as ordinary processes: for code we trust, and for a candidate's own kernel. Never on the hiring side."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from functools import lru_cache, partial
from typing import Final

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.runtimes.compiling import Compiled, look
from reviewkit.runtimes.javaguest import command, has_spring, how_it_ended, required
from reviewkit.runtimes.nodelocal import watched
from reviewkit.sandbox.inner.forkserver import LOCKED
from reviewkit.sandbox.job import SandboxJob
from reviewkit.sandbox.line import Ordered

MOST_KEPT: Final = 16
"""Trees of which what the first guest made is kept."""


async def launch(load: Load, world: World) -> SandboxJob:
    """Start a guest, which ends with this process, however that ends, also in the middle of a loop.

    Raises:
        LoadError: If the tree or the driver fails while it is loaded.
        MissingRuntimeError: If there is no JDK for it.
    """
    ours, theirs = socket.socketpair()
    try:
        ordered = _started(theirs, load)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    job = SandboxJob(world, ours)
    await job.start(ordered, load, partial(_compiled(look(load.root)).order, load))
    return job


@lru_cache(maxsize=MOST_KEPT)
def _compiled(_digest: str) -> Compiled:
    """What the first guest of a tree made of it, as long as the tree stays as it is."""
    return Compiled()


def _started(wire: socket.socket, load: Load) -> Ordered:
    parts = required(spring=has_spring(load.driver))
    folder = tempfile.mkdtemp(prefix="reviewkit-java-guest-")
    ends, lifeline = os.pipe()
    wire.sendall(LOCKED)
    arguments = [*command(parts, folder), str(wire.fileno()), str(load.root.resolve()), str(ends)]
    quiet = {name: value for name, value in os.environ.items() if "JAVA" not in name}
    try:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            pass_fds=(wire.fileno(), ends), start_new_session=True, env={**quiet, "TZ": "UTC"},
        )  # fmt: skip
    except BaseException:
        os.close(lifeline)
        shutil.rmtree(folder)
        raise
    finally:
        os.close(ends)
    ordered = watched(process, lifeline, lambda ended, _full: how_it_ended(ended, 1 << 30))
    ordered.ended.add_done_callback(lambda _ended: shutil.rmtree(folder, ignore_errors=True))
    return ordered
