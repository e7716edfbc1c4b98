"""What a statement may cost the process that runs it, whoever wrote it: time, memory, temporary files, rows.

A guest writes statements and schema. So the parent's own look at a database is bounded as well: a table may have become a view
that never ends. SQLite looks at a clock at jumps only: what it may do between two of them is bounded by sizes and counts.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

STATEMENT_SECONDS: Final = 5.0
MAX_SQL: Final = 64_000
MAX_ROWS: Final = 5000
MAX_REPLY: Final = 4_000_000
"""Characters and bytes of one statement's rows."""
MAX_OWN_ROWS: Final = 100_000
MAX_OWN_BYTES: Final = 20_000_000
MAX_HELD: Final = 32_000_000
"""Characters and bytes of all rows of a database that nobody has taken yet."""
MAX_PAGES: Final = 25_000
"""Size of a database in pages of 4 kB: 100 MB."""
_HEAP_BYTES: Final = 256 * 1024 * 1024
"""Memory of SQLite in this process. A statement of a few lines names a tree of subqueries that doubles with each line, and is read whole
before anybody asks how long that takes."""
_LENGTH: Final = 100_000
_PATTERN: Final = 1000
_STEPS: Final = 100
"""Steps of SQLite between two looks at the clock."""
_MOST_DEAR: Final = 20
"""Uses of functions in one request whose time grows with the square of a length."""
_WIDE: Final = 4
"""Bytes of a character beyond ASCII, at most."""
_PRAGMAS: Final = {
    "busy_timeout", "foreign_key_list", "foreign_keys", "index_info", "index_list", "journal_mode", "synchronous",
    "table_info", "table_xinfo", "read_uncommitted",
}  # fmt: skip
_DENIED: Final = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}
_DENIED_FUNCTIONS: Final = {"load_extension", "zeroblob", "randomblob"}
_DEAR: Final = ("instr", "replace", "trim", "ltrim", "rtrim", "like", "glob", "json", "printf", "format")
"""How the names of those functions begin."""


class Bound:
    """Ends what a connection is doing once its time is up."""

    def __init__(self, raw: sqlite3.Connection, now: Callable[[], float] = time.monotonic) -> None:
        """Bound what a connection may cost.

        Args:
            raw: The connection.
            now: What its time is taken by.
        """
        self.closing = False
        """Whether nobody waits for this connection any more."""
        self._now = now
        self._deadline, self._dear = 0.0, 0
        raw.execute("PRAGMA synchronous=OFF")  # a world ends with its check; nothing needs to survive a power cut
        raw.execute(f"PRAGMA hard_heap_limit={_HEAP_BYTES}")
        raw.execute("PRAGMA temp_store=MEMORY")  # where the limit of memory counts; files would fill the disk
        raw.execute(f"PRAGMA max_page_count={MAX_PAGES}")
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LENGTH)
        raw.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _PATTERN)
        for name in ("trim", "ltrim", "rtrim"):
            raw.create_function(name, 2, partial(_trimmed, name), deterministic=True)
        self.begin(STATEMENT_SECONDS)
        raw.set_progress_handler(self._is_up, _STEPS)
        raw.set_authorizer(self._authorize)

    def begin(self, seconds: float) -> None:
        """Give what is run next so many seconds."""
        self._deadline, self._dear = self._now() + seconds, 0

    def _is_up(self) -> int:
        return int(self.closing or self._now() > self._deadline)

    def _authorize(self, action: int, first: str | None, second: str | None, _db: str | None, _trigger: str | None) -> int:
        """Refuse what reaches beyond the database, or what no honest guest needs so much of."""
        if action in _DENIED or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _PRAGMAS):
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            name = (second or "").lower()
            self._dear += name.startswith(_DEAR)
            if name in _DENIED_FUNCTIONS or self._dear > _MOST_DEAR:
                return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


def _trimmed(name: str, text: Any, characters: Any) -> str | None:
    """SQLite's own takes the product of both lengths."""
    if text is None or characters is None:
        return None
    value, known = str(text), set(str(characters))
    first, last = 0, len(value)
    while name != "rtrim" and first < last and value[first] in known:
        first += 1
    while name != "ltrim" and last > first and value[last - 1] in known:
        last -= 1
    return value[first:last]


class Held:
    """Bytes of rows that have been read and that nobody has taken yet, over all connections of a database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, size: int) -> None:
        """Take more.

        Raises:
            sqlite3.DataError: If that is more than any honest guest asks for at once.
        """
        with self._lock:
            self._bytes += size
            if self._bytes > MAX_HELD:
                raise sqlite3.DataError(f"answers of more than {MAX_HELD} bytes at once")

    def free(self, size: int) -> None:
        """They were taken, or dropped."""
        with self._lock:
            self._bytes -= size


def rows_of(cursor: sqlite3.Cursor, held: Held) -> list[Any]:
    """The rows of a guest's statement, counted as held.

    Raises:
        sqlite3.DataError: If they are too many; none is held then.
    """
    total = 0

    def hold(size: int) -> None:
        nonlocal total
        total += size
        held.add(size)

    try:
        return _collected(cursor, MAX_ROWS, MAX_REPLY, hold)
    except BaseException:
        held.free(total)
        raise


def own_rows_of(cursor: sqlite3.Cursor) -> list[Any]:
    """The rows of a statement of ours.

    Raises:
        sqlite3.DataError: If they are more than any check looks at.
    """
    return _collected(cursor, MAX_OWN_ROWS, MAX_OWN_BYTES, lambda _size: None)


def _collected(cursor: sqlite3.Cursor, most_rows: int, most: int, hold: Callable[[int], None]) -> list[Any]:
    rows: list[Any] = []
    total = 0
    for row in cursor:
        size = size_of(row)
        total += size
        hold(size)
        if len(rows) == most_rows or total > most:
            raise sqlite3.DataError(f"more than {most_rows} rows or {most} bytes")
        rows.append(row)
    return rows


def size_of(row: Iterable[Any]) -> int:
    """Bytes of the texts and blobs of a row, at most."""
    return sum(_size(value) for value in row)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else _WIDE * len(value)
    return len(value) if isinstance(value, bytes) else 0


def copied(raw: sqlite3.Connection) -> sqlite3.Connection:
    """The committed state in memory, to be read once the database itself is gone; empty if it is too large for that."""
    kept = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with contextlib.suppress(sqlite3.Error, MemoryError):
        raw.backup(kept)
    return kept
