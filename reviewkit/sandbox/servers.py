"""Where a launcher gets its fork servers from: it starts its own, or a batch worker lends those that it keeps."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Protocol

from reviewkit.sandbox.folders import HeldFolder
from reviewkit.sandbox.levels import Level, lacking, probe_level
from reviewkit.sandbox.line import Line, Ordered
from reviewkit.sandbox.reach import reachable_by_all
from reviewkit.sandbox.unavailable import SandboxError, SandboxUnavailableError
from reviewkit.sandbox.zygote import Zygote


class Orders(Protocol):
    """What takes orders for guests with one set of packages."""

    @property
    def alive(self) -> bool:
        """Whether it can still take orders."""

    def order(self, folder: Path, modules: tuple[str, ...], seed: int, wire: int) -> Ordered:
        """See `reviewkit.sandbox.line.Line.order`."""


class Servers(Protocol):
    """Fork servers, one per set of packages."""

    level: Level
    folder: Path
    """Stage: guests can be shown what lies here."""

    def line(self, packages: tuple[str, ...]) -> Orders:
        """A line to a living fork server with these packages, sorted.

        Raises:
            SandboxError: If there is none and none can be started.
        """

    def close(self) -> None:
        """Give everything back; closing twice is fine."""


class OwnServers:
    """Fork servers of this process. They start when they are first asked for, and are replaced when they die."""

    def __init__(self, level: Level | None = None) -> None:
        """Make the stage folder.

        Args:
            level: A level to force, for tests; None for the strongest that works here.

        Raises:
            SandboxUnavailableError: If there is none, or not the one asked for.
        """
        self.level = probe_level() if level is None else level
        reason = lacking(self.level)
        if reason is not None:
            raise SandboxUnavailableError(reason)
        self._held = stage_folder()
        self.folder = self._held.path
        self.zygotes: dict[tuple[str, ...], Zygote] = {}
        """By packages, the one asked for last at the end."""
        self._lock = threading.Lock()
        self._closed = False

    def line(self, packages: tuple[str, ...]) -> Line:
        """See `Servers`."""
        with self._lock:
            if self._closed:
                raise SandboxError("its launcher is closed")
            zygote = self.zygotes.pop(packages, None)
            if zygote is not None and not zygote.line.alive:
                zygote.close()
                zygote = None
            self.zygotes[packages] = zygote or Zygote(self.level, packages, self.folder)
            return self.zygotes[packages].line

    def keep_only(self, count: int) -> None:
        """End the fork servers that were asked for longest ago; only while no job is open."""
        with self._lock:
            for packages in list(self.zygotes)[: max(0, len(self.zygotes) - count)]:
                self.zygotes.pop(packages).close()

    def close(self) -> None:
        """End every process and remove what was staged."""
        with self._lock:
            self._closed = True
            zygotes, self.zygotes = list(self.zygotes.values()), {}
        for zygote in zygotes:
            zygote.close()
        self._held.close()


def own_servers(level: Level | None = None) -> Servers:
    """Those of this process, of a level or of the strongest that works here; see `OwnServers`."""
    if (probe_level() if level is None else level) is Level.WASI:
        from reviewkit.sandbox.wasi.servers import WasiServers

        return WasiServers()
    return OwnServers(level)


def stage_folder() -> HeldFolder:
    """A folder for trees that guests can get to, who run as another user; the names inside cannot be guessed."""
    place = tempfile.gettempdir()
    if os.geteuid() == 0 and not reachable_by_all((place,)):
        place = "/tmp"  # noqa: S108 - the one place that every user can get to
    return HeldFolder("stage", place, 0o711)
