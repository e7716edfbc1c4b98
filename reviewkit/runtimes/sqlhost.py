"""The far end of `%%sql`: a process that holds the connections of one kernel. Protocol: reviewkit.runtimes.base.

Started as `python -P -m reviewkit.runtimes.sqlhost FOLDER`; makes the folder, and removes it when its input ends, with the PostgreSQL server
that it may have started. One request at a time; a session is a connection that stays open between cells, with its transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from reviewkit.runtimes.base import HostError, MissingRuntimeError
from reviewkit.runtimes.sqlserver import OwnServer, connected, one_line
from reviewkit.runtimes.sqltext import Statement, statements, table

BUSY_SECONDS: Final = 2.0
"""How long SQLite waits for a lock of another session."""
MOST_ROWS: Final = 10_000
ORPHAN_SECONDS: Final = 0.5
"""How often it is looked whether the kernel still lives."""


@dataclass(frozen=True)
class Result:
    """What a statement gave: rows, or a word such as `UPDATE 3`."""

    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[object]] = ()
    more: bool = False
    tag: str = ""


class StatementError(Exception):
    """A database refused a statement.

    Args:
        text: What it says.
        offset: Lines from the statement's first to the one meant, where known.
    """

    def __init__(self, text: str, offset: int = 0) -> None:
        super().__init__(text)
        self.text, self.offset = text, offset


class Session(Protocol):
    """An open connection."""

    @property
    def is_open(self) -> bool:
        """Whether the database has not ended it."""

    async def run(self, sql: str, rows: int) -> Result:
        """Run one statement; at most so many rows are read. Raises StatementError. Stops the statement when it is cancelled."""

    async def close(self) -> None:
        """Give the connection back; an open transaction is rolled back."""


class SqliteSession:
    """A connection to a file."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA foreign_keys = ON")

    @property
    def is_open(self) -> bool:
        """As `Session.is_open`: nobody else ends it."""
        return True

    async def run(self, sql: str, rows: int) -> Result:
        """As `Session.run`."""
        work = asyncio.ensure_future(asyncio.to_thread(self._work, sql, rows))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():  # an interrupt that comes before the statement does nothing
                self._connection.interrupt()
                await asyncio.wait([work], timeout=0.02)
            with contextlib.suppress(StatementError):
                work.result()
            raise

    def _work(self, sql: str, rows: int) -> Result:
        try:
            cursor = self._connection.execute(sql)
            if cursor.description is None:
                return Result(tag=f"{cursor.rowcount} row{'' if cursor.rowcount == 1 else 's'} changed" if cursor.rowcount >= 0 else "done")
            columns = tuple(str(column[0]) for column in cursor.description)
            found = cursor.fetchmany(rows + 1)
            cursor.close()
            return Result(columns, found[:rows], len(found) > rows)
        except (sqlite3.Error, sqlite3.Warning, MemoryError, OverflowError) as error:
            raise StatementError(str(error) or type(error).__name__) from None

    async def close(self) -> None:
        """As `Session.close`."""
        await asyncio.to_thread(self._connection.close)


class PostgresSession:
    """A connection to a server."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str, *, is_own: bool = False) -> PostgresSession:
        """Open it; as `connected`.

        Raises:
            MissingRuntimeError: Without the driver.
            HostError: If the server does not answer or refuses.
        """
        return cls(await connected(url, is_own=is_own))

    @property
    def is_open(self) -> bool:
        """As `Session.is_open`."""
        return not self._connection.is_closed()

    async def run(self, sql: str, rows: int) -> Result:
        """As `Session.run`; what the server sends beside the rows is not shown."""
        import asyncpg

        try:
            prepared = await self._connection.prepare(sql)
            columns = tuple(attribute.name for attribute in prepared.get_attributes())
            found = await prepared.fetch()
            tag = prepared.get_statusmsg()
        except asyncpg.PostgresError as error:
            raise StatementError(_postgres_words(error), _offset(error, sql)) from None
        except (asyncpg.InterfaceError, OSError) as error:
            raise StatementError(one_line(error)) from None
        if not columns:
            return Result(tag=tag)
        return Result(columns, [tuple(row) for row in found[:rows]], len(found) > rows)

    async def close(self) -> None:
        """As `Session.close`."""
        self._connection.terminate()


def _postgres_words(error: Any) -> str:
    if not error.severity:  # not the server's: the driver's own, about a connection that has ended
        return f"{one_line(error).rstrip('.')}. The next cell opens a fresh connection."
    parts = [f"{error.severity}: {error.message}"]
    parts += [f"{word}: {said}" for word, said in (("DETAIL", error.detail), ("HINT", error.hint)) if said]
    return "\n".join(parts)


def _offset(error: Any, sql: str) -> int:
    place = str(error.position or "")
    return sql.count("\n", 0, int(place) - 1) if place.isdigit() else 0


class Sessions:
    """All connections of the kernel, by database and name, and the server that some of them use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[str, str], Session] = {}
        self._server = OwnServer(folder / "postgres")

    async def get(self, database: str, name: str) -> Session:
        """An open connection; a fresh one where the database has ended the one of that name.

        Args:
            database: `postgres`, for the first database of an own server; `postgres/NAME` for a further one, made where it is not there; an
                address of a server; or a file of SQLite.
            name: Of the session.

        Raises:
            HostError: If it cannot be opened; `MissingRuntimeError` where a part is not installed.
        """
        key = (database, name)
        if key not in self._open or not self._open[key].is_open:
            self._open[key] = await self._connect(database)
        return self._open[key]

    async def _connect(self, database: str) -> Session:
        own, _, name = database.partition("/")
        if own == "postgres":
            return await PostgresSession.connect(await self._server.url(name), is_own=True)
        if database.startswith(("postgresql://", "postgres://")):
            return await PostgresSession.connect(database)
        file = Path(database) if database else self._folder / "cells.sqlite"
        try:
            return SqliteSession(file)
        except sqlite3.Error as error:
            raise HostError(f"{file.name} cannot be opened ({error})", "Name a file of SQLite, or a new one in a folder that is there.") from None

    async def url(self, name: str, *, fresh: bool, like: str) -> str:
        """Address of a database of the own server; as `OwnServer.url`. Sessions of one that begins anew, or is copied, are closed."""
        for key in [key for key in self._open if fresh and key[0] in (f"postgres/{name}", f"postgres/{like}")]:
            await self._open.pop(key).close()
        return await self._server.url(name, fresh=fresh, like=like)

    async def reset(self) -> None:
        """Close every session."""
        sessions, self._open = list(self._open.values()), {}
        for session in sessions:
            with contextlib.suppress(Exception):
                await session.close()

    async def end(self) -> None:
        """End the server."""
        await self._server.close()


