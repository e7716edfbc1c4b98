"""Calls the service as the shop front does. Each worker is an application of its own on the one database."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx
import structlog

from checkout.api import build_app
from checkout.db import create_tables, make_engine
from checkout.settings import Settings


async def setup(env: Any) -> None:
    """Send log lines out and create the tables that are missing."""
    processors = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, env.log_processor]
    structlog.configure(processors=processors)
    env.state["workers"] = {}
    engine = make_engine(_settings(env, {}))
    await create_tables(engine)
    await engine.dispose()


async def teardown(env: Any) -> None:
    """Stop every worker."""
    for worker in env.state["workers"].values():
        await worker.stop()


async def start(env: Any, worker: str = "a", settings: dict[str, Any] | None = None) -> None:
    """Start a worker with settings of its own; other calls start one with the usual settings."""
    env.state["workers"][worker] = Worker(build_app(_settings(env, settings or {})))
    await env.state["workers"][worker].ready()


async def checkout(env: Any, order_id: str, card: str = "tok-1", customer: str = "c-1", worker: str = "a") -> Any:
    """Pay for an order: status code and body."""
    return await _send(env, worker, customer, "POST", f"/orders/{order_id}/checkout", {"card": card})


async def read(env: Any, order_id: str, customer: str = "c-1", worker: str = "a") -> Any:
    """Read an order: status code and body."""
    return await _send(env, worker, customer, "GET", f"/orders/{order_id}", None)


async def health(env: Any, worker: str = "a") -> Any:
    """Ask a worker whether it is well."""
    return await _send(env, worker, "c-1", "GET", "/health", None)


class Worker:
    """An application between its start and its end."""

    def __init__(self, app: Any) -> None:
        """Run this application."""
        self._app = app
        self._state: dict[str, Any] = {}
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Enter the application's lifespan once, in a task of its own so that it also ends there."""
        if self._task is None:
            self._task = asyncio.create_task(self._live())
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Leave the lifespan."""
        self._over.set()
        if self._task is not None:
            await self._task

    async def _live(self) -> None:
        async with self._app.router.lifespan_context(self._app) as state:
            self._state = dict(state or {})
            self._ready.set()
            await self._over.wait()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, with the state of the lifespan as a server does."""
        await self._app({**scope, "state": dict(self._state)}, receive, send)


async def _send(env: Any, worker: str, customer: str, method: str, path: str, body: Any) -> Any:
    if worker not in env.state["workers"]:
        await start(env, worker)
    await env.state["workers"][worker].ready()
    transport = httpx.ASGITransport(env.state["workers"][worker], raise_app_exceptions=False)
    headers = {"X-Customer-Id": customer}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        reply = await client.request(method, path, json=body)
    return {"status": reply.status_code, "body": reply.text}


def _settings(env: Any, changes: dict[str, Any]) -> Settings:
    """The settings that this version of the service knows."""
    wanted = {
        "database_url": env.database_url("main"),
        "gateway_key": "key-of-the-shop",
        "gateway_backoff": 0.001,
        **changes,
    }
    known = inspect.signature(Settings).parameters
    return Settings(**{name: value for name, value in wanted.items() if name in known})
