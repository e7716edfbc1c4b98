"""Opening the intake's database: made when there was none, compared with the receipt log, refused when damaged.

Nothing here mends by itself: a fresh database over a damaged one would look as if everything were fine.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, inspect, select
from sqlalchemy.engine import Connection

from reviewkit.database import sqlite_path
from reviewkit.durable import sync, sync_folder
from reviewkit.errors import IntakeError, UsageError
from reviewkit.intake.database import FAILURES, open_database, told_apart
from reviewkit.intake.receipts import Confirmed, Entry, ReceiptLog
from reviewkit.intake.storage import Storage
from reviewkit.intake.tables import CHANGES, EVENTS, META, SCHEMA, SERVICE, SUBMISSIONS

_RESTORE: Final = (
    "Restore database and receipt log from a backup, or look with `reviewkit intake verify`. Nothing was changed."
)
_ROWS: Final = (SUBMISSIONS, EVENTS, CHANGES)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that was confirmed and is not in the database."""

    text: str
    """One sentence part: what is missing."""
    entry: Entry
    """Log line with which a person accepts the loss."""


def log_path(url: str, given: Path | None) -> Path:
    """Where the receipt log lies: as given, else beside the SQLite file.

    Raises:
        UsageError: If the database is no file and nothing is given.
    """
    file = sqlite_path(url)
    if given is not None:
        return given
    if file is None:
        raise UsageError("A database by URL needs a place for the receipt log.", "Name a local file with --receipts.")
    return file.with_name(file.name + ".receipts")


async def open_storage(url: str, log: Path, *, sync_file: Callable[[int], None] = sync) -> Storage:
    """Open, or make on first use, a database and its receipt log.

    Args:
        url: As `reviewkit.database.database_url` gives it.
        log: Path of the receipt log.
        sync_file: Passed to `ReceiptLog`.

    Raises:
        IntakeError: `damaged` or `foreign`, when something that was confirmed is missing or the files do not belong
            together; `failed` when the database cannot be reached. Nothing is changed then.
    """
    receipts = ReceiptLog(log, sync_file=sync_file)
    confirmed = receipts.load()
    file = sqlite_path(url)
    if file is not None:
        _look_at_file(file, confirmed)
    database = open_database(url)
    try:
        service = await database.write(lambda c: _prepared(c, confirmed))
        if not receipts.exists or confirmed.service is None:
            await database.read(lambda c: _begin_log(c, receipts, service["id"]))
        await database.read(lambda c: _compare(c, receipts, service["id"]))
        storage = Storage(database, receipts, bytes.fromhex(service["secret"]))
        await storage.refresh_changes()
    except FAILURES as error:
        await database.close()
        raise _at_start(error, file) from error
    except BaseException:
        await database.close()
        raise
    if file is not None:
        # Names in a folder are durable only once the folder is synced.
        sync_folder(file.parent)
        sync_folder(file.parent.absolute().parent)
    return storage


def _at_start(error: BaseException, file: Path | None) -> IntakeError:
    found = told_apart(error)
    name = file.name if file else "The database"
    if found.reason == "damaged":
        return IntakeError("damaged", f"{name}: is damaged, or no database", _RESTORE)
    step = "Check its address and permissions." if file is None else "Check the folder's permissions and free space."
    return IntakeError(found.reason, f"{name}: cannot be opened ({type(error).__name__})", step)


