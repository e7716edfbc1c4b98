"""The guest's end of the wire: frames over one socket, many requests in flight at once, from coroutines and threads.

Messages are lists. To the guest: `["do", number, op, payload]`, `["answer", number, reply]`, `["refused", number, text]`.
From the guest: `["done", number, reply]`, `["ask", number, op, payload]`, `["drop", number]`, `["tell", number, op, payload]`,
which is not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from reviewkit.guest.plain import NotPlainError
from reviewkit.sandbox.inner import codec

MAX_LOGGED = 2000


class WorldError(RuntimeError):
    """The world could not answer a request; the text says why."""


class SocketChannel:
    """Carries requests to the parent; what `reviewkit.guest` calls a channel."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}

    def send(self, message: list[Any]) -> None:
        """Send one message.

        Raises:
            NotPlainError: If a value in it does not cross.
        """
        frame = codec.encode(message, codec.MAX_FROM_GUEST)
        with self._sending:
            self._socket.sendall(frame)

    def _ask(self, op: str, payload: dict[str, Any]) -> tuple[int, Future[dict[str, Any]]]:
        number, future = next(self._numbers), Future[dict[str, Any]]()
        self._waiting[number] = future
        try:
            self.send(["ask", number, op, payload])
        except NotPlainError:
            del self._waiting[number]
            raise
        return number, future

    async def request(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the world and wait without blocking the loop; a cancelled request is taken back."""
        number, future = self._ask(op, payload)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._waiting.pop(number, None) is not None:
                self.send(["drop", number])
            raise

    def request_sync(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the world and block this thread."""
        return self._ask(op, payload)[1].result()

    def tell(self, op: str, payload: dict[str, Any]) -> None:
        """Say something that nobody answers: a round trip for each line of a log is much of what a guest costs."""
        number = next(self._numbers)
        try:
            self.send(["tell", number, op, payload])
        except NotPlainError:
            if op != "log":
                raise
            self.send(["tell", number, op, {"event": _in_ascii(payload["event"])}])

    def wait_closed(self) -> None:
        """Block this thread until the process is killed."""
        threading.Event().wait()

    def listen(self, start: Callable[[int, str, dict[str, Any]], None]) -> None:
        """Read messages in a thread of their own; `start` is called there for each thing to do."""
        threading.Thread(target=self._read, args=(start,), name="reviewkit-wire", daemon=True).start()

    def _read(self, start: Callable[[int, str, dict[str, Any]], None]) -> None:
        with contextlib.suppress(OSError, codec.ProtocolError), self._socket.makefile("rb") as stream:
            while header := stream.read(codec.HEADER):
                text = stream.read(codec.frame_length(header, codec.MAX_TO_GUEST))
                self._take(codec.decode(text), start)
        os._exit(0)  # the parent has gone: nobody is left to answer to

    def _take(self, message: list[Any], start: Callable[[int, str, dict[str, Any]], None]) -> None:
        kind, number = message[0], message[1]
        if kind == "do":
            start(number, message[2], message[3])
            return
        future = self._waiting.pop(number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if kind == "answer":
            future.set_result(message[2])
        else:
            future.set_exception(WorldError(message[2]))


def _in_ascii(event: dict[str, Any]) -> dict[str, Any]:
    """A log event as text that always crosses: logging something odd must not break the code that logs."""
    return {ascii(key)[1:-1]: ascii(value)[:MAX_LOGGED] for key, value in event.items()}
