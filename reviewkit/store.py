"""The store: one row per scored submission, kept over batches. SQLite by default, any SQLAlchemy async URL otherwise."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Float, Integer, MetaData, String, Table, Text, UniqueConstraint, event, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from reviewkit import __version__
from reviewkit.row import Row

METADATA = MetaData()
"""Of every table of the store."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another one's transaction."""
_WAL_TRIES = 100
SUBMISSIONS = Table(
    "submissions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("candidate", Text, nullable=False),
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
        writes: Take SQLite's write lock as a transaction begins, so that what it reads cannot change before it writes;
            writers wait for each other up to `BUSY_SECONDS`.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine.sync_engine, "connect", _durable)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


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
    engine = open_engine(url, writes=True)
    values = []
    for row in rows:
        card = json.loads((out / row.scorecard).read_text("utf-8")) if row.scorecard else None
        taken = {name: getattr(row, name) for name in _COPIED}
        values.append({**taken, "file": _storable(row.file), "scorer_version": __version__, "scorecard": card})
    try:
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
            await connection.run_sync(_replace, values)
    finally:
        await engine.dispose()


def _storable(text: str) -> str:
    """A file name may hold bytes that are no UTF-8; a database takes none of them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _replace(connection: Connection, values: list[dict[str, Any]]) -> None:
    key = ("file", "sha256", "rubric_version", "scorer_version")
    for value in values:
        same = [SUBMISSIONS.c[name] == value[name] for name in key]
        connection.execute(SUBMISSIONS.delete().where(*same))
        connection.execute(SUBMISSIONS.insert().values(**value))


async def stored(url: str) -> list[dict[str, Any]]:
    """All rows of a store, oldest first, with their scorecards."""
    engine = open_engine(url, writes=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
            result = await connection.execute(select(SUBMISSIONS).order_by(SUBMISSIONS.c.id))
            return [dict(row) for row in result.mappings()]
    finally:
        await engine.dispose()
