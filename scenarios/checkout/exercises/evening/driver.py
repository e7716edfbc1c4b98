"""Plays an evening's requests to one worker and measures it from inside."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import httpx
import structlog

from checkout.api import CONNECTIONS, build_app

SAMPLE_SECONDS = 0.05


async def setup(env: Any) -> None:
    """Build the worker; its log lines carry the time since the start."""
    env.state["start"] = time.perf_counter()

    def clock(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"t": round(time.perf_counter() - env.state["start"], 3), **event}

    structlog.configure(processors=[clock, env.log_processor])
    env.state["app"] = build_app(env.sync_database_url("main"), "https://gateway.test")


async def play(env: Any, plan: list[Any]) -> list[Any]:
    """Send each request at its time: (seconds, method, path) in, status codes out."""
    env.state["start"] = time.perf_counter()
    waiting: set[int] = set()
    sampler = asyncio.create_task(_sample(env, waiting))
    transport = httpx.ASGITransport(env.state["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", timeout=30) as client:
        answers = await asyncio.gather(
            *(_send(env, client, waiting, number, *request) for number, request in enumerate(plan))
        )
    sampler.cancel()
    return list(answers)


async def _send(
    env: Any, client: httpx.AsyncClient, waiting: set[int], number: int, at: float, method: str, path: str
) -> int:
    start: float = env.state["start"]
    await asyncio.sleep(max(0.0, start + at - time.perf_counter()))
    waiting.add(number)
    try:
        reply = await client.request(method, path)
    finally:
        waiting.discard(number)
    return reply.status_code


async def _sample(env: Any, waiting: set[int]) -> None:
    """Note the state of the worker again and again."""
    pool = env.state["app"].state.engine.pool
    while True:
        before = time.perf_counter()
        await asyncio.sleep(SAMPLE_SECONDS)
        late = time.perf_counter() - before - SAMPLE_SECONDS
        sample = {
            "t": round(time.perf_counter() - env.state["start"], 3),
            "loop_late_ms": round(max(0.0, late) * 1000, 1),
            "requests_open": len(waiting),
            "threads": threading.active_count(),
            "connections_in_use": pool.checkedout(),
            "connections_limit": CONNECTIONS,
        }
        env.emit("sample", sample)
