"""Live updates: who is looking at which board, and what they are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import WebSocket


class Hub:
    """Tells the viewers of a board what happens on it."""

    def __init__(self) -> None:
        self._viewers: dict[str, list[WebSocket]] = {}
        self._events: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def join(self, board_id: str, viewer: WebSocket) -> None:
        """Tell this viewer from now on."""
        await viewer.accept()
        self._viewers.setdefault(board_id, []).append(viewer)

    def leave(self, board_id: str, viewer: WebSocket) -> None:
        """Forget a viewer."""
        if viewer in self._viewers[board_id]:
            self._viewers[board_id].remove(viewer)

    def publish(self, board_id: str, event: dict[str, Any]) -> None:
        """Have the viewers told; returns at once."""
        self._events.put_nowait((board_id, event))

    async def run(self) -> None:
        """Tell viewers, event by event, until cancelled."""
        while True:
            board_id, event = await self._events.get()
            for viewer in list(self._viewers.get(board_id, [])):
                try:
                    await viewer.send_json(event)
                except Exception:
                    self._viewers[board_id].remove(viewer)
