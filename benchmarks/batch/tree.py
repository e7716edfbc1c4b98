"""Processor time and memory of a command with everything that it starts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Spent:
    """What a command took."""

    cpu: float
    """User and system seconds of all its processes."""
    wall: float
    memory: float
    """Most memory held at once by all of them, MiB: proportional set sizes, looked at twice a second; 0 where there is no such account."""


def run(command: list[str], env: Mapping[str, str], cwd: Path) -> Spent:
    """Run a command to its end, and wait for what it leaves behind.

    Raises:
        RuntimeError: If it fails.
    """
    if sys.platform == "linux":  # what loses its parent becomes ours, and its time with it
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    begun, before = time.monotonic(), os.times()
    process = subprocess.Popen(command, env={**os.environ, **env}, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    watch = _Watch(process.pid)
    said, _ = process.communicate()
    wall, most = time.monotonic() - begun, watch.end()
    if process.returncode:
        raise RuntimeError(f"{command[:3]}: {said[-3000:].decode('utf-8', 'replace')}")
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(cpu, wall, most)


class _Watch:
    """Looks at a tree of processes from a thread."""

    def __init__(self, root: int) -> None:
        self._root, self._most, self._over = root, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._most = max(self._most, sum(map(_held, _below(self._root))) / 1024)

    def end(self) -> float:
        """Stop; the most that was seen, MiB."""
        self._over.set()
        self._thread.join()
        return self._most


def _below(root: int) -> list[int]:
    """A process and all that descend from it."""
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            children[int(path.read_text().rpartition(")")[2].split()[1])].append(int(path.parent.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children[found[-1]]
    return found


def _held(pid: int) -> int:
    """Proportional set size of a process, KiB; its share alone of what it shares with others."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
