"""Driver of the trace exercise: follows one change through the tree and notes whose code is running at each mark.

The interpreter's profiler tells when a function of the tree is entered and left (a coroutine that waits is left, and entered once
more when it goes on); SQLAlchemy's events tell when something happens at the database, the other end of the WebSocket when the
page is sent something.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

import httpx
import structlog
from board import live
from board.api import build_app
from board.db import create_schema
from board.models import Board, Login, Member, Task, User
from board.settings import Settings
from sqlalchemy import event

PARTS = {
    ("db", "get_session"): "session",
    ("access", "get_actor"): "access",
    ("access", "member_of"): "access",
    ("api", "change_task"): "endpoint",
    ("service", "change_task"): "service",
    ("service", "_keep"): "keep",
    ("mail", "tell_assignee"): "mail",
    ("live", "publish"): "publish",
    ("live", "join"): "join",
    ("live", "run"): "run",
}
COOKIE = "c-1"


def part_of(code: CodeType) -> str | None:
    """The part of the exercise that a function belongs to."""
    path = PurePath(code.co_filename)
    return PARTS.get((path.stem, code.co_name)) if path.parent.name == "board" else None


class Follower:
    """Notes the order of first entries and the part that runs at each mark."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.marks: dict[str, str] = {}
        self._running: list[str] = []

    def step(self, frame: FrameType, what: str, _value: object) -> None:
        """Profiler hook: keep track of who is running."""
        part = part_of(frame.f_code)
        if part is None:
            return
        if what == "call":
            self._running.append(part)
            if part not in self.order:
                self.order.append(part)
        elif what == "return" and self._running:
            self._running.pop()

    def mark(self, name: str) -> None:
        """Something happened: note the innermost running part, the first time."""
        self.marks.setdefault(name, self._running[-1] if self._running else "nobody")

    def listen(self, engine: Any) -> None:
        """Attach to the events of an engine."""

        def statement(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
            if sql.lstrip().startswith("UPDATE tasks"):
                self.mark("writes")

        event.listen(engine, "begin", lambda _c: self.mark("begins"))
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", lambda _c: self.mark("commits"))


async def follow(env: Any) -> dict[str, Any]:
    """Let a page look on, make one change, and say what was seen."""
    structlog.configure(processors=[env.log_processor])
    seen, told = Follower(), asyncio.Event()

    class Events(asyncio.Queue):  # type: ignore[type-arg]
        def _put(self, item: Any) -> None:
            seen.mark("queued")
            super()._put(item)

    live.asyncio = _with_queue(Events)  # type: ignore[attr-defined]
    app = build_app(Settings(database_url=env.database_url("main")))
    await create_schema(app.state.engine)
    async with app.state.sessions.begin() as session:
        session.add_all([User(id="u-1", name="Ada"), Board(id="b-1", name="Launch", seq=0)])
        await session.flush()
        session.add_all([Login(cookie=COOKIE, user_id="u-1"), Member(board_id="b-1", user_id="u-1")])
        session.add(Task(id="t-1", board_id="b-1", title="Book a room"))

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            seen.mark("told")
            told.set()

    async with app.router.lifespan_context(app):
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        inbox.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/boards/b-1/live", "query_string": b"", "headers": [], "subprotocols": []}
        page = asyncio.create_task(app(scope, inbox.get, send))
        while not app.state.hub._viewers:
            await asyncio.sleep(0)
        seen.listen(app.state.engine.sync_engine)
        status = await _change(app, seen)
        await asyncio.wait_for(told.wait(), 10)
        inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await page
    return {"status": status, "order": seen.order, "marks": seen.marks}


def _with_queue(queue: Any) -> Any:
    """The module `asyncio` with another queue."""
    return type("Asyncio", (), {**vars(asyncio), "Queue": queue})


async def _change(app: Any, seen: Follower) -> int:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://board", cookies={"login": COOKIE}) as client:
        before = sys.getprofile()
        sys.setprofile(seen.step)
        try:
            reply = await client.patch("/boards/b-1/tasks/t-1", json={"version": 1, "status": "doing"})
        finally:
            sys.setprofile(before)
    return reply.status_code
