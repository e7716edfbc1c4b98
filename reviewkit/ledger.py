"""Tables of the store that only grow: what persons said about a submission or a session, in the order in which they said it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Column, Integer, String, Table, Text, event, inspect, select
from sqlalchemy.engine import Connection, make_url

from reviewkit.store import METADATA, name_of, open_engine, told, writing
from reviewkit.storeschema import grow_only, version_of

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
        event.listen(self.table, "after_create", _guard)

    async def add(self, url: str, about: str, items: Sequence[M]) -> None:
        """Append items about one submission or invite, all or none; concurrent writers wait for each other and all are kept.

        Raises:
            DataError: If the store cannot be used, or another writer holds it for longer than `store.BUSY_SECONDS`.
        """
        if not items:
            return
        async with writing(url) as connection:
            for item in items:  # one by one: sequence numbers follow the order given
                values = {self.key: about, **item.model_dump(mode="json")}
                await connection.execute(self.table.insert().values(**values))

    async def read(self, url: str, about: str | None = None) -> dict[str, tuple[M, ...]]:
        """Items by what they are about, of one or of all, each in the order in which they were stored; none without a store."""
        if not _exists(url):
            return {}
        with told(url):
            engine = open_engine(url)
            try:
                async with engine.connect() as connection:
                    return await connection.run_sync(self._select, about, name_of(url))
            finally:
                await engine.dispose()

    def _select(self, connection: Connection, about: str | None, name: str) -> dict[str, tuple[M, ...]]:
        version_of(connection, name)  # of a later reviewkit nothing is read; what this table holds is the same in all before
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
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB '*_no_delete'"
        found = [(row[0], row[1]) for row in connection.exec_driver_sql(query)]
        off, on = [f"DROP TRIGGER {name}" for name, _ in found], [statement for _, statement in found]
    else:
        query = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%\\_no\\_delete'"
        guards = [f"{row[1]} {{}} TRIGGER {row[0]}" for row in connection.exec_driver_sql(query)]
        off, on = ([f"ALTER TABLE {guard.format(verb)}" for guard in guards] for verb in ("DISABLE", "ENABLE"))
    for statement in off:
        connection.exec_driver_sql(statement)
    yield
    for statement in on:
        connection.exec_driver_sql(statement)


def _guard(table: Table, connection: Connection, **_: object) -> None:
    for statement in grow_only(table.name, connection.dialect.name):
        connection.exec_driver_sql(statement)


def _exists(url: str) -> bool:
    """Whether there is a store to read; opening a SQLite file that is not there would make one."""
    where = make_url(url)
    return where.get_backend_name() != "sqlite" or not where.database or Path(where.database).is_file()
