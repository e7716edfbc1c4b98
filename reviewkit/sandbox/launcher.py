"""Starts guests in the sandbox: one fork server per set of packages, one fresh process per job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import stat
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.runtimes.once import Once
from reviewkit.sandbox.job import GuestLoadError, SandboxJob
from reviewkit.sandbox.lending import borrowed_servers
from reviewkit.sandbox.levels import Level
from reviewkit.sandbox.programs import Program, program_of
from reviewkit.sandbox.servers import Orders, Servers, own_servers
from reviewkit.sandbox.unavailable import SandboxError

SEED = 1
WASI_SLOW = 4.0
"""How much longer calls may take at level `wasi`: Python takes about three times as long there."""
MOST_KEPT = 16
"""Trees of which what the first guest made is kept; a batch goes from one to the next."""
MAX_TREE_BYTES = 16 * 1024 * 1024
_Signature = tuple[tuple[str, int, int], ...]


class SandboxLauncher:
    """A `Launcher` whose guests are locked-down processes. Several jobs may be open at once, from any event loop."""

    def __init__(self, level: Level | None = None, *, servers: Servers | None = None) -> None:
        """Make a launcher; processes start with the first job.

        Args:
            level: A level to force, for tests; None for the strongest that works here.
            servers: Where its fork servers come from; its own by default. They are closed with the launcher.

        Raises:
            SandboxUnavailableError: If there is none, or not the one asked for.
        """
        self.servers: Servers = servers or own_servers(level)
        self.level = self.servers.level
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, ...], Orders] = {}
        """Those that were used last; asking for one again may wait for a fork server to start."""
        self._trees: dict[Path, tuple[_Signature, Path]] = {}
        self._once: dict[tuple[Path, tuple[str, ...]], Once] = {}
        """By copy of a tree, which stays as it is: what its first guest made of it, for its other guests alone. Those used last are at
        the end."""

    async def launch(self, load: Load, world: World) -> SandboxJob:
        """Start a guest and load it.

        Raises:
            LoadError: If the tree or the driver fails while it is loaded.
            GuestLacksError: If guests of this level cannot have a declared package.
            SandboxError: If no guest can be started.
        """
        program = program_of(load.driver, self.level)
        line = await self._line(program.packages if program else tuple(sorted(load.packages)))
        try:
            folder = self._staged(load.root)
        except OSError as error:
            raise SandboxError(f"the tree could not be copied ({error.strerror})", "Make room, then score again.") from None
        ours, theirs = socket.socketpair()
        try:
            ordered = line.order(folder, load.modules, SEED, theirs.fileno())
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        if program:
            ordered.how = program.how
        wasi = self.level is Level.WASI
        job = SandboxJob(world, ours, slow=WASI_SLOW if wasi else 1.0, may_lack=wasi)
        await job.start(ordered, load, partial(self._kept(folder, program).order, load) if program else None)
        return job

    def _kept(self, copy: Path, program: Program) -> Once:
        with self._lock:
            key = copy, program.packages
            once = self._once.pop(key) if key in self._once else program.once(copy)
            self._once[key] = once
            for old in list(self._once)[:-MOST_KEPT]:
                del self._once[old]
        return once

    async def _line(self, packages: tuple[str, ...]) -> Orders:
        line = self._lines.get(packages)
        if line is None or not line.alive:
            line = self._lines[packages] = await asyncio.to_thread(self.servers.line, packages)
        return line

    def _staged(self, root: Path) -> Path:
        """A read-only copy of a tree where guests can see it; one copy as long as the tree stays as it is."""
        with self._lock:
            signature = _look(root)
            known = self._trees.get(root)
            if known is not None and known[0] == signature:
                return known[1]
            target = self.servers.folder / secrets.token_hex(16)
            _copy(root, (file for file, _, _ in signature), target)
            self._trees[root] = (signature, target)
            return target

    def close(self) -> None:
        """End every process and remove what was staged; closing twice is fine."""
        self._lines.clear()
        self.servers.close()


def _look(root: Path) -> _Signature:
    """Every regular file of a tree, by its path from the root, with time of change and size.

    Raises:
        GuestLoadError: If they are larger than 16 MiB together: a candidate's files are the only ones that can be.
    """
    signature, total, start = [], 0, len(os.path.join(root, ""))  # noqa: PTH118 - strings: this is done before each check
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(folder, name)  # noqa: PTH118
            facts = os.lstat(path)
            if stat.S_ISREG(facts.st_mode):
                signature.append((path[start:], facts.st_mtime_ns, facts.st_size))
                total += facts.st_size
    if total > MAX_TREE_BYTES:
        raise GuestLoadError("TreeTooLarge", "its files are larger than 16 MiB together", None)
    return tuple(signature)


def _copy(root: Path, files: Iterable[str], target: Path) -> None:
    target.mkdir()
    target.chmod(0o755)
    made = {target}
    for file in files:
        copy = target / file
        for folder in reversed(copy.parents):
            if folder not in made and folder.is_relative_to(target):
                folder.mkdir()
                folder.chmod(0o755)
                made.add(folder)
        copy.write_bytes((root / file).read_bytes())
        copy.chmod(0o444)


@contextlib.contextmanager
def open_launcher(level: Level | None = None) -> Iterator[SandboxLauncher]:
    """A launcher for a batch of checks; on leaving, all that it started is gone.

    Below a batch worker it borrows the fork servers that the worker keeps; elsewhere it starts its own.

    Raises:
        SandboxUnavailableError: If this machine has no sandbox.
    """
    launcher = SandboxLauncher(level, servers=borrowed_servers() if level is None else None)
    try:
        yield launcher
    finally:
        launcher.close()
