"""Writing files so that they survive power loss: sync of files and folders, atomic replace, a lock file."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

LOCK_PATIENCE: Final = 5.0
"""Seconds to wait for another writer; every holder needs some milliseconds."""
_PAUSE: Final = 0.005


def sync(file: int) -> None:
    """Wait until a file's bytes are on the disk itself."""
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves them in the drive's cache
    if full is not None:
        fcntl.fcntl(file, full)
    else:
        os.fsync(file)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(file: int, *, patience: float = LOCK_PATIENCE) -> None:
    """Take an exclusive lock on an open file; closing the file releases it.

    Args:
        file: Open descriptor; two descriptors of one file exclude each other, also in one process.
        patience: Seconds.

    Raises:
        TimeoutError: If another holder keeps it longer.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"locked for more than {patience:g} seconds") from None
            time.sleep(_PAUSE)


@contextmanager
def lock_file(path: Path, *, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Hold an exclusive lock on a file of its own, made when missing.

    Args:
        path: The file; nothing is written to it.
        patience: Seconds.

    Raises:
        TimeoutError: As `lock`.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        lock(handle, patience=patience)
        yield
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all; readable by its owner only.

    Raises:
        OSError: As the file system gives it; the old content is untouched then.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            sync(handle)
        finally:
            os.close(handle)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def read_exactly(file: int, start: int, size: int) -> bytes:
    """Bytes of an open file from `start`, up to `size` of them; fewer only where the file ends."""
    parts = []
    while size > 0:
        part = os.pread(file, size, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
        size -= len(part)
    return b"".join(parts)
