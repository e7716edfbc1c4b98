"""Sends requests to the service the way a terminal operator does."""

from __future__ import annotations

import json
from typing import Any

import httpx
import structlog
from txservice.api import build_app
from txservice.settings import Settings


async def setup(env: Any) -> None:
    """Build the service on the tables of `main`."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, env.log_processor]
    )
    env.state["app"] = build_app(Settings(database_url=env.database_url("main")))


async def teardown(env: Any) -> None:
    """Give the connections back."""
    await env.state["app"].state.engine.dispose()


async def process(
    env: Any,
    key: str = "key-0001",
    amount: str = "12.50",
    merchant: str = "m-1",
    receipt: str = "r-1",
    currency: str = "EUR",
) -> dict[str, Any]:
    """Report one payment. `amount` is put into the JSON text letter by letter, as the operator wrote it."""
    fields = {"merchant": merchant, "idempotency_key": key, "receipt": receipt, "currency": currency}
    return await _send(env, "POST", "/transactions/process", json.dumps(fields)[:-1] + f', "amount": {amount}}}')


async def read(env: Any, key: str = "key-0001", merchant: str = "m-1") -> dict[str, Any]:
    """Ask for one recorded payment."""
    return await _send(env, "GET", f"/transactions/{merchant}/{key}")


async def _send(env: Any, method: str, path: str, content: str | None = None) -> dict[str, Any]:
    transport = httpx.ASGITransport(app=env.state["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        reply = await client.request(method, path, content=content, headers={"content-type": "application/json"})
    return {"status": reply.status_code, "body": _body(reply)}


def _body(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError:
        return reply.text
