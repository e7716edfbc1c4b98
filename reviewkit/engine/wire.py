"""Multipart messages over a stream socket: what the kernel's session serializes goes through as it is.

A message is the number of its frames (4 bytes), the length of each (8 bytes), then the frames.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from queue import Empty
from typing import Any

from jupyter_client.session import Session

CHUNK = 1 << 20


def packed(frames: Sequence[bytes | memoryview]) -> bytes:
    """The bytes of a message."""
    views = [memoryview(frame).cast("B") for frame in frames]
    return b"".join([struct.pack(f"!I{len(views)}Q", len(views), *(len(view) for view in views)), *views])


class Unpacker:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._bytes += data

    def take(self) -> list[bytes] | None:
        """The oldest whole message; None while there is none."""
        if len(self._bytes) < 4:
            return None
        (count,) = struct.unpack_from("!I", self._bytes)
        begin = 4 + 8 * count
        if len(self._bytes) < begin:
            return None
        lengths = struct.unpack_from(f"!{count}Q", self._bytes, 4)
        end = begin + sum(lengths)
        if len(self._bytes) < end:
            return None
        frames = []
        for length in lengths:
            frames.append(bytes(self._bytes[begin : begin + length]))
            begin += length
        del self._bytes[:end]
        return frames


def unsigned_session(parent: Any = None) -> Session:
    """Jupyter's serialization of messages; nobody else can write to these sockets, so nothing is signed."""
    session = Session(parent=parent, key=b"unsigned")  # without a key it warns
    session.auth = None
    return session


class Watch(ABC):
    """Reads a socket as long as the loop runs, whether anybody waits or not: an end that is not read stops the other."""

    def __init__(self, source: socket.socket) -> None:
        self.source = source
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    @abstractmethod
    def read(self) -> bool:
        """Take what is there; False when nothing more can come."""

    def attach(self) -> None:
        """Read from now on; in the loop that runs."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop and self.source.fileno() >= 0:
            self._loop = loop
            loop.add_reader(self.source, self._readable)

    def detach(self) -> None:
        """Read no more."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self.source)

    def _readable(self) -> None:
        if not self.read():
            self.detach()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def change(self, seconds: float | None = None) -> bool:
        """Wait until something was read; False when it did not happen in time."""
        self.attach()
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait((waiting,), timeout=seconds)
        finally:
            self._waiting.discard(waiting)
        return waiting.done()


class Receiver(Watch):
    """Messages from a socket. Waiting can be given up at any time, nothing is lost by it."""

    def __init__(self, source: socket.socket) -> None:
        super().__init__(source)
        self._unpacker = Unpacker()
        self.ended = False

    def read(self) -> bool:
        """See `Watch`."""
        try:
            data = self.source.recv(CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._unpacker.feed(data)
        self.ended = not data
        return not self.ended

    async def receive(self, seconds: float | None = None) -> list[bytes]:
        """The next message.

        Raises:
            queue.Empty: If there is none within `seconds`.
            EOFError: If the other end has closed.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while (frames := self._unpacker.take()) is None:
            if self.ended:
                raise EOFError
            if not await self.change(None if deadline is None else max(0.0, deadline - time.monotonic())):
                raise Empty
        return frames


class Sender:
    """Sends without waiting for the other end to read; what does not fit goes out while the loop runs."""

    def __init__(self, target: socket.socket) -> None:
        self._socket = target
        self._left = bytearray()

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message; without an effect when the other end has gone."""
        waiting = bool(self._left)
        self._left += packed(frames)
        if not waiting and self._send():
            asyncio.get_running_loop().add_writer(self._socket, self._continue)

    def _continue(self) -> None:
        if not self._send():
            asyncio.get_running_loop().remove_writer(self._socket)

    def _send(self) -> bool:
        """Whether something is left."""
        try:
            while self._left:
                del self._left[: self._socket.send(self._left, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            return True
        except OSError:
            self._left.clear()
        return False
