"""The journal: one file per record, one event per line, appended under a lock and synced before anyone is told.

The server extension (for the page) and the kernel (for probes, runs and evidence) write the same file. An acknowledged
event survives kill -9, a torn last line and a full disk. Imported by kernels: standard library and pydantic only.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from reviewkit.durable import LOCK_PATIENCE, lock, read_exactly, sync, sync_folder
from reviewkit.errors import EventError, JournalError
from reviewkit.event import Event, Head, Problem, append_event, head_of, timestamp, verify_chain
from reviewkit.eventdata import Kind
from reviewkit.grants import Grant, find_session_grant
from reviewkit.terms import DISAGREED, is_agreed

FOLDER: Final = ".reviewkit"
"""Folder of the journals, beside the notebook."""
TORN: Final = Problem("torn", "A line was cut short while it was written; it was never confirmed.")
_SAFE: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KEEP: Final = "Keep the page open, download your answers, and tell the interviewer."
_DISK_FULL: Final = ("disk_full", "the disk is full, so this was not saved", "Free some space and try again.")
_SYNC_FAILED: Final = ("stopped", "the disk failed to confirm a write, so recording has stopped", _KEEP)


class Appended(NamedTuple):
    """Answer of an append."""

    event: Event
    is_new: bool
    """False: this operation was recorded before, and `event` is what it made then."""


@dataclass(frozen=True, slots=True)
class JournalView:
    """What a journal holds."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...]

    @property
    def head(self) -> Head:
        """End of the chain."""
        return head_of(self.events)


def journal_path(notebook: Path, record: str) -> Path:
    """Where the journal of a notebook lies."""
    return notebook.parent / FOLDER / f"{record}.jsonl"


class Journal:
    """One record's file. Safe for several threads, and for several processes on one machine.

    Args:
        path: The file; it and its folder are made by the first append.
        record: Id of the record, for messages.
        clock: Gives the time of an event.
    """

    def __init__(self, path: Path, record: str, *, clock: Callable[[], str] = timestamp) -> None:
        self.path, self.record, self._clock = path, record, clock
        self._thread_lock = threading.Lock()
        self._known = _Known()
        self._failed_sync = False

    def append(self, op: str, kind: str, data: object) -> Appended:
        """Store one event durably, or give back what the same operation made before.

        Raises:
            EventError: If the event has not the shape of its kind, or the operation stands for another event already;
                nothing is written.
            JournalError: If it could not be stored; nothing of it is left in the file.
        """
        append_event(Head(), op=op, kind=kind, data=data, t=timestamp())  # a wrong shape never touches the disk
        with self._thread_lock:
            if self._failed_sync:
                raise JournalError(self.record, *_SYNC_FAILED)
            with self._locked(create=True) as file:
                self._catch_up(file)
                before = self._known.ops.get(op)
                if before is not None:
                    _refuse_other(before, kind, data)
                    return Appended(before, is_new=False)
                event = append_event(head_of(self._known.events), op=op, kind=kind, data=data, t=self._clock())
                self._write(file, event)
                return Appended(event, is_new=True)

    def read(self) -> JournalView:
        """All events and everything that is wrong with them; empty when nothing was recorded yet.

        Raises:
            JournalError: If the file is there but cannot be read.
        """
        with self._thread_lock:
            try:
                with self._locked(create=False) as file:
                    self._catch_up(file)
            except FileNotFoundError:
                return JournalView((), ())
            events, torn = tuple(self._known.events), self._known.torn
        return JournalView(events, ((TORN,) if torn else ()) + verify_chain(events))

    def restore(self, events: Sequence[Event]) -> bool:
        """Put back what another copy of this record has beyond this one, such as the intake after this disk was lost.

        Args:
            events: The whole record there, in order.

        Returns:
            Whether this journal is a beginning of `events`, and so holds all of them now; if not, nothing was written.

        Raises:
            JournalError: As `append`.
        """
        if not events or verify_chain(events) or events[0].seq != 1:
            return not events
        with self._thread_lock, self._locked(create=True) as file:
            self._catch_up(file)
            mine = self._known.events
            if [event.hash for event in mine] != [event.hash for event in events[: len(mine)]]:
                return False
            for event in events[len(mine) :]:
                self._write(file, event)
            return True

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """Events with a number above `after`."""
        return tuple(event for event in self.read().events if event.seq > after)

    @contextmanager
    def _locked(self, *, create: bool) -> Iterator[int]:
        """The open file under an exclusive lock; a missing file is made, with its folder, or FileNotFoundError."""
        try:
            file = self._open_or_make() if create else os.open(self.path, os.O_RDONLY | _SAFE)
        except FileNotFoundError:
            if not create:
                raise
            raise JournalError(self.record, "write_failed", "the notebook's folder is gone", _KEEP) from None
        except OSError as error:
            raise self._failure(error) from error
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise JournalError(self.record, "unreadable", "its journal is not a regular file", _KEEP)
            lock(file)
            yield file
        except TimeoutError:
            fact = f"another process has held its journal for {LOCK_PATIENCE:g} seconds"
            raise JournalError(self.record, "locked", fact, "Try again.") from None
        except OSError as error:
            raise self._failure(error) from error
        finally:
            os.close(file)  # also releases the lock

    def _open_or_make(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | _SAFE
        try:
            return os.open(self.path, flags)
        except FileNotFoundError:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(self.path, flags | os.O_CREAT, 0o600))
        # A new name is durable only once its folder is synced, and so is the folder's own name.
        sync_folder(self.path.parent)
        sync_folder(self.path.parent.parent)
        return os.open(self.path, flags)

    def _catch_up(self, file: int) -> None:
        """Take in the lines that came since the last look; start over when the file is not the one known."""
        status = os.fstat(file)
        identity = (status.st_dev, status.st_ino)
        if identity != self._known.identity or status.st_size < self._known.size:
            self._known = _Known(identity)
        self._known.take(read_exactly(file, self._known.size, status.st_size - self._known.size))

    def _write(self, file: int, event: Event) -> None:
        """Append and sync; on any failure put the file back as it was."""
        size = self._known.size
        line = b"\n" * self._known.unended + event.line()
        try:
            os.ftruncate(file, size)  # cuts off a torn line: it was never confirmed to anyone
            if os.write(file, line) < len(line):
                raise OSError(errno.ENOSPC, "short write")
            sync(file)
        except OSError as error:
            # After EIO a second sync may report success for data that is lost, so this process stops writing.
            self._failed_sync = error.errno == errno.EIO
            with suppress(OSError):
                os.ftruncate(file, size)
                sync(file)
            raise
        self._known.take(line)

    def _failure(self, error: OSError) -> JournalError:
        if error.errno in _FULL:
            return JournalError(self.record, *_DISK_FULL)
        if error.errno == errno.EIO:
            return JournalError(self.record, *_SYNC_FAILED)
        fact = f"its journal could not be written or read ({errno.errorcode.get(error.errno or 0, 'unknown error')})"
        return JournalError(self.record, "write_failed", fact, _KEEP)


