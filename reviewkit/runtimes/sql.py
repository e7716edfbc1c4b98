"""SQL cells: what is sent to the host that holds the connections, and what its answers mean."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from reviewkit.runtimes.base import End, Host, MissingRuntimeError, Show
from reviewkit.runtimes.node import CellError
from reviewkit.runtimes.sqlserver import check_name

PROCESS_BYTES: Final = 512 * 1024 * 1024
"""Writable memory of the host, and of each process of a server that it starts."""
START_SECONDS: Final = 60.0
"""For a server that is set up first."""


class SqlHost:
    """The process that holds the connections, started with the first cell. `close` ends it, with the server that it may have started."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._host.pid if self._host is not None else None

    def _started(self) -> Host:
        if self._host is None or self._host.pid is None:
            if self._host is not None:
                self._host.kill()  # one that died between two cells has left its folder, and what it had started
            place = tempfile.gettempdir()
            # The process makes and removes the folder: it outlives a killed kernel by a moment, this process does not.
            folder = os.path.join(place, f"reviewkit-sql-{os.getpid()}-{os.urandom(6).hex()}")  # noqa: PTH118
            command = [sys.executable, "-P", "-m", "reviewkit.runtimes.sqlhost", folder]
            self._host = Host("SQL", command, Path(place), folder=Path(folder), memory_bytes=PROCESS_BYTES)
        return self._host

    def run(
        self, code: str, database: str, session: str, name: str, *, rows: int, seconds: float, show: Show, fresh: bool = False, like: str = "",
    ) -> None:  # fmt: skip
        """Run the statements of a cell, one after another, until one fails.

        Args:
            code: Statements.
            database: `postgres` for the first one on an own server, `postgres/NAME` for a further one, an address `postgresql://...`, a
                file of SQLite, or empty for a file that goes with the host.
            session: Name of the connection; it stays open between cells, with its transaction.
            name: What errors call the cell.
            rows: Most rows to show of a result.
            seconds: Its time.
            show: Takes its output.
            fresh: Begin a further database of the own server anew before.
            like: Further database of which it becomes a copy then; empty for none.

        Raises:
            CellError: If a statement fails, in the database's words, with its line.
            HostError: If the host cannot be started or has died; `MissingRuntimeError` where PostgreSQL is not installed.
            KeyboardInterrupt: If the kernel was interrupted.
        """
        payload = {"code": code, "database": database, "session": session, "name": name, "rows": rows, "fresh": fresh, "like": like}
        self._request("run", payload, name, seconds, show)

    def url(self, database: str, *, fresh: bool = False, like: str = "") -> str:
        """Address of a further database of the own server, which is made where it is not there; may be called from any thread.

        Args:
            database: Its name.
            fresh: Begin it anew; what is connected with it loses its connection.
            like: Further database of which a fresh one becomes a copy; what is connected with that loses its connection.

        Raises:
            CellError: If it cannot be made.
            HostError: As `run`.
            KeyboardInterrupt: As `run`.
            UsageError: If a name is none for a database.
        """
        for named in (database, like) if like else (database,):
            check_name("PostgreSQL", named)
        payload = {"database": f"postgres/{database}", "fresh": fresh, "like": like}
        return self._request("url", payload, f"database {database}", START_SECONDS, lambda _stream, _text: None).value

    def _request(self, op: str, payload: dict[str, object], name: str, seconds: float, show: Show) -> End:
        with self._turn:
            end = self._started().request(op, payload, seconds, show)
        if end.kind == "missing":
            fact, _, next_step = end.text.partition("\n")
            raise MissingRuntimeError(fact, next_step)
        if end.kind is not None:
            raise CellError(_words(end, name, seconds))
        return end

    def close(self) -> None:
        """End it; closing twice is fine."""
        if self._host is not None:
            self._host.close()
            self._host = None


def _words(end: End, name: str, seconds: float) -> str:
    if end.kind == "timeout":
        return f"TimeLimit: {name} had not ended after {seconds:g} s; it may wait for a lock that another session holds."
    if end.kind == "memory":
        return f"MemoryLimit: {name} needed more than {PROCESS_BYTES >> 20} MB."
    if end.kind == "stopped":
        return f"Stopped: {name} was stopped."
    return end.text
