"""The guest's end of the wire without threads: one event loop, which waits for the parent where others wait for sockets."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NoReturn

from reviewkit.sandbox.inner import codec
from reviewkit.sandbox.inner.wire import SocketChannel

READ_BYTES = 65_536
WORLD_THREADS = "reviewkit-world"
"""Prefix of the threads of `reviewkit.harness.database`, whose work is done in line here."""


class PipeChannel(SocketChannel):
    """A channel over standard input and output."""

    def __init__(self) -> None:
        self._start: Callable[[int, str, dict[str, Any]], None] | None = None
        self._buffer = bytearray()
        super().__init__(None)  # type: ignore[arg-type] # every method that uses the socket is another one here

    def send(self, message: list[Any]) -> None:
        """See `SocketChannel.send`."""
        frame = memoryview(codec.encode(message, codec.MAX_FROM_GUEST))
        while frame:
            frame = frame[os.write(1, frame) :]

    def request_sync(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the world and wait, while nothing else runs; what arrives meanwhile is begun afterwards."""
        future: Future[dict[str, Any]] = self._ask(op, payload)[1]
        while not future.done():
            self.pump(None)
        return future.result()

    def wait_closed(self) -> NoReturn:
        """Wait until the process is killed."""
        while True:
            self.pump(None)

    def listen(self, start: Callable[[int, str, dict[str, Any]], None]) -> None:
        """Have `start` called for each thing to do."""
        self._start = start

    def pump(self, timeout: float | None) -> None:
        """Wait for the parent so many seconds (None: for ever), then take every message that is whole."""
        if timeout is None or select.select([0], [], [], timeout)[0]:
            data = os.read(0, READ_BYTES)
            if not data:
                os._exit(0)  # the parent has gone: nobody is left to answer to
            self._buffer += data
        while len(self._buffer) >= codec.HEADER:
            end = codec.HEADER + codec.frame_length(bytes(self._buffer[: codec.HEADER]), codec.MAX_TO_GUEST)
            if len(self._buffer) < end:
                return
            text = bytes(self._buffer[codec.HEADER : end])
            del self._buffer[:end]
            assert self._start is not None  # noqa: S101 - set before the loop runs
            self._take(codec.decode(text), self._start)


class PipeLoop(asyncio.BaseEventLoop):
    """An event loop that waits for a channel, and is its own selector: asyncio's loops ask theirs for one method."""

    def __init__(self, channel: PipeChannel, lacks: Callable[[str], None]) -> None:
        super().__init__()
        self._channel, self._lacks = channel, lacks
        self._selector = self

    def select(self, timeout: float | None) -> list[Any]:
        """Wait for the parent or for what is due next."""
        self._channel.pump(timeout)
        return []

    def _process_events(self, _events: list[Any]) -> None:
        """What arrived was taken while waiting."""

    def _write_to_self(self) -> None:
        """There is no other thread that could wake this one."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """There are no threads; only the harness's own statements are done in line.

        Raises:
            RuntimeError: For everything else, as where no thread can be started.
        """
        if getattr(executor, "_thread_name_prefix", "") != WORLD_THREADS:
            self._lacks("threads")
            raise RuntimeError("can't start new thread")
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future