def _look_at_file(file: Path, confirmed: Confirmed) -> None:
    """Refuse what SQLite would silently replace or paper over; runs before it opens the file for writing."""
    there = file.exists() and file.stat().st_size > 0
    leftover = [end for end in ("-wal", "-shm", "-journal") if Path(f"{file}{end}").exists()]
    if not there and not confirmed.is_empty:
        raise _damaged(f"{file.name}: is missing or empty, but receipts were given for what it held")
    if not file.exists() and leftover:
        raise _damaged(f"{file.name}: is missing, but {file.name}{leftover[0]} is there")
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent}: there is no such folder.", "Make it, or name another with --db.")
    if not there:
        return
    try:
        with closing(sqlite3.connect(f"file:{_quoted(file)}?mode=rw", uri=True, timeout=10)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise _at_start(error, file) from error
    if answer != ("ok",):
        raise _damaged(f"{file.name}: is damaged: its own check fails")


def _quoted(file: Path) -> str:
    return os.fspath(file.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _damaged(fact: str) -> IntakeError:
    return IntakeError("damaged", fact, _RESTORE)


def _prepared(connection: Connection, confirmed: Confirmed) -> dict[str, str]:
    """Names and values of the service; tables are made when nothing is there and nothing was ever confirmed."""
    names = set(inspect(connection).get_table_names())
    ours = set(META.tables)
    if not names & ours:
        if not confirmed.is_empty:
            raise _damaged("The database holds nothing, but receipts were given for what it held")
        if names and connection.dialect.name == "sqlite":
            raise IntakeError("foreign", "This database belongs to another program", "Name another with --db.")
        META.create_all(connection)
        values = {"id": secrets.token_hex(16), "schema": str(SCHEMA), "secret": secrets.token_hex(32)}
        connection.execute(SERVICE.insert(), [{"name": k, "value": v} for k, v in values.items()])
        return values
    if ours - names:
        raise _damaged(f"The database lacks its table {min(ours - names)}")
    rows = connection.execute(select(SERVICE.c.name, SERVICE.c.value))
    service = {row.name: row.value for row in rows}
    if service.get("schema") != str(SCHEMA) or not {"id", "secret"} <= service.keys():
        raise IntakeError(
            "foreign", "This database is of another version of reviewkit", "Update reviewkit, or name another."
        )
    return service


def _begin_log(connection: Connection, receipts: ReceiptLog, service: str) -> None:
    """Start the log of a database that confirmed nothing yet."""
    for table in _ROWS:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            fact = f"{receipts.path.name}: the receipt log is missing, so nobody can tell whether the database is whole"
            step = "Restore it, or start another after a look: reviewkit intake verify --accept"
            raise IntakeError("damaged", fact, step)
    if receipts.exists:
        receipts.append([{"kind": "service", "id": service}])  # killed between making the file and its first line
    else:
        receipts.create(service)


def _compare(connection: Connection, receipts: ReceiptLog, service: str) -> None:
    if receipts.confirmed.service != service:
        fact = f"{receipts.path.name}: this receipt log belongs to another database"
        raise IntakeError("foreign", fact, "Put database and log of one backup together. Nothing was changed.")
    losses = find_losses(connection, receipts.confirmed)
    if losses:
        more = f" and {len(losses) - 1} more" if len(losses) > 1 else ""
        raise _damaged(f"The database has lost what it confirmed: {losses[0].text}{more}")
    unlogged = missing_lines(connection, receipts.confirmed)
    if unlogged:  # committed, and the service ended before the line: never confirmed, or confirmed again from now on
        receipts.append(unlogged)


def find_losses(connection: Connection, confirmed: Confirmed) -> list[Loss]:
    """What the log confirms and the database does not hold."""
    losses: list[Loss] = []
    rows: Sequence[Any] = connection.execute(select(SUBMISSIONS.c.receipt, SUBMISSIONS.c.sha256)).all()
    have = {row.receipt: row.sha256 for row in rows}
    for receipt, (invite, sha256) in confirmed.submissions.items():
        if have.get(receipt) != sha256:
            losses.append(Loss(f"submission {receipt} of invite {invite}", {"kind": "lost", "invite": invite}))
    rows = connection.execute(_last_events()).all()
    last = {(row.invite, row.record): (row.n, row.last) for row in rows}
    for (invite, record), (seq, hash_) in confirmed.events.items():
        n, highest = last.get((invite, record), (0, 0))
        where = (EVENTS.c.invite == invite, EVENTS.c.record == record, EVENTS.c.seq == seq)
        found = connection.execute(select(EVENTS.c.hash).where(*where)).scalar_one_or_none()
        if found != hash_ or n != highest:
            losses.append(Loss(f"events of record {record} up to {seq}", {"kind": "lost", "invite": invite}))
    changes = set(connection.execute(select(CHANGES.c.id)).scalars())
    losses += [
        Loss(f"change {n} of an invite", {"kind": "lost", "change": n}) for n in sorted(confirmed.changes - changes)
    ]
    return losses


def missing_lines(connection: Connection, confirmed: Confirmed) -> list[Entry]:
    """Log lines for what the database holds beyond the log."""
    columns = (SUBMISSIONS.c.receipt, SUBMISSIONS.c.invite, SUBMISSIONS.c.sha256)
    rows: Sequence[Any] = connection.execute(select(*columns).order_by(SUBMISSIONS.c.id)).all()
    entries: list[Entry] = [
        {"kind": "submission", "receipt": row.receipt, "invite": row.invite, "sha256": row.sha256}
        for row in rows
        if row.receipt not in confirmed.submissions
    ]
    last = _last_events().subquery()
    joined = (EVENTS.c.invite == last.c.invite) & (EVENTS.c.record == last.c.record) & (EVENTS.c.seq == last.c.last)
    rows = connection.execute(
        select(EVENTS.c.invite, EVENTS.c.record, EVENTS.c.seq, EVENTS.c.hash).join(last, joined)
    ).all()
    entries += [
        {"kind": "events", "invite": row.invite, "record": row.record, "seq": row.seq, "hash": row.hash}
        for row in rows
        if confirmed.events.get((row.invite, row.record), (0, ""))[0] < row.seq
    ]
    changes = connection.execute(select(CHANGES.c.id).order_by(CHANGES.c.id)).scalars()
    return entries + [{"kind": "change", "id": n} for n in changes if n not in confirmed.changes]


def _last_events() -> Any:
    """Invite, record, number of events and highest number of every record."""
    columns = (EVENTS.c.invite, EVENTS.c.record)
    return select(*columns, func.count().label("n"), func.max(EVENTS.c.seq).label("last")).group_by(*columns)
