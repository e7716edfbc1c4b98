"""The world outside the board service: its database and the mailer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

from reviewkit.harness import Answer, Calls, Gate, HttpCall, Reply, World

MAILER = "mailer"
TASK = "t-1"
PEOPLE = {"u-1": "Ada", "u-2": "Ben", "u-3": "Cleo"}
BOARDS = ("b-1", "b-2")
MEMBERS = ("u-1", "u-2")

SCHEMA = """
CREATE TABLE users (id VARCHAR(40) NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL);
CREATE TABLE logins (cookie VARCHAR(80) NOT NULL PRIMARY KEY, user_id VARCHAR(40) NOT NULL REFERENCES users (id));
CREATE TABLE boards (id VARCHAR(40) NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE members (
  board_id VARCHAR(40) NOT NULL REFERENCES boards (id), user_id VARCHAR(40) NOT NULL REFERENCES users (id),
  PRIMARY KEY (board_id, user_id)
);
CREATE TABLE tasks (
  id VARCHAR(40) NOT NULL PRIMARY KEY, board_id VARCHAR(40) NOT NULL REFERENCES boards (id), title VARCHAR(200) NOT NULL,
  details TEXT NOT NULL, status VARCHAR(10) NOT NULL, position INTEGER NOT NULL, version INTEGER NOT NULL,
  assignee_id VARCHAR(40) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE comments (id VARCHAR(40) NOT NULL PRIMARY KEY, task_id VARCHAR(40) NOT NULL REFERENCES tasks (id), text TEXT NOT NULL);
CREATE TABLE activity (
  board_id VARCHAR(40) NOT NULL REFERENCES boards (id), seq INTEGER NOT NULL, actor_id VARCHAR(40) NOT NULL REFERENCES users (id),
  task TEXT NOT NULL, PRIMARY KEY (board_id, seq)
);
"""
"""The tables of the service as they stand in production; the indexes that it asks for are made when it starts."""

Deliver = Callable[[HttpCall], Awaitable[Reply]]


async def accept(_call: HttpCall) -> Reply:
    """Take a mail at once."""
    return Reply(202, json={})


def rows() -> list[tuple[str, tuple[Any, ...]]]:
    """Two boards, three people, two tasks."""
    tasks = [(f"t-{n + 1}", board, f"Task t-{n + 1}") for n, board in enumerate(BOARDS)]
    return [
        *(("INSERT INTO users VALUES (?, ?)", person) for person in PEOPLE.items()),
        *(("INSERT INTO logins VALUES (?, ?)", (f"c-{user}", user)) for user in PEOPLE),
        *(("INSERT INTO boards VALUES (?, ?, 0)", (board, board)) for board in BOARDS),
        *(("INSERT INTO members VALUES (?, ?)", (board, user)) for board in BOARDS for user in MEMBERS),
        *(("INSERT INTO tasks VALUES (?, ?, ?, '', 'todo', 1, 1, NULL)", task) for task in tasks),
    ]


def office(mailer: Deliver = accept, *, empty: bool = False) -> World:
    """A database and a mailer; `empty` leaves the tables to whoever opens it.

    There are the boards b-1 and b-2, each with the members u-1 and u-2 and the task t-1 or t-2; u-3 is a member of neither.
    """
    world = World()
    world.database("main", "" if empty else SCHEMA, rows=() if empty else rows())
    world.http(MAILER, mailer)
    return world


def reads(table: str) -> Callable[[str], bool]:
    """Tell whether a statement reads a table."""

    def matches(sql: str) -> bool:
        words = [word.strip('",()') for word in sql.lower().split()]
        named = {after for before, after in pairwise(words) if before in ("from", "join")}
        return words[:1] == ["select"] and table in named

    return matches


def gate_reads(world: World, table: str, parties: int) -> Gate:
    """Hold the answers of reads of a table until as many readers have come."""
    gate = world.gate(parties)
    world.db().hold(gate, when=reads(table))
    return gate


def status(answer: Answer) -> int:
    """Status of an answer over HTTP; 0 where there was none."""
    return int(answer.value["status"]) if answer.ok else 0


def many(world: World, count: int, comments: int = 2, board: str = "b-1") -> None:
    """Put so many tasks on a board, given to people in turn and with as many comments each."""
    for n in range(count):
        task = f"{board}-m-{n}"
        given = (task, board, f"Task {task}", n + 2, MEMBERS[n % 2])
        world.db().run("INSERT INTO tasks VALUES (?, ?, ?, '', 'todo', ?, 1, ?)", *given)
        for remark in range(comments):
            world.db().run("INSERT INTO comments VALUES (?, ?, 'Hm.')", f"{task}-{remark}", task)


def stored(world: World, column: str, task: str = TASK) -> Any:
    """One column of a task, read from outside."""
    found = world.db().rows(f"SELECT {column} FROM tasks WHERE id = ?", task)
    return found[0][0] if found else None


async def join(job: Calls, *names: str, **where: Any) -> list[bool]:
    """Let viewers come, one after the other; tell for each whether it was let in."""
    return [bool((await job.call("join", name=name, **where)).value) for name in names]


async def change(job: Calls, times: int, first: int = 1, **fields: Any) -> list[int]:
    """Change a task again and again, each time on the version before; return the statuses."""
    return [status(await job.call("change", version=first + n, **{"title": f"Title {n}", **fields})) for n in range(times)]


async def versions(job: Calls, name: str, least: int = 0) -> list[int]:
    """Versions of tasks that a viewer was told of, in order, once it has heard of so many or nothing more comes."""
    answer = await job.call("heard", name=name, least=least, timeout=60)
    return [message["task"]["version"] for message in answer.value or [] if isinstance(message.get("task"), dict)]


# -- pages over real sockets: what a browser on this machine sees of `serve` ---------------------------------------------

PATIENCE = 2.0
"""Seconds without news after which nothing more is expected."""
MISSING = "needs uvicorn and websockets: pip install 'reviewkit[sockets]'"


class Page:
    """A page that has a board open, and what it was told."""

    def __init__(self, connection: Any) -> None:
        self.told: list[Any] = []
        self._connection = connection
        self._reading: asyncio.Task[None] | None = None

    def read(self) -> None:
        """Take what comes, from now on."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            async for message in self._connection:
                self.told.append(json.loads(message))

    async def close(self) -> None:
        """Close the page."""
        if self._reading is not None:
            self._reading.cancel()
        await self._connection.close()


async def open_page(port: int, board: str = "b-1", user: str = "u-1", *, reading: bool = True, buffer: int = 0) -> Page | None:
    """Open a board's page; None where the server lets nobody in. `buffer` bounds what the system keeps of unread messages."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake

    end = socket.socket()
    if buffer:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    end.connect(("127.0.0.1", port))
    end.setblocking(False)
    try:
        connection = await connect(
            f"ws://127.0.0.1:{port}/boards/{board}/live",
            sock=end, additional_headers={"Cookie": f"login=c-{user}"},
            compression=None, max_queue=1, ping_interval=None, close_timeout=0.2,
        )  # fmt: skip
    except (InvalidHandshake, OSError):
        end.close()
        return None
    page = Page(connection)
    if reading:
        page.read()
    return page


async def until_told(pages: Sequence[Page], count: int) -> None:
    """Wait until each page was told so much, or until there is no news for a while."""
    before, since = -1, time.monotonic()
    while any(len(page.told) < count for page in pages) and time.monotonic() - since < PATIENCE:
        now = sum(len(page.told) for page in pages)
        if now != before:
            before, since = now, time.monotonic()
        await asyncio.sleep(0.02)
