"""Runs a guest as a thread with an event loop of its own: for code we trust, and for a candidate's own kernel.

Never used for a candidate's code on the hiring side; that is the sandbox's job.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
import threading
from collections.abc import Coroutine
from typing import Any

from reviewkit.guest.channel import GuestClosed
from reviewkit.guest.runner import Runner
from reviewkit.harness.job import Job, Load, LoadError
from reviewkit.harness.strays import hush
from reviewkit.harness.world import World

LOAD_SECONDS = 30.0
JOIN_SECONDS = 2.0


class _ThreadChannel:
    """Carries the guest thread's requests into the loop that owns the world."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._world, self._loop = world, loop
        self._closed = threading.Event()
        self._waiting: set[concurrent.futures.Future[dict[str, Any]]] = set()

    def _send(self, op: str, payload: dict[str, Any]) -> concurrent.futures.Future[dict[str, Any]]:
        if self._closed.is_set():
            raise GuestClosed
        future = asyncio.run_coroutine_threadsafe(self._world.handle(op, payload), self._loop)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    async def request(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.wrap_future(self._send(op, payload))

    def request_sync(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._send(op, payload).result()
        except concurrent.futures.CancelledError:
            raise GuestClosed from None

    def tell(self, op: str, payload: dict[str, Any]) -> None:
        self.request_sync(op, payload)

    def wait_closed(self) -> None:
        self._closed.wait()
        raise GuestClosed

    def close(self) -> None:
        self._closed.set()
        for future in list(self._waiting):
            future.cancel()


class LocalJob:
    """A guest in a thread."""

    def __init__(self, world: World) -> None:
        self._channel = _ThreadChannel(world, asyncio.get_running_loop())
        self._runner: Runner | None = None
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # the guest's stray tasks are its own affair
        self._thread = threading.Thread(target=self._run, name="reviewkit-guest", daemon=True)
        self._logging: dict[str, Any] | None = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.suppress(GuestClosed):
            self._loop.run_forever()

    async def start(self, load: Load) -> None:
        """Start the thread and load the tree.

        Raises:
            LoadError: If that fails or takes longer than 30 s.
        """
        hush()
        self._save_logging()
        self._thread.start()
        self._runner = Runner(self._channel)
        source = load.driver.read_text("utf-8")
        try:
            await self._within(self._runner.load(load.root, load.modules, source, load.driver.name), LOAD_SECONDS)
        except TimeoutError:
            await self.close()
            raise LoadError("TimeLimit", f"no answer within {LOAD_SECONDS:g} s") from None
        except Exception as error:  # the tree may raise anything while it is imported
            await self.close()
            raise LoadError(type(error).__name__, str(error)[:500]) from error

    async def _within(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)

    async def ask(self, op: str, payload: dict[str, Any], timeout: float) -> dict[str, Any]:
        """One request to the guest; see `Job.ask`."""
        runner = self._runner
        if runner is None:
            return {"error": "GuestClosed", "message": "the job is over"}
        try:
            if op == "call":
                return dict(await self._within(runner.call(payload["name"], payload["kwargs"]), timeout))
            if op == "heartbeat":
                await self._within(runner.start_beating(), timeout)
                return {}
            return {"value": await self._within(runner.stop_beating(), timeout)}
        except TimeoutError:
            return {"error": "TimeLimit", "message": f"no answer within {timeout:g} s"}

    async def close(self) -> None:
        """End the guest and give this process back what was changed."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        with contextlib.suppress(Exception):  # a teardown that fails or hangs changes nothing for the caller
            await self._within(runner.close(), JOIN_SECONDS)
        self._channel.close()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop)
        await asyncio.to_thread(self._thread.join, JOIN_SECONDS)
        runner.restore()
        self._restore_logging()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    def _save_logging(self) -> None:
        structlog = sys.modules.get("structlog")
        if structlog is not None and structlog.is_configured():
            self._logging = dict(structlog.get_config())

    def _restore_logging(self) -> None:
        structlog = sys.modules.get("structlog")
        if structlog is None:
            return
        structlog.reset_defaults()
        if self._logging is not None:
            structlog.configure(**self._logging)


class LocalLauncher:
    """Starts guests as threads, one at a time: they share this process's modules."""

    def __init__(self) -> None:
        self._busy = False

    async def launch(self, load: Load, world: World) -> Job:
        """Start a guest thread; a process where the driver is TypeScript or Java.

        Raises:
            RuntimeError: If a job of this launcher is still open.
            LoadError: If the tree or the driver fails while it is loaded.
        """
        if load.driver.suffix == ".java":
            from reviewkit.runtimes import javalocal

            return await javalocal.launch(load, world)
        if load.driver.suffix != ".py":
            from reviewkit.runtimes import nodelocal

            return await nodelocal.launch(load, world)
        job = LocalJob(world)
        await job.start(load)
        return job
