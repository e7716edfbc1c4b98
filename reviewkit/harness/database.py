"""A world's database: real SQLite outside the guest, observed statement by statement."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reviewkit.harness.gate import Gate

BUSY_SECONDS = 5.0
STATEMENT_SECONDS = 5.0
MAX_ROWS = 5000
MAX_REPLY = 4_000_000
"""Characters and bytes of one statement's rows."""
MAX_PAGES = 25_000
"""Size of a database in pages of 4 kB: 100 MB."""
MAX_LOG_BYTES = 200_000_000
"""Size of a database's write-ahead log, which grows while a connection keeps reading and another writes."""
MAX_THREADS = 128
MAX_SQL = 64_000
_PRAGMAS = {
    "busy_timeout", "foreign_key_list", "foreign_keys", "index_info", "index_list", "journal_mode", "synchronous",
    "table_info", "table_xinfo", "read_uncommitted",
}  # fmt: skip
_NUMBERS = itertools.count(1)
_DENIED = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}


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

    def __init__(self, number: int, raw: sqlite3.Connection) -> None:
        self.number = number
        self.lock = threading.Lock()
        self.raw = raw
        self._deadline = 0.0
        self.raw.execute("PRAGMA synchronous=OFF")  # a world ends with its check; nothing needs to survive a power cut
        self.raw.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        self.raw.execute(f"PRAGMA max_page_count={MAX_PAGES}")
        self.raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
        self.raw.set_authorizer(_authorize)
        self.raw.set_progress_handler(self._too_long, 10_000)

    def _too_long(self) -> int:
        return int(time.monotonic() > self._deadline)

    def run(self, what: str, sql: str, parameters: Any) -> dict[str, Any]:
        """Execute in the calling thread; errors become data."""
        self._deadline = time.monotonic() + STATEMENT_SECONDS
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
        except (TypeError, ValueError, OverflowError) as error:
            return self._with_state({"error": "ProgrammingError", "message": str(error), "errorname": "SQLITE_MISUSE"})

    def _reply(self, cursor: sqlite3.Cursor | None) -> dict[str, Any]:
        if cursor is None:
            return self._with_state({"columns": [], "rows": [], "rowcount": -1, "lastrowid": None})
        rows = _bounded(cursor) if cursor.description else []
        columns = [column[0] for column in cursor.description or ()]
        rowcount, lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
        return self._with_state({"columns": columns, "rows": rows, "rowcount": rowcount, "lastrowid": lastrowid})

    def _with_state(self, reply: dict[str, Any]) -> dict[str, Any]:
        return {**reply, "in_transaction": self.raw.in_transaction}


def _bounded(cursor: sqlite3.Cursor) -> list[Any]:
    """The rows of a statement, as long as they stay within bounds; a guest must not fill this process's memory."""
    rows: list[Any] = []
    size = 0
    for row in cursor:
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(rows) == MAX_ROWS or size > MAX_REPLY:
            raise sqlite3.DataError(f"more than {MAX_ROWS} rows or {MAX_REPLY} bytes")
        rows.append(row)
    return rows


def _authorize(action: int, first: str | None, _second: str | None, _db: str | None, _trigger: str | None) -> int:
    if action in _DENIED or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _PRAGMAS):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (_second or "").lower() in ("load_extension", "zeroblob", "randomblob"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


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
        return [tuple(row) for row in self._own.execute(sql, params).fetchall()]

    def run(self, sql: str, *params: Any) -> None:
        """A write from outside: another system changes a row."""
        self._own.execute(sql, params)

    def hold(self, gate: Gate, when: Callable[[str], bool]) -> None:
        """Hold the replies of statements for which `when(sql)` is true at `gate`."""
        self._holds.append((gate, when))

    def connect(self, isolation_level: str | None) -> int:
        """Open a connection for the guest; returns its number."""
        self._connected += 1
        link = _Link(self._connected, self._connection(isolation_level))
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

        def work() -> dict[str, Any]:
            with link.lock:
                before = link.raw.in_transaction
                reply = (None if ending else self._full(link)) or link.run(what, sql, parameters)
                self._note(link, before, reply, what.upper() if ending else sql, parameters)
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
            link.raw.interrupt()
            with link.lock, contextlib.suppress(sqlite3.Error):
                link.raw.close()
        self._links.clear()
        self._threads.shutdown(wait=False)
        kept = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._own.backup(kept)
        self._own.close()
        self._own = kept
