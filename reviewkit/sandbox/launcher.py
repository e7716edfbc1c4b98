"""Starts guests in the sandbox: one fork server per set of packages, one fresh process per job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.sandbox.job import SandboxJob
from reviewkit.sandbox.levels import Level, lacking, probe_level
from reviewkit.sandbox.reach import reachable_by_all
from reviewkit.sandbox.unavailable import SandboxError, SandboxUnavailableError
from reviewkit.sandbox.zygote import Zygote

SEED = 1
MAX_TREE_BYTES = 16 * 1024 * 1024
_Signature = tuple[tuple[str, int, int], ...]


class SandboxLauncher:
    """A `Launcher` whose guests are locked-down processes. Several jobs may be open at once, from any event loop."""

    def __init__(self, level: Level | None = None) -> None:
        """Make a launcher; processes start with the first job.

        Args:
            level: A level to force, for tests; None for the strongest that works here.

        Raises:
            SandboxUnavailableError: If there is none, or not the one asked for.
        """
        self.level = probe_level() if level is None else level
        reason = lacking(self.level)
        if reason is not None:
            raise SandboxUnavailableError(reason)
        self._folder = _stage_folder()
        self._lock = threading.Lock()
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._trees: dict[Path, tuple[_Signature, Path]] = {}
        self._closed = False

    async def launch(self, load: Load, world: World) -> SandboxJob:
        """Start a guest and load it.

        Raises:
            LoadError: If the tree or the driver fails while it is loaded.
            SandboxError: If no guest can be started.
        """
        zygote = await asyncio.to_thread(self._zygote, load.packages)
        folder = self._staged(load.root)
        ours, theirs = socket.socketpair()
        try:
            ordered = zygote.order(folder, load.modules, SEED, theirs.fileno())
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        job = SandboxJob(world, ours)
        await job.start(ordered, load)
        return job

    def _zygote(self, packages: tuple[str, ...]) -> Zygote:
        key = tuple(sorted(packages))
        with self._lock:
            if self._closed:
                raise SandboxError("its launcher is closed")
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.alive:
                if zygote is not None:
                    zygote.close()
                zygote = self._zygotes[key] = Zygote(self.level, key, self._folder)
            return zygote

    def _staged(self, root: Path) -> Path:
        """A read-only copy of a tree where guests can see it; one copy as long as the tree stays as it is."""
        with self._lock:
            signature, files = _look(root)
            known = self._trees.get(root)
            if known is not None and known[0] == signature:
                return known[1]
            target = self._folder / secrets.token_hex(16)
            _copy(root, files, target)
            self._trees[root] = (signature, target)
            return target

    def close(self) -> None:
        """End every process and remove what was staged; closing twice is fine."""
        with self._lock:
            self._closed = True
            zygotes, self._zygotes = list(self._zygotes.values()), {}
        for zygote in zygotes:
            zygote.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _stage_folder() -> Path:
    """A folder for trees that guests can get to, who run as another user; the names inside cannot be guessed."""
    place = tempfile.gettempdir()
    if os.geteuid() == 0 and not reachable_by_all((place,)):
        place = "/tmp"  # noqa: S108 - the one place that every user can get to
    folder = Path(tempfile.mkdtemp(prefix="reviewkit-stage-", dir=place))
    folder.chmod(0o711)
    return folder


def _look(root: Path) -> tuple[_Signature, list[Path]]:
    """Signature and regular files of a tree.

    Raises:
        SandboxError: If they are larger than 16 MiB together.
    """
    signature, files, total = [], [], 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode):
                signature.append((str(path.relative_to(root)), facts.st_mtime_ns, facts.st_size))
                files.append(path)
                total += facts.st_size
    if total > MAX_TREE_BYTES:
        raise SandboxError("the tree is larger than 16 MiB", "Leave generated files out of it.")
    return tuple(signature), files


def _copy(root: Path, files: list[Path], target: Path) -> None:
    target.mkdir()
    target.chmod(0o755)
    for path in files:
        copy = target / path.relative_to(root)
        for folder in reversed(copy.relative_to(target).parents):
            if not (target / folder).exists():
                (target / folder).mkdir()
                (target / folder).chmod(0o755)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o444)


@contextlib.contextmanager
def open_launcher(level: Level | None = None) -> Iterator[SandboxLauncher]:
    """A launcher for a batch of checks; on leaving, all its processes are gone.

    Raises:
        SandboxUnavailableError: If this machine has no sandbox.
    """
    launcher = SandboxLauncher(level)
    try:
        yield launcher
    finally:
        launcher.close()
