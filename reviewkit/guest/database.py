"""`sqlite3` connections to databases of the world.

`sqlite3.connect("world:<name>")` gives a proxy whose statements run outside. aiosqlite and SQLAlchemy need nothing more:
both end in `sqlite3.connect`.
"""

from __future__ import annotations

import re
import sqlite3
import sqlite3.dbapi2
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from reviewkit.guest.channel import Channel
from reviewkit.guest.plain import NotPlainError

_NAME = re.compile(r"(?:^|/)world:(\w+)$")


class NamedRow(tuple[Any, ...]):  # noqa: SLOT001 - it carries the names
    """Stands in for `sqlite3.Row`: a tuple that also answers to column names."""

    names: tuple[str, ...]

    def __new__(cls, names: tuple[str, ...], values: Sequence[Any]) -> NamedRow:
        """Make a row of these values under these names."""
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """Column names in order."""
        return list(self.names)


class Cursor:
    """DB-API cursor; the rows of a statement are fetched with it."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.row_factory: Any = connection.row_factory
        self._rows: Iterator[Any] = iter(())

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Run one statement outside."""
        self._take(self.connection.ask("execute", {"sql": sql, "parameters": _parameters(parameters)}))
        return self

    def executemany(self, sql: str, seq: Iterable[Any]) -> Cursor:
        """Run one statement once per parameter set."""
        self._take(self.connection.ask("executemany", {"sql": sql, "parameters": [_parameters(p) for p in seq]}))
        return self

    def executescript(self, script: str) -> Cursor:
        """Run several statements."""
        self._take(self.connection.ask("executescript", {"sql": script, "parameters": []}))
        return self

    def _take(self, reply: dict[str, Any]) -> None:
        names = tuple(reply["columns"])
        self.description = tuple((name, None, None, None, None, None, None) for name in names) if names else None
        self.rowcount, self.lastrowid = reply["rowcount"], reply["lastrowid"]
        rows = [tuple(row) for row in reply["rows"]]
        if self.row_factory is sqlite3.Row:
            self._rows = iter([NamedRow(names, row) for row in rows])
        elif self.row_factory is not None:
            self._rows = iter([self.row_factory(self, row) for row in rows])
        else:
            self._rows = iter(rows)

    def fetchone(self) -> Any:
        """Next row or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Up to `size` further rows."""
        wanted = self.arraysize if size is None else size
        return [row for row, _ in zip(self._rows, range(wanted), strict=False)]

    def fetchall(self) -> list[Any]:
        """All further rows."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())

    def setinputsizes(self, sizes: Any) -> None:
        """DB-API formality without effect."""

    def setoutputsize(self, size: Any, column: Any = None) -> None:
        """DB-API formality without effect."""


class Connection:
    """DB-API connection; each one is a real SQLite connection outside."""

    def __init__(self, channel: Channel, name: str, options: dict[str, Any]) -> None:
        self._channel = channel
        self.row_factory: Any = None
        self.text_factory: Any = str
        self.total_changes = 0
        self.in_transaction = False
        self._idle = True
        """Whether there is certainly no transaction: the last request was answered, and so."""
        self._closed = False
        self._isolation_level: str | None = options.get("isolation_level", "")
        reply = self._channel.request_sync("db.connect", {"name": name, "isolation_level": self._isolation_level})
        _raise_error(reply)
        self._id: int = reply["connection"]

    def ask(self, what: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One request for this connection; SQLite's errors are raised under their own names."""
        if self._closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        self._idle = False
        try:
            reply = self._channel.request_sync(f"db.{what}", {"connection": self._id, **payload})
        except NotPlainError as error:  # a parameter of a type that SQLite could not bind either
            raise sqlite3.ProgrammingError(str(error)) from None
        self.in_transaction = reply.get("in_transaction", False)
        self._idle = not self.in_transaction
        _raise_error(reply)
        return reply

    @property
    def isolation_level(self) -> str | None:
        """As in `sqlite3`: "" and names open transactions implicitly, None is autocommit."""
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, value: str | None) -> None:
        self.ask("isolation", {"value": value})
        self._isolation_level = value

    def cursor(self, factory: Any = None) -> Cursor:
        """A new cursor."""
        return Cursor(self)

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Shortcut for `cursor().execute`."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, seq: Iterable[Any]) -> Cursor:
        """Shortcut for `cursor().executemany`."""
        return self.cursor().executemany(sql, seq)

    def executescript(self, script: str) -> Cursor:
        """Shortcut for `cursor().executescript`."""
        return self.cursor().executescript(script)

    def commit(self) -> None:
        """End the transaction, keep its writes."""
        self._end("commit")

    def rollback(self) -> None:
        """End the transaction, drop its writes."""
        self._end("rollback")

    def _end(self, what: str) -> None:
        """Ask for it, unless there is nothing to end; pools roll back each connection that they get back."""
        if self._closed or not self._idle:
            self.ask(what, {})

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        if not self._closed:
            self.ask("close", {})
            self._closed = True

    def interrupt(self) -> None:
        """Nothing to interrupt: statements are bounded outside."""

    def create_function(self, *_args: Any, **_kwargs: Any) -> None:
        """SQLAlchemy registers `regexp` on connect; the world's databases have no user functions."""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.rollback() if kind else self.commit()


def _parameters(value: Any) -> Any:
    if hasattr(value, "keys"):
        return {str(key): _base(value[key]) for key in value}
    return [_base(item) for item in value]


def _base(value: Any) -> Any:
    """A parameter as its base type, as `sqlite3` binds it: members of a StrEnum or IntEnum become str and int."""
    if isinstance(value, str) and type(value) is not str:
        return str.__str__(value)
    if isinstance(value, float) and type(value) is not float:
        return float(value)
    if isinstance(value, bytes) and type(value) is not bytes:
        return bytes(value)
    if isinstance(value, int) and type(value) not in (int, bool):
        return int(value)
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def _raise_error(reply: dict[str, Any]) -> None:
    if "error" in reply:
        kind = getattr(sqlite3, reply["error"], sqlite3.DatabaseError)
        error = kind(reply["message"])
        error.sqlite_errorname = reply.get("errorname", "SQLITE_ERROR")
        raise error


def install(channel: Channel) -> Callable[[], None]:
    """Let `sqlite3.connect("world:<name>")` reach the world; returns the undo."""
    original = sqlite3.connect

    def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
        match = _NAME.search(database) if isinstance(database, str) else None
        if match is None:
            return original(database, *args, **kwargs)
        return Connection(channel, match.group(1), kwargs)

    # SQLAlchemy's synchronous dialect takes its `connect` from sqlite3.dbapi2, aiosqlite from sqlite3.
    sqlite3.connect = sqlite3.dbapi2.connect = connect

    def undo() -> None:
        sqlite3.connect = sqlite3.dbapi2.connect = original

    return undo