@dataclass(slots=True)
class _Known:
    """What was read of a file so far; `size` bytes of it, all of them whole lines."""

    identity: tuple[int, int] | None = None
    size: int = 0
    events: list[Event] = field(default_factory=list)
    ops: dict[str, Event] = field(default_factory=dict)
    torn: bool = False
    unended: bool = False
    """The last event lacks its line break, because something other than this module shortened the file."""

    def take(self, chunk: bytes) -> None:
        """Take in what follows; a fragment at the end is remembered as torn and left out of `size`."""
        whole, ending, tail = chunk.rpartition(b"\n")
        if ending:
            self.unended = False
            self.size += len(whole) + 1
            for line in whole.split(b"\n"):
                self._line(line)
        if tail and (event := _parse(tail)) is not None and event.prev == head_of(self.events).hash:
            self.unended = True
            self.size += len(tail)
            self._add(event)
        elif tail:
            self.torn = True

    def _line(self, line: bytes) -> None:
        event = _parse(line)
        if event is not None:
            self._add(event)
        elif line:
            # Torn, and the chain goes on behind it; had it been an event, `verify_chain` would miss its number.
            self.torn = True

    def _add(self, event: Event) -> None:
        self.events.append(event)
        self.ops.setdefault(event.op, event)


def _refuse_other(before: Event, kind: str, data: object) -> None:
    """Keep an operation that is sent again apart from another one under its id, which would be lost without a word."""
    now = append_event(Head(before.seq - 1, before.prev), op=before.op, kind=kind, data=data, t=before.t)
    # Each page that opens a record says so under one id; which front end was first is kept, and that is enough.
    if now.hash != before.expected_hash() and not (now.kind is before.kind is Kind.OPENED):
        raise EventError(kind, f"its operation stands for event {before.seq} already, which says something else")


def _parse(line: bytes) -> Event | None:
    """The event that a line holds, or None."""
    try:
        return Event.model_validate_json(line)
    except (ValidationError, EventError):
        return None


class Recorder:
    """What a kernel uses to record probes, runs and evidence in the journal of its notebook.

    Args:
        grant: The notebook's grant.
        notebook: Absolute path of the notebook.
    """

    def __init__(self, grant: Grant, notebook: Path) -> None:
        self.record, self.slug, self.version, self.preview = grant.record, grant.slug, grant.version, grant.preview
        self.notebook, self.terms, self.files = notebook, grant.terms, grant.files
        self._journal = Journal(journal_path(notebook, grant.record), grant.record)
        self._shown: list[Event] = []

    def add(self, kind: str, data: dict[str, Any], op: str | None = None) -> Event:
        """Record one event; in a preview it lives only in this process, so that forms and cells work all the same.

        Args:
            kind: A value of `Kind`.
            data: Shape of its kind.
            op: Id of the operation where it began elsewhere, such as in a widget's page; a fresh one by default.

        Raises:
            EventError: If the event has not the shape of its kind.
            JournalError: If it could not be stored, or the candidate has not agreed to the first screen.
        """
        if kind != Kind.CONSENT and not self.is_agreed:
            raise JournalError(self.record, "not_agreed", "this was not recorded", DISAGREED)
        op = op or f"k-{uuid.uuid4().hex}"
        if not self.preview:
            return self._journal.append(op, kind, data).event
        event = append_event(head_of(self._shown), op=op, kind=kind, data=data, t=timestamp())
        self._shown.append(event)
        return event

    @property
    def is_agreed(self) -> bool:
        """Whether work may be recorded."""
        return self.preview or is_agreed(self.terms, self.events() if self.terms else ())

    def events(self) -> tuple[Event, ...]:
        """All events of the record so far, also those that the page made."""
        return tuple(self._shown) if self.preview else self._journal.read().events


def kernel_recorder(session_name: str | None = None) -> Recorder | None:
    """Recorder of the notebook that this kernel belongs to, or None when the notebook has no grant.

    Args:
        session_name: Path of the notebook; by default what the server put into `JPY_SESSION_NAME`.

    Raises:
        GrantError: If the grants are there but cannot be read.
    """
    found = find_session_grant(session_name)
    return Recorder(found.grant, found.notebook) if found else None
