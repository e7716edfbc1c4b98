"""Drives the service with its layers wrapped and its statements listened to; tells what happened in which layer."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import structlog
from sqlalchemy import event

LAYERS = {
    "orders": ("stock.orders", "place"),
    "inventory": ("stock.inventory", "take"),
    "holds": ("stock.holds", "release"),
    "transfers": ("stock.transfers", "move"),
}


async def setup(env: Any) -> None:
    """Start the service with every layer wrapped."""
    structlog.configure(processors=[env.log_processor])
    stack = env.state["stack"] = ["router"]
    for layer, (module, name) in LAYERS.items():
        loaded = importlib.import_module(module)
        setattr(loaded, name, _wrapped(env, layer, stack, getattr(loaded, name)))
    app = env.state["app"] = importlib.import_module("stock.api").build_app(env.database_url("main"))
    await importlib.import_module("stock.db").create_schema(app.state.engine)
    await _fill(app)
    engine = app.state.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *a: env.emit("statement", {"layer": stack[-1], "sql": a[2]}))
    event.listen(engine, "commit", lambda _conn: env.emit("commit", {"layer": stack[-1]}))


async def _fill(app: Any) -> None:
    models = importlib.import_module("stock.models")
    async with app.state.sessions.begin() as session:
        for product, units in (("p-1", 10), ("p-2", 1), ("p-3", 10)):
            session.add(models.Product(id=product, name=product))
            await session.flush()
            session.add(models.Level(product_id=product, location="north", on_hand=units))


def _wrapped(env: Any, layer: str, stack: list[str], function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **options: Any) -> Any:
        env.emit("entered", {"layer": layer})
        stack.append(layer)
        try:
            return await function(*args, **options)
        except Exception as error:
            env.emit("raised", {"layer": layer, "error": type(error).__name__})
            raise
        finally:
            stack.pop()

    return call


async def order(env: Any, request_id: str, products: list[str]) -> int:
    """Order three units of each product; return the status."""
    env.emit("entered", {"layer": "router"})
    lines = [{"product_id": product, "quantity": 3} for product in products]
    body = {"request_id": request_id, "location": "north", "lines": lines}
    transport = httpx.ASGITransport(app=env.state["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://stock") as client:
        return (await client.post("/orders", json=body)).status_code


async def teardown(env: Any) -> None:
    """Give connections back."""
    await env.state["app"].state.engine.dispose()
