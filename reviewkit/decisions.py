"""Raters' decisions in the store: a table that only grows. The first word of a rater stays; a later one is one more row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import DDL, Column, Integer, String, Table, Text, event, inspect, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.schema import ExecutableDDLElement

from reviewkit.scorecard import Decision
from reviewkit.store import METADATA, open_engine

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("finding", Text),
    Column("defect", Text),
    Column("item", Text),
    Column("outcome", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""`sha256` names the submission, `sequence` the order in which decisions were stored; the rest are a `Decision`'s fields."""
for _verb in ("UPDATE", "DELETE"):
    _trigger: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER decisions_no_{_verb.lower()} BEFORE {_verb} ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END"
    )
    event.listen(DECISIONS, "after_create", _trigger.execute_if(dialect="sqlite"))
_FIELDS = tuple(Decision.model_fields)


async def add(url: str, sha256: str, decisions: Sequence[Decision]) -> None:
    """Append decisions about one submission, all or none; concurrent writers wait for each other and all are kept.

    Args:
        url: SQLAlchemy URL of an async driver.
        sha256: The submission's hash.
        decisions: In the order in which they were taken.

    Raises:
        sqlalchemy.exc.OperationalError: If another writer holds the store for longer than `store.BUSY_SECONDS`.
    """
    if not decisions:
        return
    values = [{"sha256": sha256, **decision.model_dump(mode="json")} for decision in decisions]
    engine = open_engine(url, writes=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
            for value in values:  # one by one: sequence numbers follow the order given
                await connection.execute(DECISIONS.insert().values(**value))
    finally:
        await engine.dispose()


async def of(url: str, sha256: str) -> tuple[Decision, ...]:
    """Decisions about one submission in the order in which they were stored; none when there is no store yet."""
    return (await _read(url, sha256)).get(sha256, ())


async def everything(url: str) -> dict[str, tuple[Decision, ...]]:
    """All decisions of a store by the submission's hash, each in the order in which they were stored."""
    return await _read(url, None)


async def _read(url: str, sha256: str | None) -> dict[str, tuple[Decision, ...]]:
    if not _exists(url):
        return {}
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_select, sha256)
    finally:
        await engine.dispose()


def _exists(url: str) -> bool:
    """Whether there is a store to read; opening a SQLite file that is not there would make one."""
    where = make_url(url)
    return where.get_backend_name() != "sqlite" or not where.database or Path(where.database).is_file()


def _select(connection: Connection, sha256: str | None) -> dict[str, tuple[Decision, ...]]:
    if not inspect(connection).has_table(DECISIONS.name):
        return {}
    query = select(DECISIONS).order_by(DECISIONS.c.sequence)
    if sha256 is not None:
        query = query.where(DECISIONS.c.sha256 == sha256)
    found: dict[str, list[Decision]] = {}
    for row in connection.execute(query).mappings():
        decision = Decision.model_validate({name: row[name] for name in _FIELDS})
        found.setdefault(row["sha256"], []).append(decision)
    return {key: tuple(held) for key, held in found.items()}
