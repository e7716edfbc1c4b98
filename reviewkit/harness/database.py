"""A world's database: real SQLite outside the guest, observed statement by statement."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reviewkit.harness import bounds
from reviewkit.harness.bounds import MAX_SQL, STATEMENT_SECONDS, Bound, Held
from reviewkit.harness.gate import Gate

BUSY_SECONDS = 5.0
OWN_SECONDS = 5.0
"""What looking at a database from outside may take in its whole life; a guest may have made its schema."""
MAX_LOG_BYTES = 200_000_000
"""Size of a database's write-ahead log, which grows while a connection keeps reading and another writes."""
MAX_THREADS = 128
_NOW = getattr(time, "thread_time", time.monotonic)
"""Time of a thread that looks from outside: what the machine gives to others is not a guest's."""
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Statement:
    """One statement that the guest sent."""

    connection: int
    """Number of the guest's connection, 1-based, in order of connecting."""
    sql: str
    """As sent; implicit transactions appear as "BEGIN", ends as "COMMIT" and "ROLLBACK"."""
    params: Any


class _Link:
    """One connection of the guest."""

    def __init__(self, number: int, raw: sqlite3.Connection, held: Held) -> None:
        self.number = number
        self.lock = threading.Lock()
        self.raw = raw
        self.raw.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        self.bound = Bound(raw)
        self._held = held

    def run(self, what: str, sql: str, parameters: Any) -> dict[str, Any]:
        """Execute in the calling thread; errors become data."""
        self.bound.begin(STATEMENT_SECONDS)
        try:
            if what in ("commit", "rollback"):
                getattr(self.raw, what)()
                return self._reply(None)
            if len(sql) > MAX_SQL:
                raise sqlite3.DataError("statement too long")
            if what == "executescript":
                return self._reply(self.raw.executescript(sql))
            return self._reply(getattr(self.raw, what)(sql, parameters))
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            return self._with_state({"error": type(error).__name__, "message": str(error), "errorname": name})
        except MemoryError:
            return self._with_state({"error": "OperationalError", "message": "out of memory", "errorname": "SQLITE_NOMEM"})
        except (TypeError, ValueError, OverflowError) as error:
            return self._with_state({"error": "ProgrammingError", "message": str(error), "errorname": "SQLITE_MISUSE"})

    def _reply(self, cursor: sqlite3.Cursor | None) -> dict[str, Any]:
        if cursor is None:
            return self._with_state({"columns": [], "rows": [], "rowcount": -1, "lastrowid": None})
        rows = bounds.rows_of(cursor, self._held) if cursor.description else []
        columns = [column[0] for column in cursor.description or ()]
        rowcount, lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
        return self._with_state({"columns": columns, "rows": rows, "rowcount": rowcount, "lastrowid": lastrowid})

    def _with_state(self, reply: dict[str, Any]) -> dict[str, Any]:
        return {**reply, "in_transaction": self.raw.in_transaction}