class Far:
    """Answers requests."""

    def __init__(self, sessions: Sessions, tell: Callable[[dict[str, Any]], None]) -> None:
        self._sessions, self._tell = sessions, tell

    async def answer(self, request: dict[str, Any]) -> None:
        """Do what a request asks for, and tell how it ended."""
        number, begun = request["id"], time.perf_counter()
        error: dict[str, str] | None = None
        value = ""
        try:
            async with asyncio.timeout(float(request["timeout"])):
                value = await self._fresh(request)
                if request["op"] == "run":
                    await self._run(request)
        except TimeoutError:
            error = {"kind": "timeout"}
        except asyncio.CancelledError:
            error = {"kind": "stopped"}
        except StatementError as refused:
            error = {"kind": "error", "text": refused.text}
        except MissingRuntimeError as missing:
            error = {"kind": "missing", "text": f"{missing.fact}\n{missing.next_step}"}
        except HostError as fault:
            error = {"kind": "error", "text": str(fault)}
        except MemoryError:
            error = {"kind": "memory"}
        self._tell({"id": number, "end": True, "error": error, "value": value, "ms": (time.perf_counter() - begun) * 1000})

    async def _fresh(self, request: dict[str, Any]) -> str:
        """Address of the database that a request asks for by itself, or asks to begin anew; empty where it does neither."""
        if request["op"] != "url" and not request["fresh"]:
            return ""
        name = request["database"].partition("/")[2]
        return await self._sessions.url(name, fresh=request["fresh"], like=request["like"])

    async def _run(self, request: dict[str, Any]) -> None:
        session = await self._sessions.get(request["database"], request["session"])
        for statement in statements(request["code"]):
            result = await self._one(session, statement, request)
            text = table(result.columns, result.rows, more=result.more) if result.columns else result.tag + "\n"
            self._tell({"id": request["id"], "stream": "stdout", "text": text})

    async def _one(self, session: Session, statement: Statement, request: dict[str, Any]) -> Result:
        try:
            return await session.run(statement.text, min(int(request["rows"]), MOST_ROWS))
        except StatementError as error:
            raise StatementError(f"{request['name']}:{statement.line + error.offset}: {error.text}") from None


def _tell(event: dict[str, Any]) -> None:
    sys.stdout.write("\n\x1e" + json.dumps(event) + "\n")
    sys.stdout.flush()


async def _serve(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(requests.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(requests.put_nowait, None)

    sessions = Sessions(folder)
    far = Far(sessions, _tell)
    threading.Thread(target=read, daemon=True).start()
    watching = asyncio.create_task(_end_with(os.getppid(), requests))
    _tell({"ready": True})
    working: asyncio.Task[None] | None = None
    try:
        while (request := await requests.get()) is not None:
            if request["op"] in ("run", "url"):
                working = asyncio.create_task(far.answer(request))
            elif request["op"] == "stop" and working is not None:
                working.cancel()
    finally:
        watching.cancel()
        if working is not None and not working.done():
            working.cancel()
            await asyncio.wait([working], timeout=1)
        await sessions.reset()
        await sessions.end()


async def _end_with(parent: int, requests: asyncio.Queue[dict[str, Any] | None]) -> None:
    """End the requests when the kernel is gone: a process forked off it may keep the other end of the pipe open."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(ORPHAN_SECONDS)
    requests.put_nowait(None)


def main() -> None:
    """Serve until the input ends."""
    folder = Path(sys.argv[1])
    folder.mkdir(mode=0o711)
    try:
        asyncio.run(_serve(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # the thread that reads may wait for ever


if __name__ == "__main__":
    main()
