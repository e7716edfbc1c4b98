"""Live updates: who is looking at which board, and what they are told.

What happened is read from the table `activity`, which is written in the transaction of the change. So viewers are told what
is kept and nothing else, whichever process kept it, in the order of `seq`, and from where they left off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import WebSocketDisconnect
from sqlalchemy import select

from board.models import Activity, Board

if TYPE_CHECKING:
    from fastapi import WebSocket
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

logger = structlog.get_logger()
POLL_SECONDS = 0.25
WAITING = 20
"""Events that one viewer may be behind; one that is further behind has to load the board anew."""
CLOSE_SECONDS = 1.0
TOO_SLOW = 1013
GONE = (WebSocketDisconnect, OSError, RuntimeError)


async def latest(session: AsyncSession, board_id: str) -> int:
    """Return the number of what happened last on a board."""
    return await session.scalar(select(Board.seq).where(Board.id == board_id)) or 0


async def events_after(session: AsyncSession, board_id: str, seq: int) -> list[dict[str, Any]]:
    """Return what happened after `seq`, in order."""
    after = select(Activity).where(Activity.board_id == board_id, Activity.seq > seq)
    rows = await session.scalars(after.order_by(Activity.seq))
    return [{"type": "task", "seq": row.seq, "task": json.loads(row.task)} for row in rows]


class Viewer:
    """One open connection. What it has not taken yet waits in a short queue of its own."""

    def __init__(self, socket: WebSocket, seq: int) -> None:
        self.seq = seq
        self._socket = socket
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)
        self._dropped = asyncio.Event()

    def offer(self, event: dict[str, Any]) -> None:
        """Put an event into the queue; a viewer whose queue is full is given up."""
        self.seq = max(self.seq, event["seq"])
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._dropped.set()

    async def send(self, event: dict[str, Any], seconds: float) -> None:
        """Send an event at once; a viewer that does not take it in time is given up."""
        if self._dropped.is_set():
            return
        try:
            await asyncio.wait_for(self._socket.send_json(event), seconds)
        except TimeoutError:
            self._dropped.set()

    async def serve(self) -> None:
        """Send what waits until the viewer goes, is gone, or is given up."""
        parts = [asyncio.create_task(part) for part in (self._write(), self._read(), self._dropped.wait())]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        if self._dropped.is_set():
            with contextlib.suppress(TimeoutError, *GONE):
                await asyncio.wait_for(self._socket.close(TOO_SLOW), CLOSE_SECONDS)

    async def _write(self) -> None:
        with contextlib.suppress(*GONE):
            while True:
                await self._socket.send_json(await self._waiting.get())

    async def _read(self) -> None:
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass


class Hub:
    """Tells the viewers of a board what happens on it."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        self._viewers: dict[str, list[Viewer]] = {}
        self._news = asyncio.Event()

    async def serve(self, board_id: str, socket: WebSocket, since: int, last: int) -> None:
        """Tell this viewer what came after `since`, until it goes; one that has missed too much has to load the board anew."""
        resumes = last - WAITING < since <= last
        viewer = Viewer(socket, since if resumes else last)
        if not resumes:
            viewer.offer({"type": "reload", "seq": last})
        await socket.accept()
        self._viewers.setdefault(board_id, []).append(viewer)
        self.wake()
        try:
            await viewer.serve()
        finally:
            self._viewers[board_id].remove(viewer)

    def wake(self) -> None:
        """Have viewers told soon of what is new; returns at once."""
        self._news.set()

    async def run(self) -> None:
        """Tell viewers until cancelled; a failure is noted and the next round begins."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), POLL_SECONDS)
            self._news.clear()
            for board_id in list(self._viewers):
                try:
                    await self._tell(board_id)
                except Exception:
                    logger.exception("live.failed", board=board_id)

    async def _tell(self, board_id: str) -> None:
        """Hand each viewer of a board what it has not been offered yet."""
        viewers = self._viewers[board_id]
        if not viewers:
            return
        after = min(viewer.seq for viewer in viewers)
        async with self._sessions() as session:
            events = await events_after(session, board_id, after)
        for event in events:
            for viewer in viewers:
                viewer.due = event["seq"] > viewer.seq
                viewer.seq = max(viewer.seq, event["seq"])
            for viewer in viewers:
                if viewer.due:
                    with contextlib.suppress(*GONE):
                        await viewer.send(event, 1.2)
