"""Backup, verification and clean-up of an intake's database, by a person or a timer."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Connection

from reviewkit.database import database_url, sqlite_path
from reviewkit.durable import sync, sync_folder
from reviewkit.errors import IntakeError, UsageError
from reviewkit.event import GENESIS, Event
from reviewkit.intake.database import FAILURES, open_database, told_apart
from reviewkit.intake.opening import find_losses, log_path, missing_lines, open_storage
from reviewkit.intake.receipts import Confirmed, ReceiptLog
from reviewkit.intake.storage import Storage
from reviewkit.intake.tables import EVENTS, SERVICE, SUBMISSIONS


async def backup(storage: Storage, url: str, folder: Path) -> Path:
    """Write a consistent copy of a SQLite database and its receipt log, while the service runs.

    Log first, database second: the copy of the database then holds at least what the copy of the log confirms.

    Args:
        storage: Opened on `url`, so checked.
        url: Of the database.
        folder: A new folder for the copy.

    Returns:
        Path of the copied database.

    Raises:
        UsageError: If the database is not SQLite, or the folder is there already.
        IntakeError: If the copy could not be written, or does not verify.
    """
    file = sqlite_path(url)
    if file is None:
        raise UsageError("Only a SQLite database is copied by this command.", "Use pg_dump for PostgreSQL.")
    try:
        await asyncio.to_thread(folder.mkdir, 0o700, parents=True)
    except FileExistsError:
        raise UsageError(
            f"{folder}: is there already.", "Name a new folder; a backup never replaces another."
        ) from None
    target = folder / file.name
    copied = log_path(database_url(str(target)), None)
    try:
        shutil.copyfile(storage.log.path, copied)
        quoted = str(target.absolute()).replace("'", "''")
        await storage.database.outside([f"VACUUM INTO '{quoted}'"])
        for path in (target, copied):
            path.chmod(0o600)
            handle = os.open(path, os.O_RDONLY)
            sync(handle)
            os.close(handle)
        sync_folder(folder)
    except FAILURES as error:
        raise IntakeError(
            "failed", f"The backup could not be written ({told_apart(error).reason})", "Free space and try again."
        ) from error
    problems = await verify(database_url(str(target)), copied)
    if problems:
        raise IntakeError("damaged", f"The backup does not verify: {problems[0]}", "Verify the database itself.")
    return target


async def verify(url: str, log: Path) -> list[str]:
    """Check everything there is: file, receipt log, every hash and chain. Changes nothing.

    Returns:
        What is wrong, one sentence part each; empty when all is well.

    Raises:
        IntakeError: If database or log cannot be read at all.
    """
    confirmed = ReceiptLog(log).load()
    file = sqlite_path(url)
    if file is not None and not file.exists():
        raise IntakeError("damaged", f"{file.name}: there is no such database", "Name it with --db.")
    database = open_database(url)
    try:
        return await database.read(lambda c: _problems(c, confirmed))
    except FAILURES as error:
        raise IntakeError(
            "damaged", f"The database cannot be read ({told_apart(error).reason})", "Restore a backup."
        ) from error
    finally:
        await database.close()


def _problems(connection: Connection, confirmed: Confirmed) -> list[str]:
    problems: list[str] = []
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("PRAGMA integrity_check(20)").all()
        problems += [str(row[0]) for row in rows if row[0] != "ok"]
    service = {row.name: row.value for row in connection.execute(select(SERVICE.c.name, SERVICE.c.value))}
    if confirmed.service is None:
        problems.append("the receipt log is missing")
    elif confirmed.service != service.get("id"):
        problems.append("the receipt log belongs to another database")
    problems += [f"lost: {loss.text}" for loss in find_losses(connection, confirmed)]
    return problems + _wrong_bodies(connection) + _wrong_events(connection)


def _wrong_bodies(connection: Connection) -> list[str]:
    columns = (SUBMISSIONS.c.receipt, SUBMISSIONS.c.sha256, SUBMISSIONS.c.size, SUBMISSIONS.c.body)
    rows = connection.execute(select(*columns).execution_options(yield_per=1))
    return [
        f"submission {row.receipt} has other bytes than its hash says"
        for row in rows
        if len(row.body) != row.size or hashlib.sha256(row.body).hexdigest() != row.sha256
    ]


def _wrong_events(connection: Connection) -> list[str]:
    problems = []
    place, seq, before = ("", ""), 0, GENESIS
    query = select(EVENTS).order_by(EVENTS.c.invite, EVENTS.c.record, EVENTS.c.seq)
    for row in connection.execute(query.execution_options(yield_per=200)):
        if (row.invite, row.record) != place:
            place, seq, before = (row.invite, row.record), 0, GENESIS
        try:
            event = Event.model_validate_json(row.line)
            fine = event.expected_hash() == event.hash == row.hash
            fine = fine and (event.seq, event.prev) == (seq + 1, before) and row.seq == event.seq
        except ValueError:
            fine = False
        if not fine:
            problems.append(
                f"record {row.record}: event {row.seq} is not what was received, or does not continue the one before"
            )
        seq, before = row.seq, row.hash
    return problems


async def accept(url: str, log: Path) -> list[str]:
    """Go on after a loss: note in the log what is missing, or start a log where there is none.

    Returns:
        What was given up, one sentence part each.

    Raises:
        IntakeError: If database or log cannot be read.
    """
    receipts = ReceiptLog(log)
    confirmed = receipts.load()
    database = open_database(url)

    def note(connection: Connection) -> list[str]:
        service = connection.execute(select(SERVICE.c.value).where(SERVICE.c.name == "id")).scalar_one()
        losses = find_losses(connection, confirmed)
        if not receipts.exists:
            receipts.create(service)
        receipts.append([loss.entry for loss in losses])
        receipts.append(missing_lines(connection, receipts.confirmed))
        return [loss.text for loss in losses]

    try:
        given_up = await database.read(note)
    except FAILURES as error:
        raise IntakeError(
            "damaged", f"The database cannot be read ({told_apart(error).reason})", "Restore a backup."
        ) from error
    finally:
        await database.close()
    await (await open_storage(url, log)).close()  # says what is still in the way
    return given_up
