"""Temporary folders whose owner can be told to be alive: what a killed process leaves behind, the next one removes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "reviewkit-"
YOUNG_SECONDS = 60.0
"""A folder is locked a moment after it is made; until then its age protects it."""


class HeldFolder:
    """A folder of this process, removed when it is closed, or by another process once this one is dead."""

    def __init__(self, kind: str, place: str, mode: int) -> None:
        """Make it, and remove those of the same kind and user whose owners are dead.

        Args:
            kind: Part of its name.
            place: Folder to make it in.
            mode: Its permissions.
        """
        _sweep(Path(place), kind)
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=place))
        self.path.chmod(mode)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove it; closing twice is fine."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _sweep(place: Path, kind: str) -> None:
    for path in place.glob(f"{PREFIX}{kind}-*"):
        with contextlib.suppress(OSError):
            facts = path.lstat()
            if facts.st_uid == os.geteuid() and time.time() - facts.st_mtime > YOUNG_SECONDS:
                _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError while its owner lives
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(fd)
