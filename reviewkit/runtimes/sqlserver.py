"""The kernel's own PostgreSQL server, and the databases on it by name: begun anew, and as copies of others."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import re
from pathlib import Path
from typing import Any, Final

from reviewkit.errors import UsageError
from reviewkit.runtimes.base import HostError, MissingRuntimeError
from reviewkit.runtimes.postgres import PLAIN, SETUP, Server, require_binaries

CONNECT_SECONDS: Final = 10.0
NAME: Final = re.compile(r"(?!pg_|(?:old|made|template)\d+$|postgres$)[a-z][a-z0-9_]{0,40}")
"""What a database may be called: nothing that PostgreSQL or this module keeps for itself."""


def check_name(place: str, name: str) -> None:
    """Raise UsageError for what is no name of a database; `place` begins the sentence."""
    if NAME.fullmatch(name):
        return
    if re.fullmatch("[a-z][a-z0-9_]{0,40}", name):
        raise UsageError(f"{place}: {name!r} is kept for the server itself.", "Use another name, for example: shop_1")
    raise UsageError(
        f"{place}: {name!r} is no name for a database.", "Use small letters, digits and _, a letter first, at most 41 in all, for example: shop_1"
    )


def require_driver() -> None:
    """Raise MissingRuntimeError without the driver."""
    if importlib.util.find_spec("asyncpg") is None:
        raise MissingRuntimeError("asyncpg, the driver of PostgreSQL, is not installed", f"Run: {SETUP}")


async def connected(url: str, *, is_own: bool = False) -> Any:
    """An open connection of the driver.

    Args:
        url: Address.
        is_own: Whether it is a server of ours, which what the environment says of servers is not about.

    Raises:
        MissingRuntimeError: Without the driver.
        HostError: If the server does not answer or refuses.
    """
    require_driver()
    import asyncpg

    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS, **(PLAIN if is_own else {}))
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise HostError(f"PostgreSQL cannot be reached ({one_line(error)})", "Is the address right, and the server up?") from None


def one_line(error: BaseException) -> str:
    """What an error says, without line ends."""
    return " ".join(str(error).split())[:300] or type(error).__name__


class OwnServer:
    """A server that starts when it is first asked for, and again after it has ended; then its databases are gone.

    An empty database is at hand before one is asked for: a copy is 300 files, which on a busy disk takes most of a second, a new name none.

    Args:
        folder: Not there yet; for all that it writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server | None = None
        self._starting: asyncio.Task[Server] | None = None
        self._numbers = itertools.count(1)
        self._spare: asyncio.Task[str] | None = None
        self._control: Any = None

    async def url(self, name: str = "", *, fresh: bool = False, like: str = "") -> str:
        """Address of a database, made where it is not there; without a name, that of the one that is there from the beginning.

        Args:
            name: As `NAME` has it.
            fresh: Begin it anew: what it held is gone, and so are its connections.
            like: Name of another, of which a fresh one becomes a copy; its connections are ended.

        Raises:
            HostError: If it cannot be made; `MissingRuntimeError` where a part is not installed.
        """
        server = await self._running()
        if name:
            await self._have(server.url(), name, fresh=fresh, like=like)
        return server.url(name or "postgres")

    async def _running(self) -> Server:
        """The server. A start goes on when the one who asked for it is stopped: another beside it would find its folder taken."""
        if self._server is not None and not self._server.is_running:
            self.end()
        if self._server is None:
            require_driver()
            if self._starting is None:
                self._starting = asyncio.create_task(asyncio.to_thread(lambda: Server(require_binaries(), self._folder)))
                self._starting.add_done_callback(self._has_started)
            return await asyncio.shield(self._starting)
        return self._server

    def _has_started(self, task: asyncio.Task[Server]) -> None:
        self._starting = None
        if not task.cancelled() and task.exception() is None:
            self._server = task.result()

    async def _have(self, server: str, name: str, *, fresh: bool, like: str) -> None:
        import asyncpg

        if self._control is None or self._control.is_closed():
            self._control = await connected(server, is_own=True)
        connection = self._control
        try:
            there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            if name in there and not fresh:
                return
            if like and like not in there:
                raise HostError(f"There is no database {like} to copy", f"Make it first: %%sql --postgres --db {like}")
            made = await self._copy(connection, like) if like else await self._taken(server, connection)
            if name in there:
                await _end_sessions(connection, name)
                await connection.execute(f'ALTER DATABASE "{name}" RENAME TO old{next(self._numbers)}')
            await connection.execute(f'ALTER DATABASE {made} RENAME TO "{name}"')
            self._spare = asyncio.create_task(self._prepared(server, self._spare))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise HostError(f"Database {name} cannot be made ({one_line(error)})", "Run the cell again.") from None

    async def _copy(self, connection: Any, like: str) -> str:
        """Name of a copy of a database that nobody else has."""
        name = f"made{next(self._numbers)}"
        await _end_sessions(connection, like)
        copied = "STRATEGY file_copy" if connection.get_server_version().major >= 15 else ""  # less to do than by pages
        await connection.execute(f'CREATE DATABASE {name} TEMPLATE "{like}" {copied}')
        return name

    async def _taken(self, server: str, connection: Any) -> str:
        """The database that is at hand, or made now where that has failed."""
        task = self._spare = self._spare or asyncio.create_task(self._prepared(server))
        name = await asyncio.shield(task)
        self._spare = None
        return name or await self._copy(connection, "template1")

    async def _prepared(self, server: str, before: asyncio.Task[str] | None = None) -> str:
        """Name of an empty database, the one from before if there is one; empty if none can be made. Drops what has been replaced."""
        name = "" if before is None else await before
        with contextlib.suppress(Exception):  # whoever needs one makes it, and hears why not
            connection = await connected(server, is_own=True)
            try:
                for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname ~ '^old[0-9]+$'"):
                    await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
                name = name or await self._copy(connection, "template1")
            finally:
                connection.terminate()
        return name

    async def close(self) -> None:
        """End it, also one that is starting."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        self.end()

    def end(self) -> None:
        """End it; ending twice is fine."""
        server, self._server = self._server, None
        if self._spare is not None:
            self._spare.cancel()
        if self._control is not None:
            self._control.terminate()
        self._spare = self._control = None
        if server is not None:
            server.close()


async def _end_sessions(connection: Any, database: str) -> None:
    await connection.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
