"""What the peers' notebooks check with: the check text on a warehouse in the notebook's own process, without isolation.

In a peer's kernel this folder and that of the check text are on the path. `shelves` is the same as in `harness/world.py` of the
scenario, with the database beside it: SQLAlchemy and aiosqlite on a file.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import checktext
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.util import await_only

PATIENCE = 2.0
Take = Callable[..., Awaitable[Any]]


class Barrier:
    """Lets readers go on together once all have come, or once nobody has come for a while."""

    def __init__(self, parties: int) -> None:
        self._parties, self._arrived, self._open = parties, 0, asyncio.Event()

    async def wait(self) -> None:
        """Arrive, and stay until the others are there."""
        self._arrived += 1
        if self._arrived >= self._parties:
            self._open.set()
        try:
            await asyncio.wait_for(self._open.wait(), PATIENCE)
        except TimeoutError:
            self._open.set()


class Shelves:
    """A warehouse with an empty database."""

    def __init__(self, take: Take, shelf: Any, path: Path) -> None:
        self._take, self._shelf, self._path = take, shelf, path
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    async def open(self) -> None:
        """Make the tables."""
        async with self._engine.begin() as connection:
            await connection.run_sync(self._shelf.metadata.create_all)

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def fill(self, product: str, units: int) -> None:
        """Put units on a shelf."""
        async with self._sessions.begin() as session:
            session.add(self._shelf(product=product, on_hand=units))

    async def take(self, product: str, count: int) -> Any:
        """Take units: True, False, or the name of an error."""
        try:
            async with self._sessions.begin() as session:
                return await self._take(session, product, count)
        except Exception as error:
            return type(error).__name__

    async def together(self, orders: Sequence[tuple[str, int]]) -> list[Any]:
        """Take units at the same time."""
        return list(await asyncio.gather(*(self.take(product, count) for product, count in orders)))

    def meet(self, parties: int) -> None:
        """Let readers of the table go on together."""
        barrier = Barrier(parties)

        def after(_conn: Any, _cursor: Any, sql: str, _parameters: Any, _context: Any, _many: bool) -> None:
            if sql.lstrip().upper().startswith("SELECT") and "shelves" in sql:
                await_only(barrier.wait())

        event.listen(self._engine.sync_engine, "after_cursor_execute", after)

    def left(self, product: str) -> int:
        """Units on a shelf."""
        connection = sqlite3.connect(self._path)
        try:
            return int(connection.execute("SELECT on_hand FROM shelves WHERE product = ?", (product,)).fetchone()[0])
        finally:
            connection.close()


async def _check(name: str, take: Take, shelf: Any) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        shelves = Shelves(take, shelf, Path(folder) / "main.sqlite")
        await shelves.open()
        try:
            return bool(await checktext.CHECKS[name](shelves))
        finally:
            await shelves.close()


def passes(name: str, names: dict[str, Any]) -> bool:
    """Whether a check passes on what a notebook defined; in a thread, since a kernel has a loop of its own."""
    if name == "findings":
        return bool(checktext.names_the_race(names["findings"]))
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(_check(name, names["take"], names["Shelf"]))))
    thread.start()
    thread.join()
    return found == [True]
