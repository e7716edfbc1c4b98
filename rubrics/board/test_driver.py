"""Runs the author's own test of live updates, on the service as it is and on one that sends nothing to anybody."""

from __future__ import annotations

import importlib
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.websockets import WebSocket


async def setup(env: Any) -> None:
    """Let the test's service use the world's database."""
    structlog.configure(processors=[env.log_processor])
    support = importlib.import_module("tests.support")
    support.fresh_database = lambda: env.database_url("main")  # type: ignore[attr-defined]
    env.state["url"] = env.database_url("main")


async def run_test(env: Any, broken: bool) -> str:
    """Run the test; `broken` makes what is sent to viewers, whoever sends it, go nowhere."""
    await _empty(env.state["url"])
    live = importlib.import_module("board.live")
    original, publish = WebSocket.send, getattr(live.Hub, "publish", None)

    async def nowhere(self: WebSocket, message: Any) -> None:
        if message["type"] != "websocket.send":
            await original(self, message)

    if broken:
        WebSocket.send = nowhere  # type: ignore[method-assign]
        if publish is not None:
            live.Hub.publish = lambda *_: None
    try:
        await importlib.import_module("tests.test_live").test_viewers_hear_of_a_change()
    except (AssertionError, TimeoutError):
        return "failed"
    else:
        return "passed"
    finally:
        WebSocket.send = original  # type: ignore[method-assign]
        if publish is not None:
            live.Hub.publish = publish


async def _empty(url: str) -> None:
    """Drop the tables of the run before."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table in ("activity", "comments", "tasks", "members", "logins", "boards", "users"):
            await connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    await engine.dispose()
