"""One guest: a process that has just locked itself down, and now loads a tree and does what the parent asks."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import Any, NoReturn

from reviewkit.guest.plain import NotPlainError
from reviewkit.guest.runner import Runner
from reviewkit.sandbox.inner.codec import TooLargeError
from reviewkit.sandbox.inner.wire import SocketChannel

MAX_NAME = 80
MAX_MESSAGE = 500


def serve(connection: socket.socket, seed: int, root: str) -> NoReturn:
    """Answer until the process is killed.

    Args:
        connection: The wire to the parent.
        seed: For `random`, so that a submission behaves the same each time.
        root: Folder of the tree under test.
    """
    random.seed(seed)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, _context: None)  # the guest's stray tasks are its own affair
    channel = SocketChannel(connection)
    member = Member(channel, Runner(channel, fresh=True), loop, Path(root))
    channel.listen(member.start)
    loop.run_forever()
    raise SystemExit(0)


class Member:
    """Does one thing after another that the parent asks, and many at once."""

    def __init__(self, channel: SocketChannel, runner: Runner, loop: asyncio.AbstractEventLoop, root: Path) -> None:
        self._channel, self._runner, self._loop, self._root = channel, runner, loop, root
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, number: int, op: str, payload: dict[str, Any]) -> None:
        """Begin one piece of work in the loop; called from the wire's thread."""
        self._loop.call_soon_threadsafe(self._spawn, number, op, payload)

    def _spawn(self, number: int, op: str, payload: dict[str, Any]) -> None:
        task = self._loop.create_task(self._do(number, op, payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, number: int, op: str, payload: dict[str, Any]) -> None:
        try:
            reply = await self._reply(op, payload)
        except BaseException as error:  # whatever the tree raises, SystemExit included, is an answer
            reply = _error(error)
        try:
            self._channel.send(["done", number, reply])
        except TooLargeError as error:
            self._channel.send(["done", number, {"error": "ResultTooLarge", "message": str(error)}])
        except NotPlainError as error:
            self._channel.send(["done", number, _error(error)])

    async def _reply(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        runner = self._runner
        if op == "call":
            reply = await runner.call(payload["name"], payload["kwargs"])
            return reply if "error" not in reply else _shortened(reply)
        if op == "load":
            modules = tuple(payload["modules"])
            await runner.load(self._root, modules, payload["driver"], payload["driver_name"])
            return {"value": None}
        if op == "heartbeat":
            await runner.start_beating()
            return {"value": None}
        if op == "beats":
            return {"value": await runner.stop_beating()}
        await runner.tear_down()
        return {"value": None}


def _error(error: BaseException) -> dict[str, Any]:
    try:
        text = str(error)
    except Exception:  # an exception class of the tree may fail to print
        text = "(an error that cannot be printed)"
    return _shortened({"error": type(error).__name__, "message": text})


def _shortened(reply: dict[str, Any]) -> dict[str, Any]:
    return {"error": _text(reply["error"], MAX_NAME), "message": _text(reply["message"], MAX_MESSAGE)}


def _text(value: str, most: int) -> str:
    return str.__str__(value)[:most].encode("utf-8", "backslashreplace").decode()
