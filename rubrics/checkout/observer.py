"""Runs the service as the scenario's driver does, and reports from inside the process what a proof must see.

Used by proofs only, on trees of our own: it knows the names of the code.
"""

from __future__ import annotations

import gc
import inspect
from typing import Any

import httpx
import structlog
from sqlalchemy import event

from checkout.api import build_app, get_gateway
from checkout.db import create_tables, make_engine
from checkout.payments import Gateway
from checkout.settings import Settings


async def setup(env: Any) -> None:
    """Create the tables; keep the garbage collector from giving anything back by chance."""
    structlog.configure(processors=[env.log_processor])
    engine = make_engine(_settings(env))
    await create_tables(engine)
    await engine.dispose()
    gc.disable()
    env.state["app"] = build_app(_settings(env))
    _report_pool(env, env.state["app"].state.engine)


async def teardown(env: Any) -> None:
    """Put the process back as it was."""
    gc.enable()
    gc.collect()
    await env.state["app"].state.engine.dispose()


async def share_gateway(env: Any) -> None:
    """Let all requests use one gateway client, however the application would make them."""
    shared = Gateway(env.state["app"].state.settings)
    env.state["app"].dependency_overrides[get_gateway] = lambda: shared


async def checkout(env: Any, order_id: str, card: str = "tok-1") -> Any:
    """Pay for an order: status code and body."""
    transport = httpx.ASGITransport(env.state["app"], raise_app_exceptions=False)
    headers = {"X-Customer-Id": "c-1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        reply = await client.post(f"/orders/{order_id}/checkout", json={"card": card})
    return {"status": reply.status_code, "body": reply.text}


def _report_pool(env: Any, engine: Any) -> None:
    """Send out, at each change, how many connections the code has taken from the pool and not given back."""
    lent: set[int] = set()

    def taken(connection: Any, *_rest: Any) -> None:
        lent.add(id(connection))
        env.emit("lent", {"connections": len(lent)})

    def returned(connection: Any, *_rest: Any) -> None:
        lent.discard(id(connection))
        env.emit("lent", {"connections": len(lent)})

    event.listen(engine.sync_engine, "checkout", taken)
    event.listen(engine.sync_engine, "checkin", returned)


def _settings(env: Any) -> Settings:
    wanted = {"database_url": env.database_url("main"), "gateway_backoff": 0.001, "pool_size": 20}
    known = inspect.signature(Settings).parameters
    return Settings(**{name: value for name, value in wanted.items() if name in known})
