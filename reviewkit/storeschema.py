"""The version of a store's tables: a new store gets all of them, an earlier one is brought up, a later one refused.

A store says its version in a table of one row, as alembic writes it. alembic itself is only loaded to bring a store up.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from sqlalchemy import Column, MetaData, String, Table, inspect, select
from sqlalchemy.engine import Connection

from reviewkit.errors import DataError

VERSIONS: Final = ("0001", "0002")
"""Of stores that this reviewkit knows, the last is its own; `reviewkit/migrations/versions` has a module for each."""
VERSION_TABLE: Final = Table("store_version", MetaData(), Column("version_num", String(32), nullable=False, primary_key=True))
_FIRST: Final = frozenset(("submissions", "decisions", "hiring_decisions", "live_notes", "invite_changes"))
"""Any of these without a version: a store of the time before versions."""


def make_current(connection: Connection, metadata: MetaData, name: str) -> None:
    """Give a store the tables of this version, in a transaction in which nobody else writes.

    Args:
        connection: In that transaction.
        metadata: Of every table.
        name: What the store is called in a sentence.

    Raises:
        DataError: If a later reviewkit wrote the store.
    """
    version = version_of(connection, name)
    if version == VERSIONS[-1]:
        return
    if version is None and not _FIRST & set(inspect(connection).get_table_names()):
        metadata.create_all(connection)
        VERSION_TABLE.create(connection)
        connection.execute(VERSION_TABLE.insert().values(version_num=VERSIONS[-1]))
    else:
        upgrade(connection)


def version_of(connection: Connection, name: str) -> str | None:
    """Version of a store; None where it has none yet.

    Raises:
        DataError: If a later reviewkit wrote it.
    """
    if not inspect(connection).has_table(VERSION_TABLE.name):
        return None
    version = connection.execute(select(VERSION_TABLE.c.version_num)).scalar()
    if version is not None and version not in VERSIONS:
        fact = f"was written by a later reviewkit (version {version} of the store, this one knows {VERSIONS[-1]})"
        raise DataError(name, fact, "Nothing was changed; install that reviewkit here too.")
    return version


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run alembic's migrations in the transaction of a connection."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(files("reviewkit") / "migrations").replace("%", "%%"))
    command.upgrade(config, to)


def grow_only(table: str, dialect: str) -> Sequence[str]:
    """Statements after which rows can be added to a table and nothing else; the triggers are `<table>_no_<verb>`."""
    verbs = ("update", "delete")
    if dialect == "sqlite":
        said = f"SELECT RAISE(ABORT, '{table} are only ever added')"
        return [f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} BEGIN {said}; END" for verb in verbs]
    function = (
        "CREATE OR REPLACE FUNCTION store_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% are only ever added', TG_TABLE_NAME; END $$"
    )
    call = "FOR EACH ROW EXECUTE FUNCTION store_only_grows()"
    return [function, *(f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {call}" for verb in verbs)]
