"""Live updates: who is looking at which board, and what they are told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from fastapi import WebSocket

log = structlog.get_logger()
LIMIT = 24


class Viewer:
    """A socket with an outbox."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(LIMIT)
        self.writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while True:
                await self.socket.send_json(await self.outbox.get())
        except Exception:
            log.info("viewer.gone")

    def stop(self) -> None:
        """End the writer."""
        self.writer.cancel()


class Hub:
    """Tells the viewers of a board what happens on it."""

    def __init__(self) -> None:
        self._viewers: dict[str, set[Viewer]] = {}

    async def join(self, board_id: str, socket: WebSocket) -> Viewer:
        """Tell this viewer from now on."""
        await socket.accept()
        viewer = Viewer(socket)
        self._viewers.setdefault(board_id, set()).add(viewer)
        return viewer

    def leave(self, board_id: str, viewer: Viewer) -> None:
        """Forget a viewer."""
        viewer.stop()
        self._viewers.get(board_id, set()).discard(viewer)

    def publish(self, board_id: str, event: dict[str, Any]) -> None:
        """Hand the event to each viewer's outbox; who is too far behind is dropped."""
        for viewer in list(self._viewers.get(board_id, ())):
            try:
                viewer.outbox.put_nowait(event)
            except asyncio.QueueFull:
                log.warning("viewer.slow", board=board_id)
                self.leave(board_id, viewer)
