"""Loads a tree and its driver, and calls the driver's functions by name."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reviewkit.guest import database, web
from reviewkit.guest.channel import Channel
from reviewkit.guest.plain import plain

DRIVER = "reviewkit_driver"
BEAT_SECONDS = 0.01


class Env:
    """What a driver gets: handles to the world and a place to keep things between calls."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.state: dict[str, Any] = {}

    def database_url(self, name: str) -> str:
        """SQLAlchemy URL of a database of the world, for an async engine."""
        return f"sqlite+aiosqlite:///world:{name}"

    def sync_database_url(self, name: str) -> str:
        """SQLAlchemy URL of a database of the world, for a synchronous engine."""
        return f"sqlite:///world:{name}"

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Send a fact out; it arrives in `world.facts`."""
        self._channel.tell("emit", {"kind": kind, "data": plain(data)})

    @property
    def log_processor(self) -> Callable[[Any, str, dict[str, Any]], dict[str, Any]]:
        """A structlog processor that sends each event to `world.logs` and ends the chain."""

        def send(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
            self._channel.tell("log", {"event": {str(k): _printable(v) for k, v in event.items()}})
            import structlog

            raise structlog.DropEvent

        return send


def _printable(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return repr(value)[:2000]


class Runner:
    """One job's guest: a loaded tree, a driver, an env."""

    def __init__(self, channel: Channel, *, fresh: bool = False) -> None:
        """Make a runner.

        Args:
            channel: The way out.
            fresh: Whether this process has never loaded a tree, so that nothing needs to be put aside. Going through all
                modules counts references, and so copies the pages that a forked process shares with its parent.
        """
        self.env = Env(channel)
        self._fresh = fresh
        self._undo: list[Callable[[], None]] = [web.install(channel), database.install(channel)]
        self._driver: types.ModuleType | None = None
        self._modules: tuple[str, ...] = ()
        self._root = ""
        self._saved: dict[str, types.ModuleType] = {}
        self._bytecode = sys.dont_write_bytecode
        self._beats: list[float] = []
        self._beating: asyncio.Task[None] | None = None

    async def load(self, root: Path, modules: tuple[str, ...], driver: str, driver_name: str) -> None:
        """Make the tree importable, execute the driver's source, run its `setup`.

        Raises:
            Exception: Whatever the tree or the driver raises while it is imported.
        """
        sys.dont_write_bytecode = True  # no __pycache__ in a scenario's folder
        self._modules, self._root = modules, str(root)
        if not self._fresh:
            self._saved = {name: module for name, module in sys.modules.items() if self._ours(name)}
            self._purge()
            importlib.invalidate_caches()
        sys.path.insert(0, self._root)
        module = types.ModuleType(DRIVER)
        module.__file__ = driver_name
        sys.modules[DRIVER] = module
        exec(compile(driver, driver_name, "exec"), module.__dict__)  # noqa: S102 - running code is what a guest is for
        self._driver = module
        setup = getattr(module, "setup", None)
        if setup is not None:
            await setup(self.env)

    async def call(self, name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Run one of the driver's functions: `{"value": ...}` or `{"error": class name, "message": text}`."""
        try:
            function = self._function(name)
            result = function(self.env, **kwargs)
            if inspect.isawaitable(result):
                result = await result
            return {"value": plain(result)}
        except Exception as error:  # the code under review may raise anything: that is an answer
            return {"error": type(error).__name__, "message": _message(error)}

    def _function(self, name: str) -> Callable[..., Any]:
        function = getattr(self._driver, name, None)
        if name.startswith("_") or not inspect.isfunction(function):
            raise LookupError(f"the driver has no function {name!r}")
        return function

    async def start_beating(self) -> None:
        """Tick in this loop every 10 ms until `stop_beating`."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._beats = [0.0]

        async def tick() -> None:
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                self._beats.append(loop.time() - start)

        self._beating = asyncio.create_task(tick())

    async def stop_beating(self) -> list[float]:
        """Seconds since `start_beating`, one per tick."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        return list(self._beats)

    async def close(self) -> None:
        """Run the driver's `teardown` and give the process its modules back."""
        try:
            await self.tear_down()
        finally:
            self.restore()

    async def tear_down(self) -> None:
        """Run the driver's `teardown`; enough for a process that ends anyway."""
        await self.stop_beating()
        teardown = getattr(self._driver, "teardown", None)
        if teardown is not None:
            await teardown(self.env)

    def restore(self) -> None:
        """Undo every change to this process; safe to call twice."""
        for undo in self._undo:
            undo()
        self._undo = []
        if self._root in sys.path:
            sys.path.remove(self._root)
        self._purge()
        sys.modules.update(self._saved)
        self._saved = {}
        sys.dont_write_bytecode = self._bytecode

    def _ours(self, name: str) -> bool:
        return name.split(".", 1)[0] in (*self._modules, DRIVER)

    def _purge(self) -> None:
        for name in [name for name in sys.modules if self._ours(name)]:
            del sys.modules[name]


def _message(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except Exception:  # an exception class of the code under review may fail to print
        return "(an error that cannot be printed)"
