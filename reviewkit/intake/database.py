"""The intake's database: durable commits, one writer at a time, errors told apart.

Work is a plain function of a connection. SQLite runs it whole in a thread of its own: a hop between threads for each
statement, as an async driver makes, cost ten times the commit itself under load. PostgreSQL runs the same function on
asyncpg.

SQLite: WAL, `synchronous=FULL` and the busy timeout are settings of each connection; Python's driver would open
deferred transactions by itself, so it is told not to, and writers say BEGIN IMMEDIATE. PostgreSQL: an advisory lock
makes writers take turns, so that ids appear in the order of commits.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from reviewkit.database import sqlite_path
from reviewkit.errors import IntakeError

_ADVISORY: Final = 0x7265766965776B
_NOTHING: Final = "Nothing was accepted. Please retry."
_FULL: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE")
_SYNC: Final = ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC")
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_FULL_ERRNOS: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_PRAGMAS: Final = ("synchronous=FULL", "fullfsync=ON", "secure_delete=ON", "trusted_schema=OFF")
READERS: Final = 4
BUSY_SECONDS: Final = 10
"""How long a connection waits for another process's transaction."""
_WAL_TRIES: Final = 100
FAILURES: Final = (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError)
"""What `told_apart` understands."""
T = TypeVar("T")


class Database(Protocol):
    """What the storage needs of a database."""

    file: Path | None
    """Of a SQLite database."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction that only reads."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction of its own; on disk when this returns."""

    async def outside(self, statements: Sequence[str]) -> None:
        """Run statements that no transaction may hold."""

    async def reset(self) -> None:
        """Drop the writing connection after a failure: it may keep a broken transaction."""

    async def close(self) -> None:
        """Close all connections."""

    def free_bytes(self) -> int | None:
        """Free space of its disk, where it is one of ours."""


def open_database(url: str) -> Database:
    """The database of a URL of `reviewkit.database.database_url`; nothing is connected yet."""
    file = sqlite_path(url)
    return _Sqlite(file) if file is not None else _Postgres(url)


class _Sqlite:
    """A local file."""

    def __init__(self, file: Path) -> None:
        self.file: Path | None = file
        url = f"sqlite:///{file}"
        self._writer, self._reader = _sqlite_engine(url, 1, "BEGIN IMMEDIATE"), _sqlite_engine(url, READERS, "BEGIN")
        self._write_thread = ThreadPoolExecutor(1, "intake-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "intake-reader")

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._read_threads, self._reader, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._write_thread, self._writer, work)

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        def whole() -> T:
            with engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(threads, whole)

    async def outside(self, statements: Sequence[str]) -> None:
        def run() -> None:
            connection = self._writer.raw_connection()
            try:
                cursor = connection.cursor()
                for statement in statements:
                    cursor.execute(statement)
                    cursor.fetchall()
            finally:
                connection.close()

        await asyncio.get_running_loop().run_in_executor(self._write_thread, run)

    async def reset(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._write_thread, self._writer.dispose)

    async def close(self) -> None:
        for threads, engine in ((self._read_threads, self._reader), (self._write_thread, self._writer)):
            await asyncio.get_running_loop().run_in_executor(threads, engine.dispose)
            threads.shutdown()

    def free_bytes(self) -> int | None:
        return shutil.disk_usage(self.file.parent).free if self.file else None


class _Postgres:
    """A server, through asyncpg."""

    def __init__(self, url: str) -> None:
        self.file: Path | None = None
        self._engine = create_async_engine(url, pool_pre_ping=True, pool_size=READERS + 1, max_overflow=0)

        @event.listens_for(self._engine.sync_engine, "connect")
        def _connect(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("SET synchronous_commit = on")
            cursor.close()
            connection.commit()

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY})")
            return await connection.run_sync(work)

    async def outside(self, statements: Sequence[str]) -> None:
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in statements:
                await connection.exec_driver_sql(statement)

    async def reset(self) -> None:
        return  # the pool drops a broken connection by itself

    async def close(self) -> None:
        await self._engine.dispose()

    def free_bytes(self) -> int | None:
        return None


def _sqlite_engine(url: str, connections: int, begin: str) -> Engine:
    engine = create_engine(
        make_url(url), pool_size=connections, max_overflow=0, pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        mode = _to_wal(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, level) != ("wal", 2):
            step = "Keep the database on a local disk: network file systems lose what was confirmed."
            raise IntakeError("not_durable", "This file system does not let the database commit durably", step, 503)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _to_wal(connection: Any) -> str:
    """Switch to the write-ahead log; two first openers get `locked` here without any waiting."""
    for _ in range(_WAL_TRIES):
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
    raise TimeoutError


def told_apart(error: BaseException) -> IntakeError:
    """What a failure of database or disk means for a client: 507 full, 503 otherwise; `stopped` after a failed sync."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", None) or ""
    number = cause.errno if isinstance(cause, OSError) else None
    if name in _SYNC or number == errno.EIO:
        return IntakeError("stopped", "The disk failed to confirm a write, so nothing more is accepted", _NOTHING, 503)
    if name in _FULL or number in _FULL_ERRNOS:
        return IntakeError("disk_full", "The disk of the intake is full", _NOTHING, 507)
    if name in _DAMAGED or (isinstance(cause, sqlite3.DatabaseError) and "malformed" in str(cause)):
        return IntakeError("damaged", "The database of the intake is damaged", _NOTHING, 503)
    if isinstance(cause, TimeoutError) or name == "SQLITE_BUSY":
        return IntakeError("busy", "The intake is busy", _NOTHING, 503)
    return IntakeError("failed", f"The intake could not store this ({type(cause).__name__})", _NOTHING, 503)
