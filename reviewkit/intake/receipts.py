"""Receipts, and the append-only log of those given: the second witness that tells when a database lost something.

A SQLite file opens without complaint when its -wal file is gone or it was replaced by an older copy. The log names
what was confirmed, so that the service notices at start. One JSON object per line, each with a sum over itself and
the sum before; synced before the confirmation leaves. Holds opaque ids and hashes only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reviewkit import base64url
from reviewkit.durable import lock, read_exactly, sync, sync_folder
from reviewkit.errors import IntakeError
from reviewkit.event import canonical

Entry = dict[str, Any]
_START: Final = "0" * 16
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


def receipt_of(secret: bytes, *parts: str | int) -> str:
    """A keyed hash: nobody without the secret can make one up. HMAC-SHA-256, cut to 192 bits."""
    return "r_" + base64url.encode(hmac.digest(secret, canonical(list(parts)), "sha256")[:24])


@dataclass(slots=True)
class Confirmed:
    """What the lines of a log confirm, as their fold."""

    service: str | None = None
    """Id of the database that the log belongs to."""
    submissions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Receipt -> invite, SHA-256 of the body."""
    events: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """Invite and record -> number of the last confirmed event, its hash; the chain covers those below it."""
    changes: set[int] = field(default_factory=set)
    """Ids of invite changes."""

    def take(self, entry: Entry) -> None:
        """Fold one line."""
        match entry:
            case {"kind": "service", "id": id_}:
                self.service = id_
            case {"kind": "submission", "receipt": receipt, "invite": invite, "sha256": sha256}:
                self.submissions[receipt] = (invite, sha256)
            case {"kind": "events", "invite": invite, "record": record, "seq": seq, "hash": hash_}:
                self.events[invite, record] = (seq, hash_)
            case {"kind": "change", "id": id_}:
                self.changes.add(id_)
            case {"kind": "purged" | "lost", "invite": invite}:
                self.submissions = {r: known for r, known in self.submissions.items() if known[0] != invite}
                self.events = {place: known for place, known in self.events.items() if place[0] != invite}
            case {"kind": "lost", "change": id_}:
                self.changes.discard(id_)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was confirmed."""
        return not (self.submissions or self.events or self.changes)


class ReceiptLog:
    """One log file. Several processes may append; each appends under the file's lock.

    Args:
        path: The file; `create` makes it.
        sync_file: Waits until a descriptor's bytes are on disk; an edge for tests.
    """

    def __init__(self, path: Path, *, sync_file: Callable[[int], None] = sync) -> None:
        self.path, self._sync = path, sync_file
        self.confirmed = Confirmed()
        self._size, self._sum = 0, _START

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def create(self, service: str) -> None:
        """Make the file, with a first line that names its database."""
        os.close(os.open(self.path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600))
        sync_folder(self.path.parent)
        self.append([{"kind": "service", "id": service}])

    def load(self) -> Confirmed:
        """Read everything.

        Raises:
            IntakeError: `damaged`, when a line is not what was written; a torn last line was never confirmed.
        """
        self.confirmed, self._size, self._sum = Confirmed(), 0, _START
        try:
            handle = os.open(self.path, _FLAGS)
        except FileNotFoundError:
            return self.confirmed
        try:
            lock(handle)
            self._catch_up(handle)
        finally:
            os.close(handle)
        return self.confirmed

    def append(self, entries: Iterable[Entry]) -> None:
        """Append lines and wait until they are on disk.

        Raises:
            OSError: As the file system gives it; nothing of the lines is left then, as far as it allows.
            IntakeError: `damaged`, as `load`.
        """
        handle = os.open(self.path, _FLAGS)
        try:
            lock(handle)
            self._catch_up(handle)
            lines, total, taken = b"", self._sum, list(entries)
            for entry in taken:
                total = _sum(total, entry)
                lines += canonical({**entry, "sum": total}) + b"\n"
            self._write(handle, lines)
            self._size, self._sum = self._size + len(lines), total
            for entry in taken:
                self.confirmed.take(entry)
        finally:
            os.close(handle)

    def _write(self, handle: int, lines: bytes) -> None:
        os.ftruncate(handle, self._size)  # cuts off a torn line: it was never confirmed to anyone
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(handle, rest) :]
            self._sync(handle)
        except OSError:
            os.ftruncate(handle, self._size)
            raise

    def _catch_up(self, handle: int) -> None:
        """Take in lines that another process appended."""
        chunk = read_exactly(handle, self._size, max(0, os.fstat(handle).st_size - self._size))
        whole, ending, _torn = chunk.rpartition(b"\n")
        for line in whole.split(b"\n") if ending else ():
            entry = _parse(line)
            total = entry.pop("sum", None)
            self._sum = _sum(self._sum, entry)
            if total != self._sum:
                raise _damaged(self.path)
            self.confirmed.take(entry)
        self._size += len(whole) + len(ending)


def _sum(before: str, entry: Entry) -> str:
    return hashlib.sha256(before.encode() + canonical(entry)).hexdigest()[:16]


def _parse(line: bytes) -> Entry:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _damaged(path: Path) -> IntakeError:
    step = "Restore log and database from the same backup. Nothing was changed."
    return IntakeError("damaged", f"{path.name}: the log of receipts is damaged: a line is not as it was written", step)
