"""The intake's storage: an answer only when database and receipt log are on disk.

Requests that arrive together share one commit (each behind a savepoint of its own), so that a hundred at once cost a
few syncs. Raises only IntakeError. When a commit fails, nothing of its requests is stored; after a failed sync the
storage stays stopped, because a second sync may report success for data that is lost.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from reviewkit import log
from reviewkit.errors import IntakeError
from reviewkit.event import Event, Head
from reviewkit.intake import rows
from reviewkit.intake.database import FAILURES, Database, told_apart
from reviewkit.intake.receipts import Entry, ReceiptLog, receipt_of
from reviewkit.intake.rows import Bearer, Receipt
from reviewkit.intake.tables import CHANGES
from reviewkit.invite import revocations

FREE_FLOOR: Final = 64_000_000
"""Bytes that must be free before anything is accepted."""
TOGETHER_MAX: Final = 64
"""Requests of one commit."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ack:
    """Proof that a record is stored up to its head."""

    record: str
    head: Head
    receipt: str
    new_n: int


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[Connection, list[Entry]], T]
    done: asyncio.Future[T]


@dataclass(slots=True)
class _Outcome:
    result: Any = None
    error: IntakeError | None = None


class Storage:
    """An open database with its receipt log; made by `reviewkit.intake.opening.open_storage`.

    Args:
        database: Prepared.
        receipts: Loaded, and compared with the database.
        secret: Key of the receipts.
    """

    def __init__(self, database: Database, receipts: ReceiptLog, secret: bytes) -> None:
        self.database, self.log = database, receipts
        self._secret = secret
        self._waiting: deque[_Job[Any]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._unlogged: list[Entry] = []
        self.stopped: IntakeError | None = None
        """Set for good when nothing more can be promised."""
        self.on_stop: Callable[[], None] = lambda: None
        self.free_bytes: Callable[[], int | None] = database.free_bytes
        self.changed = asyncio.Event()
        """Set and replaced at each commit: whoever waits on it looks again."""
        self.revoked: frozenset[str] = frozenset()
        self.extended: dict[str, int] = {}

    async def close(self) -> None:
        """Finish what is being written, then close all connections."""
        if self._writer is not None:
            with suppress(asyncio.CancelledError):
                await self._writer
        await self.database.close()

    # --- commits ------------------------------------------------------------------------------------------------------

    async def commit(self, work: Callable[[Connection, list[Entry]], T]) -> T:
        """Run work in a transaction; when this returns, its rows and its log lines are on disk.

        Args:
            work: Takes the connection and a list to which it adds its log lines; runs in another thread.

        Raises:
            IntakeError: What the work raises, or 503 and 507 when it could not be stored; nothing of it is stored then.
        """
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        result: T = await job.done
        return result

    async def _write(self) -> None:
        while self._waiting:
            jobs = [self._waiting.popleft() for _ in range(min(TOGETHER_MAX, len(self._waiting)))]
            try:
                outcomes = await self._together(jobs)
            except IntakeError as error:
                outcomes = [_Outcome(error=IntakeError(*error.args)) for _ in jobs]
            except Exception as error:  # whatever happens, nobody is left waiting
                log.get().error(log.REQUEST_FAILED, route="storage", error=type(error).__name__)
                outcomes = [_Outcome(error=told_apart(error)) for _ in jobs]
            for job, outcome in zip(jobs, outcomes, strict=True):
                if job.done.cancelled():
                    continue
                if outcome.error is not None:
                    job.done.set_exception(outcome.error)
                else:
                    job.done.set_result(outcome.result)
            before, self.changed = self.changed, asyncio.Event()
            before.set()

    async def _together(self, jobs: Sequence[_Job[Any]]) -> list[_Outcome]:
        if self.stopped is not None:
            raise self.stopped
        try:
            await self._log()  # lines of what is committed and could not be logged before
            free = self.free_bytes()
            if free is not None and free < FREE_FLOOR:
                raise IntakeError(
                    "disk_full", "The disk of the intake is full", "Nothing was accepted. Please retry.", 507
                )
            outcomes, self._unlogged = await self.database.write(partial(_run_all, jobs))
            await self._log()
        except IntakeError as error:
            if error.reason == "damaged":
                self._stop(error)
            raise
        except FAILURES as error:
            found = told_apart(error)
            if found.reason in ("stopped", "damaged"):
                self._stop(found)
            else:
                await self.database.reset()
            raise found from error
        return outcomes

    async def _log(self) -> None:
        if self._unlogged:
            await asyncio.to_thread(self.log.append, self._unlogged)
            self._unlogged = []

    def _stop(self, error: IntakeError) -> None:
        self.stopped = error
        self.on_stop()

    # --- what is stored -----------------------------------------------------------------------------------------------

    async def add_submission(self, bearer: Bearer, key: str, body: bytes, at: str) -> Receipt:
        """Store a completed notebook, or find the receipt that the same key and bytes got before.

        Raises:
            IntakeError: 409 `conflict` for another body under a known key; 429 `quota`; 503 or 507.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        made = Receipt(receipt_of(self._secret, "submission", bearer.invite.id, key, sha256), sha256, at, len(body))
        return await self.commit(lambda c, entries: rows.insert_submission(c, entries, bearer, key, body, made))

    async def find_submission(self, invite: str, key: str, sha256: str) -> Receipt | None:
        """Receipt of a submission that was received before.

        Raises:
            IntakeError: 409 `conflict` when the key belongs to other bytes.
        """
        return await self.read(lambda c: rows.known_submission(c, invite, key, sha256))

    async def add_events(self, bearer: Bearer, record: str, batch: Sequence[Event], at: str) -> Ack:
        """Store the new events of a batch.

        Raises:
            IntakeError: As `reviewkit.intake.acceptance.accept`; 429 `quota`; 503 or 507.
        """
        accepted = await self.commit(lambda c, entries: rows.insert_events(c, entries, bearer, record, batch, at))
        receipt = receipt_of(self._secret, "events", bearer.invite.id, record, *accepted.head)
        return Ack(record, accepted.head, receipt, len(accepted.new))

    async def change_invite(self, invite: str, change: str, exp: int, at: str) -> None:
        """Withdraw or prolong an invite: `revoked`, or `extended` with a new `exp`."""
        await self.commit(lambda c, entries: rows.insert_change(c, entries, invite, change, exp, at))
        await self.refresh_changes()

    async def purge(self, candidate: str, at: str) -> dict[str, int]:
        """Delete all that is stored of a candidate and withdraw the invites, so that nothing arrives again.

        Returns:
            How many invites, events, submissions and bytes are gone.
        """
        gone = await self.commit(lambda c, entries: rows.delete_candidate(c, entries, candidate, at))
        await self.refresh_changes()
        if self.database.file is not None:
            # Deleted rows are zeroed; their copies in the write-ahead log and on free pages go with these.
            await self.database.outside(
                ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
            )
        else:
            await self.database.outside(["VACUUM"])
        return gone

    async def refresh_changes(self) -> None:
        """Take in which invites were withdrawn or prolonged, also by another process."""

        def changes(connection: Connection) -> list[tuple[str, str, int]]:
            query = select(CHANGES.c.invite, CHANGES.c.change, CHANGES.c.exp).order_by(CHANGES.c.id)
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

        self.revoked, self.extended = revocations(await self.read(changes))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction that only reads.

        Raises:
            IntakeError: What the work raises, or if the database fails.
        """
        try:
            return await self.database.read(work)
        except FAILURES as error:
            raise told_apart(error) from error

    async def is_readable(self) -> bool:
        """Whether the database answers."""
        try:
            await self.read(lambda c: c.execute(select(func.max(CHANGES.c.id))).all())
        except IntakeError:
            return False
        return True


def _run_all(jobs: Sequence[_Job[Any]], connection: Connection) -> tuple[list[_Outcome], list[Entry]]:
    """Run jobs in one transaction; one that refuses takes back only its own changes."""
    outcomes, entries = [], list[Entry]()
    for job in jobs:
        own: list[Entry] = []
        try:
            with connection.begin_nested():
                outcomes.append(_Outcome(job.work(connection, own)))
            entries += own
        except IntakeError as error:
            outcomes.append(_Outcome(error=error))
        except FAILURES:
            raise
        except Exception as error:  # a fault of ours in one request is not the others'
            outcomes.append(_Outcome(error=told_apart(error)))
    return outcomes, entries
