"""Tables of the store that only grow: what persons said about a submission or a session, in the order in which they said it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import DDL, Column, Integer, String, Table, Text, event, inspect, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.schema import ExecutableDDLElement

from reviewkit.store import METADATA, open_engine

M = TypeVar("M", bound=BaseModel)


class Ledger(Generic[M]):
    """A table `sequence, <key>, <the model's fields>`, to which rows are only ever added.

    Args:
        name: Of the table.
        model: A flat model of texts; a field that is not required may be NULL.
        key: Column that says what a row is about: the hash of a submission, or the id of an `invite`.
    """

    def __init__(self, name: str, model: type[M], key: str = "sha256") -> None:
        self.model, self.fields, self.key = model, tuple(model.model_fields), key
        self.table = Table(
            name,
            METADATA,
            Column("sequence", Integer, primary_key=True),
            Column(key, String(64), nullable=False, index=True),
            *(Column(field, Text, nullable=info.default is None) for field, info in model.model_fields.items()),
            sqlite_autoincrement=True,
        )
        for verb in ("UPDATE", "DELETE"):
            trigger: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} are only ever added'); END"
            )
            event.listen(self.table, "after_create", trigger.execute_if(dialect="sqlite"))

    async def add(self, url: str, about: str, items: Sequence[M]) -> None:
        """Append items about one submission or invite, all or none; concurrent writers wait for each other and all are kept.

        Raises:
            sqlalchemy.exc.OperationalError: If another writer holds the store for longer than `store.BUSY_SECONDS`.
        """
        if not items:
            return
        engine = open_engine(url, writes=True)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
                for item in items:  # one by one: sequence numbers follow the order given
                    values = {self.key: about, **item.model_dump(mode="json")}
                    await connection.execute(self.table.insert().values(**values))
        finally:
            await engine.dispose()

    async def read(self, url: str, about: str | None = None) -> dict[str, tuple[M, ...]]:
        """Items by what they are about, of one or of all, each in the order in which they were stored; none without a store."""
        if not _exists(url):
            return {}
        engine = open_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(self._select, about)
        finally:
            await engine.dispose()

    def _select(self, connection: Connection, about: str | None) -> dict[str, tuple[M, ...]]:
        if not inspect(connection).has_table(self.table.name):
            return {}
        query = select(self.table).order_by(self.table.c.sequence)
        if about is not None:
            query = query.where(self.table.c[self.key] == about)
        found: dict[str, list[M]] = {}
        for row in connection.execute(query).mappings():
            item = self.model.model_validate({name: row[name] for name in self.fields})
            found.setdefault(row[self.key], []).append(item)
        return {key: tuple(held) for key, held in found.items()}


@contextmanager
def erasable(connection: Connection) -> Iterator[None]:
    """Let a person's rows be deleted for good in this transaction; what keeps ledgers from being changed comes back after it."""
    guards: list[tuple[str, str]] = []
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB '*_no_delete'"
        guards = [(row[0], row[1]) for row in connection.exec_driver_sql(query)]
    for name, _statement in guards:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _name, statement in guards:
        connection.exec_driver_sql(statement)


def _exists(url: str) -> bool:
    """Whether there is a store to read; opening a SQLite file that is not there would make one."""
    where = make_url(url)
    return where.get_backend_name() != "sqlite" or not where.database or Path(where.database).is_file()
