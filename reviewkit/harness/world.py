"""The world outside the code under review: HTTP services, databases, logs and facts, all observed from outside."""

from __future__ import annotations

import asyncio
import json as jsonlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from reviewkit.harness.database import Database
from reviewkit.harness.gate import Gate

MOST_TOLD: Final = 4_000_000
"""Characters and values (a value counts 50) of log events and facts that a world keeps of one guest."""


def weight(value: Any) -> int:
    """What it costs to keep a value: characters, and 50 for each value."""
    if isinstance(value, dict):
        return 50 + sum(50 + len(key) + weight(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 50 + sum(weight(item) for item in value)
    return 50 + (len(value) if isinstance(value, str | bytes) else 0)


class _Special:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


HANG: Final = _Special("HANG")
"""Handler result: the call is never answered (a read time-out fails at once)."""
REFUSE: Final = _Special("REFUSE")
"""Handler result: the connection is refused."""


@dataclass(frozen=True)
class HttpCall:
    """One HTTP request that the guest sent."""

    method: str
    url: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    timeout: dict[str, float | None] | None
    """httpx's connect, read, write and pool time-outs in seconds, None for none at all."""
    sync: bool
    """Sent by a synchronous client, which blocks its thread."""

    @property
    def host(self) -> str:
        """Host name without port."""
        return urlsplit(self.url).hostname or ""

    @property
    def path(self) -> str:
        """Path of the URL."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, the last value of each."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """Body as JSON, or None when it is not JSON."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """Body as text."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class Reply:
    """What a simulated service answers."""

    status: int = 200
    json: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds of real time before the answer; beyond the caller's read time-out the call fails instead."""


Handler = Callable[[HttpCall], Awaitable["Reply | _Special"]]


class World:
    """Everything a job can reach. Use a fresh one for each job; handlers run outside the guest."""

    def __init__(self) -> None:
        self.calls: list[HttpCall] = []
        self.logs: list[dict[str, Any]] = []
        self.facts: list[tuple[str, Any]] = []
        self._handlers: dict[str, Handler] = {}
        self._databases: dict[str, Database] = {}
        self._links: dict[int, tuple[Database, int]] = {}
        self._folder: Path | None = None
        self._room = MOST_TOLD
        self.guest_waited: Callable[[], float] = lambda: 0.0
        """Seconds so far that the guest was ready to run and had no processor; a launcher that knows says so."""

    def http(self, host: str, handler: Handler) -> None:
        """Let `handler` answer every request to `host`."""
        self._handlers[host.lower()] = handler

    def database(self, name: str, schema: str, rows: Iterable[tuple[str, Sequence[Any]]] = ()) -> Database:
        """Make a database with this schema (one or more statements) and these rows: (sql, parameters)."""
        self._databases[name] = Database(self._file(name), schema, rows)
        return self._databases[name]

    def _file(self, name: str) -> Path | None:
        """Where a database lies; None where no file can be made, as in a locked-down process."""
        if self._folder is None:
            try:
                self._folder = Path(tempfile.mkdtemp(prefix="reviewkit-world-"))
            except OSError:
                return None
        return self._folder / f"{name}.sqlite"

    def db(self, name: str = "main") -> Database:
        """A database made before."""
        return self._databases[name]

    def gate(self, n: int, patience: float | None = None) -> Gate:
        """A gate that opens when `n` have arrived, or when nobody has come for `patience` seconds."""
        return Gate(n, patience, lambda: self.guest_waited())

    @property
    def connections_open(self) -> int:
        """Database connections that the guest holds right now."""
        return sum(db.connections_open for db in self._databases.values())

    @property
    def connections_peak(self) -> int:
        """The most database connections the guest held together, summed over databases."""
        return sum(db.connections_peak for db in self._databases.values())

    async def handle(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer one request of the guest; the single way in."""
        if op == "http":
            return await self._http(payload)
        if op in ("log", "emit"):
            self._note(op, payload)
            return {}
        if op == "db.connect":
            return self._connect(payload)
        if op.startswith("db."):
            database, number = self._links[payload["connection"]]
            return await database.ask(number, op[3:], payload)
        raise LookupError(f"the world does not know {op!r}")

    def _note(self, op: str, payload: dict[str, Any]) -> None:
        """Keep what the guest tells, until it has told more than any honest one; the rest is dropped."""
        self._room -= weight(payload)
        if self._room < 0:
            return
        if op == "log":
            self.logs.append(payload["event"])
        else:
            self.facts.append((payload["kind"], payload["data"]))

    def _connect(self, payload: dict[str, Any]) -> dict[str, Any]:
        database = self._databases.get(payload["name"])
        if database is None:
            return {"error": "OperationalError", "message": "unable to open database file"}
        number = database.connect(payload["isolation_level"])
        link = len(self._links) + 1
        self._links[link] = (database, number)
        return {"connection": link}

    async def _http(self, payload: dict[str, Any]) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in payload["headers"].items()}
        call = HttpCall(
            payload["method"], payload["url"], headers, payload["body"], payload["timeout"], payload["sync"]
        )
        self.calls.append(call)
        handler = self._handlers.get(call.host.lower())
        result = REFUSE if handler is None else await handler(call)
        if result is REFUSE:
            return {"outcome": "refused"}
        limit = (call.timeout or {}).get("read")
        if isinstance(result, Reply):
            if limit is not None and result.delay > limit:
                await asyncio.sleep(limit)
                return {"outcome": "timeout"}
            await asyncio.sleep(result.delay)
            return _encode(result)
        return {"outcome": "hang" if limit is None else "timeout"}

    def close(self) -> None:
        """Close databases and remove their files."""
        for database in self._databases.values():
            database.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _encode(reply: Reply) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if reply.text is not None:
        body = reply.text.encode()
        headers.setdefault("content-type", "text/plain; charset=utf-8")
    elif reply.json is None:
        body = b""
    else:
        body = jsonlib.dumps(reply.json).encode()
        headers.setdefault("content-type", "application/json")
    return {"outcome": "reply", "status": reply.status, "headers": headers, "body": body}
