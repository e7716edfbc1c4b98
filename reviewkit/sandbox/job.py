"""The parent's end of one guest: sends work, answers its requests, keeps the deadlines, and knows how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import select
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from reviewkit.guest.plain import NotPlainError
from reviewkit.harness.job import Load, LoadError
from reviewkit.harness.world import World
from reviewkit.sandbox import bridge, waits
from reviewkit.sandbox.ending import Ending, read_exit
from reviewkit.sandbox.inner import codec
from reviewkit.sandbox.inner.codec import ProtocolError
from reviewkit.sandbox.inner.forkserver import LOCKED
from reviewkit.sandbox.line import Exit, Ordered
from reviewkit.sandbox.unavailable import SandboxError

LOCK_SECONDS = 30.0
LOAD_SECONDS = 30.0
CLOSE_SECONDS = 1.0
EXIT_SECONDS = 10.0
CUT_SECONDS = 1.0
MAX_OPEN = 256
"""Requests of a guest that are answered at once; it is not read any further meanwhile."""
MAX_REQUESTS = 50_000
MAX_LACKS, MAX_LACK = 20, 100
"""Parts that a guest may say it lacks, and characters of each."""
MAX_BYTES = 256_000_000
"""Bytes that one guest may send in its life."""
MAX_WEIGHT = 100_000_000
"""Characters and values (a value counts 50) of its requests, which the world keeps for the check to look at."""
MAX_UNREAD = 64_000_000
"""The same of answers that a guest has asked for and not read."""
LEAST_TAKEN, MOST_GIVEN = 0.1, 5.0
"""Share of a time that others must have taken for it to be given back, and the most that is, in times of the limit."""
Prepare = Callable[[Callable[[str, dict[str, Any], float], Awaitable[dict[str, Any]]]], Awaitable[dict[str, Any]]]
"""Given a way to ask the guest, before it has loaded anything: parts of the order to load."""


class GuestLoadError(LoadError):
    """The tree or its driver could not be loaded.

    Args:
        error: Class name of the guest's error.
        message: Its text.
        ending: Why the guest ended over it; None if it lived on.
        by_wall: Whether only the wall clock says that it took too long.
        job: The guest that failed; None where none was started.
    """

    def __init__(
        self, error: str, message: str, ending: Ending | None, *, by_wall: bool = False, job: SandboxJob | None = None
    ) -> None:
        super().__init__(error, message)
        self.ending, self.by_wall, self.job = ending, by_wall, job


class SandboxJob:
    """A guest in a process of its own. `ending` is None as long as nothing went wrong with the process."""

    def __init__(self, world: World, ours: socket.socket, *, slow: float = 1.0, may_lack: bool = False) -> None:
        """Make the parent's end.

        Args:
            world: What the guest's requests reach.
            ours: The wire.
            slow: How much longer than elsewhere calls may take at this level.
            may_lack: Whether guests of this level say what they lack.
        """
        self.ending: Ending | None = None
        self.ending_text = ""
        self.out_of_time = False
        """Whether a call was not answered in time."""
        self.out_of_memory = False
        """Whether the guest reported that memory ran out."""
        self.lost = False
        """Whether the fork server ended, and the guest with it."""
        self.waited = 0.0
        """Seconds that its most delayed thread was ready to run and had no processor."""
        self.exit: Exit | None = None
        self._world, self._socket = world, ours
        self._numbers = itertools.count(1)
        self._replies: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._late: set[int] = set()
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(MAX_OPEN)
        self._sending = asyncio.Lock()
        self._requests = self._bytes = self._weight = self._unread = 0
        self._used, self._given = time.process_time(), 0.0
        self._pidfd = -1
        self._ordered: Ordered | None = None
        self._slow, self._may_lack = slow, may_lack
        self.lacks: list[str] = []
        """Parts that the code asked for and guests of this level do not have, by the guest's word."""
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, ordered: Ordered, load: Load, prepare: Prepare | None = None) -> None:
        """Wait for the guest to be locked down, then load the tree.

        Args:
            ordered: The guest.
            load: What to load.
            prepare: Asks the guest for what goes along with the order to load.

        Raises:
            GuestLoadError: If the tree or the driver fails while it is loaded.
            SandboxError: If no guest comes up.
        """
        self._ordered = ordered
        try:
            self._pidfd = await asyncio.wait_for(asyncio.wrap_future(ordered.started), LOCK_SECONDS)
            self._reader, self._writer = await asyncio.open_unix_connection(sock=self._socket)
            if await asyncio.wait_for(self._reader.readexactly(1), LOCK_SECONDS) != LOCKED:
                reason = (await asyncio.wait_for(self._reader.read(200), LOCK_SECONDS)).decode("utf-8", "replace")
                raise OSError(reason)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            await self._end(ordered)
            raise SandboxError(f"a guest could not be locked down ({str(error) or type(error).__name__})") from None
        self._world.guest_waited = self._guest_waited
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch(ordered))]
        payload: dict[str, Any] = {
            "modules": list(load.modules), "driver": load.driver.read_text("utf-8"), "driver_name": load.driver.name,
        }  # fmt: skip
        try:
            if prepare is not None:
                payload |= await prepare(self.ask)
            reply = await self.ask("load", payload, LOAD_SECONDS)
        except BaseException:  # a check out of time included: who asked for the guest has none to close
            await self.close()
            raise
        if "error" in reply:
            await self.close()
            by_wall = self.ending is None and self.out_of_time
            ending = Ending.TIME_LIMIT if by_wall else self.ending
            raise GuestLoadError(reply["error"], reply["message"], ending, by_wall=by_wall, job=self)

    def allow(self, times: float) -> None:
        """Let calls take so many times as long; processor time stays what it is."""
        self._slow *= times

    async def ask(self, op: str, payload: dict[str, Any], timeout: float) -> dict[str, Any]:
        """One request to the guest; see `reviewkit.harness.job.Job`."""
        if self.ending is not None or self._closing:
            return self._gone()
        timeout *= self._slow
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[number] = (op, future)
        try:
            async with asyncio.timeout(timeout):
                with contextlib.suppress(OSError):  # a wire that is cut: the reader settles what that means
                    await self._send(["do", number, op, payload])
            return await self._patiently(future, timeout)
        except TimeoutError:
            self._late.add(number)
            self.out_of_time = True
            return {"error": "TimeLimit", "message": f"no answer within {timeout:g} s"}
        except asyncio.CancelledError:  # the check is out of time
            self.look()
            raise
        finally:
            self._replies.pop(number, None)

    async def _patiently(self, future: asyncio.Future[dict[str, Any]], timeout: float) -> dict[str, Any]:
        """Wait so many seconds of a machine that lets the guest run: what others took is given back, once and within bounds."""
        left, given = timeout, 0.0
        while True:
            done, _ = await asyncio.wait({future}, timeout=left)
            if done:
                return future.result()
            taken = min(self.look() - self._given, left)
            if taken < left * LEAST_TAKEN or given + taken > timeout * MOST_GIVEN:
                raise TimeoutError
            self._given += taken
            left, given = taken, given + taken

    def _has_ended(self) -> bool:
        """Whether the process is no more, told or not; False where the system does not say."""
        return self._pidfd >= 0 and bool(select.select([self._pidfd], [], [], 0)[0])

    def _guest_waited(self) -> float:
        """Seconds that the guest's most delayed thread had no processor, beyond what its threads took from each other."""
        pid = waits.pid_behind(self._pidfd) if self._pidfd >= 0 else None
        waited, ran = (0.0, 0.0) if pid is None else waits.of_process(pid)
        return waited - ran

    def look(self) -> float:
        """Seconds that others kept the guest's most delayed thread from running; never what guest or parent used."""
        pid = waits.pid_behind(self._pidfd) if self._pidfd >= 0 else None
        if pid is None:
            return 0.0
        waited, ran = waits.of_process(pid)
        self.waited = max(self.waited, waited)
        return waited - ran - (time.process_time() - self._used)

    def _gone(self) -> dict[str, Any]:
        error = "TimeLimit" if self.ending is Ending.TIME_LIMIT else "GuestClosed"
        return {"error": error, "message": self.ending_text or "the job is over"}

    async def _send(self, message: list[Any]) -> None:
        async with self._sending:
            if self.ending is not None:
                return  # nobody reads any more
            self._writer.write(codec.encode(message, codec.MAX_TO_GUEST))  # one at a time: a frame is as large as its answer
            await self._writer.drain()

    async def _read(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(codec.HEADER)
                length = codec.frame_length(header, codec.MAX_FROM_GUEST)
                self._bytes += length
                if self._bytes > MAX_BYTES:
                    raise ProtocolError("more bytes than any guest needs")
                message = codec.decode(await self._reader.readexactly(length))
                await self._take(message)
        except ProtocolError as error:
            self._stop(Ending.STOPPED, f"stopped: {error}")
        except (asyncio.IncompleteReadError, OSError):
            await asyncio.sleep(CUT_SECONDS)  # the end of the process comes now and tells the reason
            if self._has_ended():  # on a busy machine a little later
                await asyncio.wait({self._tasks[1]}, timeout=EXIT_SECONDS)
            self._stop(Ending.STOPPED, "stopped: it cut its wire")

    async def _take(self, message: Any) -> None:
        if type(message) is not list or len(message) < 2 or type(message[1]) is not int:
            raise ProtocolError("a message of no known form")
        kind, number = message[0], message[1]
        if kind == "done" and len(message) == 3:
            self._take_reply(number, message[2])
        elif kind == "ask" and len(message) == 4:
            await self._take_request(number, message[2], message[3])
        elif kind == "tell" and len(message) == 4:
            await self._take_news(message[2], message[3])
        elif kind == "lacks" and len(message) == 3 and self._may_lack and type(message[2]) is str:
            if len(self.lacks) < MAX_LACKS:
                self.lacks.append(message[2][:MAX_LACK])
        elif kind == "drop" and len(message) == 2:
            task = self._asked.get(number)
            if task is not None:
                task.cancel()
        else:
            raise ProtocolError("a message of no known form")

    def _take_reply(self, number: int, reply: Any) -> None:
        if number in self._late:
            self._late.discard(number)
            return
        op, future = self._replies.pop(number, ("", None))
        if future is None:
            raise ProtocolError("a reply that nobody waits for")
        answer = bridge.examine_reply(op, reply)
        self.out_of_memory = self.out_of_memory or answer.get("error") == "MemoryError"
        if not future.done():
            future.set_result(answer)

    async def _take_request(self, number: int, op: Any, payload: Any) -> None:
        self._count(op, payload)
        if number in self._asked:
            raise ProtocolError("two requests of one number")
        await self._slots.acquire()
        self._asked[number] = asyncio.create_task(self._answer(number, op, payload))

    async def _take_news(self, op: Any, payload: Any) -> None:
        """What nobody answers, heard before anything that comes after it is."""
        self._count(op, payload)
        if op not in bridge.NEWS:
            raise ProtocolError("a request that wants no answer")
        try:
            await bridge.answer(self._world, op, payload)
        except ProtocolError:
            raise
        except Exception:  # noqa: S110 - a world behind another guest, which has gone: the next request hears of it
            pass

    def _count(self, op: Any, payload: Any) -> None:
        bridge.examine(op, payload)
        self._requests += 1
        self._weight += bridge.weight(payload)
        if self._requests > MAX_REQUESTS or self._weight > MAX_WEIGHT:
            raise ProtocolError("requests without end")

    async def _answer(self, number: int, op: str, payload: dict[str, Any]) -> None:
        size = 0
        try:
            message: list[Any]
            try:
                message = ["answer", number, await bridge.answer(self._world, op, payload)]
                size = bridge.weight(message)
                self._unread += size
                if self._unread > MAX_UNREAD:
                    raise ProtocolError("answers that it does not read")
            except ProtocolError as error:
                self._stop(Ending.STOPPED, f"stopped: {error}")
                return
            except Exception as error:  # a handler of the scenario met data it does not know
                text = f"{type(error).__name__}: {error}"[:500]
                message = ["refused", number, text.encode("utf-8", "replace").decode()]
            try:
                await self._send(message)
            except NotPlainError as error:
                await self._send(["refused", number, str(error)])
        except OSError:
            return  # nobody is left to be answered
        finally:
            self._unread -= size
            del self._asked[number]
            self._slots.release()

    async def _watch(self, ordered: Ordered) -> None:
        try:
            self.exit = await asyncio.shield(asyncio.wrap_future(ordered.ended))
        except SandboxError:
            self.lost = True
            self._stop(Ending.CRASHED, "its fork server has ended")
            return
        if not self._closing and self.ending is None:
            how = ordered.how or read_exit
            ending, text = how(self.exit, self.out_of_memory)
            self._settle(Ending(ending), text)

    def _stop(self, ending: Ending, text: str) -> None:
        if self.ending is None and not self._closing:
            self._settle(ending, text)
        self._kill()

    def _settle(self, ending: Ending, text: str) -> None:
        self.ending, self.ending_text = ending, text
        for _op, future in self._replies.values():
            if not future.done():
                future.set_result(self._gone())

    def _kill(self) -> None:
        if self._ordered is not None and self._ordered.kill is not None:
            self._ordered.kill()
        elif self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def close(self) -> None:
        """Let the driver clean up for a moment, then kill the guest whatever it is doing, and see it gone."""
        if self._closing:
            return
        if self.ending is None and not self.out_of_time:
            late = self.out_of_time
            await self.ask("close", {}, CLOSE_SECONDS)
            self.out_of_time = late  # a slow clean-up is no call of the check
        self._closing = True
        self._kill()
        watch = self._tasks[1]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(watch), EXIT_SECONDS)
        await self._release()

    async def _end(self, ordered: Ordered) -> None:
        """Clear up after a guest that never came up."""
        self._closing = True
        if self._pidfd < 0 and ordered.started.done() and ordered.started.exception() is None:
            self._pidfd = ordered.started.result()
        self._kill()
        self._socket.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    async def _release(self) -> None:
        tasks = [*self._tasks, *self._asked.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._writer.transport.abort()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
