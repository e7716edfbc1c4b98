"""The store: one row per scored submission, kept over batches. SQLite by default, PostgreSQL by its URL."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import JSON, Column, Float, Integer, MetaData, String, Table, Text, UniqueConstraint, event, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reviewkit import __version__
from reviewkit.errors import DataError, UsageError
from reviewkit.row import Row
from reviewkit.storeschema import make_current

METADATA = MetaData()
"""Of every table of the store."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another one's transaction."""
_WAL_TRIES = 100
_ADVISORY: Final = 0x72657669657773
"""PostgreSQL's lock of the store's writers: with it what was added last has the highest number, as in SQLite."""
SUBMISSIONS = Table(
    "submissions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("candidate", Text, nullable=False, index=True),
    Column("scenario", Text, nullable=False),
    Column("scenario_version", Text, nullable=False),
    Column("rubric_version", Text, nullable=False),
    Column("scorer_version", Text, nullable=False),
    Column("total", Float),
    Column("over", Float),
    Column("low", Float),
    Column("high", Float),
    Column("band", Text, nullable=False),
    Column("gates", Text, nullable=False),
    Column("waiting", Integer),
    Column("flags", Integer, nullable=False),
    Column("unscored", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("scorecard", JSON),
    UniqueConstraint("file", "sha256", "rubric_version", "scorer_version", name="one_row_per_scoring"),
)
"""The same bytes scored with the same rubric and scorer are one row; a new rubric version adds one beside it."""
_COPIED = (
    "file", "sha256", "candidate", "scenario", "scenario_version", "rubric_version", "total", "over", "low", "high",
    "band", "gates", "waiting", "flags", "unscored", "sentence",
)  # fmt: skip


def open_engine(url: str, *, writes: bool = False) -> AsyncEngine:
    """An engine of the store.

    Args:
        url: SQLAlchemy URL of an async driver.
        writes: Take the write lock as a transaction begins, so that what it reads cannot change before it writes;
            writers wait for each other up to `BUSY_SECONDS`.

    Raises:
        UsageError: If the driver of the URL is not installed.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return _server_engine(url, writes=writes)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine.sync_engine, "connect", _durable)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _server_engine(url: str, *, writes: bool) -> AsyncEngine:
    try:
        engine = create_async_engine(url)
    except ModuleNotFoundError as error:
        raise UsageError(f"A store on PostgreSQL needs {error.name}.", "Install it with: pip install 'reviewkit[postgres]'") from None
    if writes:

        def take_turns(connection: Connection) -> None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS:.0f}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY})")

        event.listen(engine.sync_engine, "begin", take_turns)
    return engine


def name_of(url: str) -> str:
    """What a store is called in a sentence: its file, or that it is on a server; never a part of its URL."""
    parsed = make_url(url)
    return parsed.database or "the store" if parsed.get_backend_name() == "sqlite" else "the store on PostgreSQL"


@contextmanager
def told(url: str) -> Iterator[None]:
    """One sentence for whatever a database or its driver raises; no URL and no statement in it.

    Raises:
        DataError: In the place of that.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, DBAPIError | OSError) and not type(error).__module__.startswith("asyncpg"):
            raise
        fact = f"the store cannot be used ({type(getattr(error, 'orig', None) or error).__name__})"
        local = make_url(url).get_backend_name() == "sqlite"
        step = "Check the disk and its permissions" if local else "Check that the server runs and lets this user in"
        raise DataError(name_of(url), fact, f"{step}, or name another with --store.") from None


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction on a store, made or brought up to this version; nobody else writes in it.

    Raises:
        DataError: If the store cannot be used, or a later reviewkit wrote it.
        UsageError: If the driver of the URL is not installed.
    """
    with told(url):
        engine = open_engine(url, writes=True)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(make_current, every_table(), name_of(url))
                yield connection
        finally:
            await engine.dispose()


async def make_ready(url: str) -> None:
    """Make a store or bring it up, and so learn whether it can be used; raises what `writing` does."""
    async with writing(url):
        pass


def every_table() -> MetaData:
    """The tables of all parts of the store, some of which are defined where they are used."""
    from reviewkit import decisions, hiring, invite_store
    from reviewkit.live import notes

    assert all((decisions, hiring, invite_store, notes))  # noqa: S101 - imported for the tables that they define
    return METADATA


def _durable(connection: Any, _record: object) -> None:
    for again in range(_WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:  # two first openers: SQLite answers `locked` here without waiting
            if again == _WAL_TRIES - 1 or "locked" not in str(error):
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA synchronous=FULL")


async def save_rows(url: str, rows: Sequence[Row], out: Path) -> None:
    """Write the rows of a batch in one transaction; rows scored before in the same way are replaced.

    Args:
        url: SQLAlchemy URL of an async driver.
        rows: The batch.
        out: Folder in which each row's scorecard lies.
    """
    values = []
    for row in rows:
        card = json.loads((out / row.scorecard).read_text("utf-8")) if row.scorecard else None
        taken = {name: _storable(getattr(row, name)) for name in _COPIED}
        values.append({**taken, "scorer_version": __version__, "scorecard": card})
    async with writing(url) as connection:
        await connection.run_sync(_replace, values)


def _storable(value: Any) -> Any:
    """A file name may hold bytes that are no UTF-8, of which a database takes none; PostgreSQL no zero character either."""
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00") if isinstance(value, str) else value


def _replace(connection: Connection, values: list[dict[str, Any]]) -> None:
    key = ("file", "sha256", "rubric_version", "scorer_version")
    for value in values:
        same = [SUBMISSIONS.c[name] == value[name] for name in key]
        connection.execute(SUBMISSIONS.delete().where(*same))
        connection.execute(SUBMISSIONS.insert().values(**value))


async def stored(url: str) -> list[dict[str, Any]]:
    """All rows of a store, oldest first, with their scorecards."""
    async with writing(url) as connection:
        result = await connection.execute(select(SUBMISSIONS).order_by(SUBMISSIONS.c.id))
        return [dict(row) for row in result.mappings()]
