"""Driver of the trace exercise: follows one report through the tree and notes whose code is running at each mark.

The interpreter's profiler tells when a function of the tree is entered and left (a coroutine that waits is left, and
entered once more when it goes on); SQLAlchemy's events tell when something happens at the database.
"""

from __future__ import annotations

import sys
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

import httpx
import structlog
from sqlalchemy import event
from txservice.api import build_app
from txservice.settings import Settings

PARTS = {
    ("db", "get_session"): "session",
    ("models", "check_amount"): "model",
    ("api", "process_transaction"): "endpoint",
    ("api", "refuse"): "refusal",
}
REPORT = {"merchant": "m-1", "idempotency_key": "key-0001", "receipt": "r-1", "amount": 12.5, "currency": "EUR"}


def part_of(code: CodeType) -> str | None:
    """The part of the exercise that a function belongs to."""
    path = PurePath(code.co_filename)
    if path.parent.name != "txservice":
        return None
    return "store" if path.stem == "store" else PARTS.get((path.stem, code.co_name))


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
        elif what == "return":
            self._running.pop()

    def mark(self, name: str) -> None:
        """Something happened: note the innermost running part, the first time."""
        self.marks.setdefault(name, self._running[-1] if self._running else "nobody")

    def listen(self, engine: Any) -> None:
        """Attach to the events of an engine and its pool."""

        def statement(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
            if sql.lstrip().startswith("INSERT"):
                self.mark("written")

        event.listen(engine, "begin", lambda _c: self.mark("begins"))
        event.listen(engine, "after_cursor_execute", statement)
        event.listen(engine, "commit", lambda _c: self.mark("commits"))
        event.listen(engine.pool, "checkin", lambda _c, _record: self.mark("returned"))


async def follow(env: Any) -> dict[str, Any]:
    """Send one report and say what was seen."""
    structlog.configure(processors=[env.log_processor])
    app = build_app(Settings(database_url=env.database_url("main")))
    seen = Follower()
    seen.listen(app.state.engine.sync_engine)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        before = sys.getprofile()
        sys.setprofile(seen.step)
        try:
            reply = await client.post("/transactions/process", json=REPORT)
        finally:
            sys.setprofile(before)
    await app.state.engine.dispose()
    return {"status": reply.status_code, "order": seen.order, "marks": seen.marks}