class Database:
    """A named database of a world. Made by `World.database`."""

    def __init__(self, path: Path | None, schema: str, rows: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Make it in a file, or in memory where there is none: without a write-ahead log, so readers and writers wait for each other."""
        self._target = f"file:/reviewkit-{next(_NUMBERS)}?vfs=memdb" if path is None else str(path)
        self._uri = path is None
        self._log = None if path is None else path.with_name(f"{path.name}-wal")
        # Connections that wait for SQLite's write lock must not use up the threads that the lock's holder needs.
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="reviewkit-world")
        self._own = self._connection(None)
        self._own.execute("PRAGMA synchronous=OFF")
        self._own.execute("PRAGMA journal_mode=WAL")
        self._own.executescript(schema)
        for sql, params in rows:
            self._own.execute(sql, params)
        self._bound = Bound(self._own, _NOW)
        self._own_left = OWN_SECONDS
        self._held = Held()
        self.statements: list[Statement] = []
        """What the guest sent, in order, over all its connections."""
        self.connections_open = 0
        self.connections_peak = 0
        self._connected = 0
        self._links: dict[int, _Link] = {}
        self._holds: list[tuple[Gate, Callable[[str], bool]]] = []

    def _connection(self, isolation_level: str | None) -> sqlite3.Connection:
        return sqlite3.connect(
            self._target, timeout=BUSY_SECONDS, isolation_level=isolation_level, check_same_thread=False, uri=self._uri  # type: ignore[arg-type]
        )  # fmt: skip

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Committed state, read from outside."""
        with self._in_time():
            return [tuple(row) for row in bounds.own_rows_of(self._own.execute(sql, params))]

    def run(self, sql: str, *params: Any) -> None:
        """A write from outside: another system changes a row."""
        with self._in_time():
            self._own.execute(sql, params)

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """A table that is looked at may be a guest's view, a row that is changed may start its trigger."""
        begun = _NOW()
        self._bound.begin(self._own_left)
        try:
            yield
        finally:
            self._own_left -= _NOW() - begun

    def hold(self, gate: Gate, when: Callable[[str], bool]) -> None:
        """Hold the replies of statements for which `when(sql)` is true at `gate`."""
        self._holds.append((gate, when))

    def connect(self, isolation_level: str | None) -> int:
        """Open a connection for the guest; returns its number."""
        self._connected += 1
        link = _Link(self._connected, self._connection(isolation_level), self._held)
        self._links[link.number] = link
        self.connections_open += 1
        self.connections_peak = max(self.connections_peak, self.connections_open)
        return link.number

    async def ask(self, number: int, what: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer one request of the guest for its connection `number`."""
        link = self._links.get(number)
        if link is None:
            return {"error": "ProgrammingError", "message": "Cannot operate on a closed database."}
        if what == "close":
            del self._links[link.number]
            self.connections_open -= 1
            return await self._in_thread(partial(self._give_back, link))
        if what == "isolation":
            return await self._in_thread(partial(self._isolate, link, payload["value"]))
        return await self._execute(link, what, payload)

    async def _in_thread(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Whatever may wait for a lock of SQLite's waits here: the loop has other guests' requests to answer."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _give_back(self, link: _Link) -> dict[str, Any]:
        with link.lock:
            if link.raw.in_transaction:
                self.statements.append(Statement(link.number, "ROLLBACK", ()))
            link.raw.close()
        return {"in_transaction": False}

    def _isolate(self, link: _Link, level: str | None) -> dict[str, Any]:
        with link.lock:
            link.raw.isolation_level = level  # type: ignore[assignment]
            return {"in_transaction": link.raw.in_transaction}

    async def _execute(self, link: _Link, what: str, payload: dict[str, Any]) -> dict[str, Any]:
        sql, parameters = str(payload.get("sql", "")), payload.get("parameters", [])
        ending = what in ("commit", "rollback")

        loop = asyncio.get_running_loop()

        def work() -> dict[str, Any]:
            with link.lock:
                before = link.raw.in_transaction
                reply = (None if ending else self._full(link)) or link.run(what, sql, parameters)
                self._note(link, before, reply, what.upper() if ending else sql, parameters)
            with contextlib.suppress(RuntimeError):  # the loop has gone, and whoever would take the rows
                loop.call_soon_threadsafe(self._held.free, sum(map(bounds.size_of, reply.get("rows", ()))))
            return reply

        reply = await self._in_thread(work)
        if not ending:
            for gate, when in self._holds:
                if when(sql):
                    await gate.wait()
        return reply

    def _full(self, link: _Link) -> dict[str, Any] | None:
        """What SQLite says when the disk is full, once the log has grown beyond all bounds."""
        with contextlib.suppress(OSError):
            if self._log is not None and self._log.stat().st_size > MAX_LOG_BYTES:
                error = {"error": "OperationalError", "message": "database or disk is full", "errorname": "SQLITE_FULL"}
                return {**error, "in_transaction": link.raw.in_transaction}
        return None

    def _note(self, link: _Link, before: bool, reply: dict[str, Any], sql: str, parameters: Any) -> None:
        if sql in ("COMMIT", "ROLLBACK") and not before:
            return  # ending a transaction that never began is no fact about the data
        if reply.get("in_transaction") and not before and not sql.lstrip().upper().startswith("BEGIN"):
            self.statements.append(Statement(link.number, "BEGIN", ()))
        self.statements.append(Statement(link.number, sql, parameters))

    def close(self) -> None:
        """Close every connection; the last committed state stays readable through `rows`."""
        for link in self._links.values():
            link.bound.closing = True
            link.raw.interrupt()
        for link in self._links.values():
            with link.lock, contextlib.suppress(sqlite3.Error):
                link.raw.close()
        self._links.clear()
        self._threads.shutdown(wait=False)
        kept = bounds.copied(self._own)
        self._own.close()
        self._own, self._bound = kept, Bound(kept, _NOW)
