"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from reviewkit.runtimes import postgres
from reviewkit.runtimes.postgres import find_binaries as binaries

__all__ = ["Server", "binaries"]


class Server(postgres.Server):
    """A running server, in a folder of its own beside those of the tests: another user than root must get there."""

    def execute(self, *statements: str, database: str = "postgres") -> Sequence[Any]:
        """Run statements, each by itself; the rows of the last."""

        async def work() -> Sequence[Any]:
            connection = await asyncpg.connect(self.url(database))
            try:
                rows: Sequence[Any] = ()
                for statement in statements:
                    rows = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(work())

    def new_database(self) -> str:
        """URL of an empty database."""
        name = self.new_name()
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)
