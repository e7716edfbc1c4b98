"""Live updates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.support import client, service

if TYPE_CHECKING:
    from fastapi import FastAPI

MOST_SECONDS = 5.0


class Page:
    """The other end of a WebSocket."""

    def __init__(self, app: FastAPI, cookie: str = "c-1") -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": "/boards/b-1/live",
            "query_string": b"",
            "headers": [(b"cookie", f"login={cookie}".encode())],
            "subprotocols": [],
        }
        self._task = asyncio.create_task(app(scope, self._inbox.get, self.said.put))

    async def next(self) -> dict[str, Any]:
        """Return what comes next."""
        return await asyncio.wait_for(self.said.get(), MOST_SECONDS)

    async def leave(self) -> None:
        """Close the page."""
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await self._task


async def test_viewers_hear_of_a_change() -> None:
    async with service() as app, client(app) as http:
        pages = [Page(app) for _ in range(2)]
        assert [(await page.next())["type"] for page in pages] == ["websocket.accept"] * 2
        await http.post("/boards/b-1/tasks", json={"title": "Book a room"})
        for page in pages:
            assert "Book a room" in (await page.next())["text"]
            await page.leave()


async def test_strangers_hear_nothing() -> None:
    async with service() as app:
        assert (await Page(app, cookie="c-9").next())["type"] == "websocket.close"
