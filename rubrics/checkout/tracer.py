"""Runs the head tree with every layer wrapped, and reports who is entered and where events happen.

One request at a time, so that one stack of layers is enough.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import structlog
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import event

import checkout.api as api
from checkout.db import create_tables, make_engine
from checkout.middleware import RequestId
from checkout.orders import OrderRepository
from checkout.payments import Gateway
from checkout.receipts import Receipts
from checkout.service import CheckoutService
from checkout.settings import Settings

METHODS = {
    "middleware": (RequestId, ("__call__",)),
    "service": (CheckoutService, ("pay",)),
    "repository": (OrderRepository, ("get", "payment_of", "mark_paid")),
    "gateway": (Gateway, ("charge",)),
    "receipts": (Receipts, ("send",)),
}


class Layers:
    """The layers that the request is in right now, the innermost last."""

    def __init__(self, env: Any) -> None:
        """Report through this environment."""
        self._env = env
        self._inside: list[str] = []

    def enter(self, layer: str) -> None:
        """Note that a layer is entered."""
        self._inside.append(layer)
        self._env.emit("entered", {"layer": layer})

    def leave(self) -> None:
        """Note that the innermost layer is left."""
        self._inside.pop()

    def mark(self, name: str) -> None:
        """Report an event with the layer whose code is running."""
        self._env.emit("happened", {"mark": name, "layer": self._inside[-1] if self._inside else "none"})

    def wrap(self, layer: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, noting when it is entered and left."""
        if inspect.isasyncgenfunction(function):
            return self._wrap_generator(layer, function)
        if inspect.iscoroutinefunction(function):
            return self._wrap_coroutine(layer, function)

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            self.enter(layer)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave()

        return plain

    def _wrap_coroutine(self, layer: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            self.enter(layer)
            try:
                return await function(*args, **kwargs)
            finally:
                self.leave()

        return coroutine

    def _wrap_generator(self, layer: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def generator(*args: Any, **kwargs: Any) -> Any:
            self._env.emit("entered", {"layer": layer})
            async for item in function(*args, **kwargs):
                yield item

        return generator


async def setup(env: Any) -> None:
    """Create the tables, wrap every layer, build the application."""
    structlog.configure(processors=[env.log_processor])
    settings = Settings(database_url=env.database_url("main"), gateway_backoff=0.001)
    engine = make_engine(settings)
    await create_tables(engine)
    await engine.dispose()
    layers = Layers(env)
    for layer, (kind, names) in METHODS.items():
        for name in names:
            setattr(kind, name, layers.wrap(layer, getattr(kind, name)))
    _wrap_module(layers)
    app = api.build_app(settings)
    _wrap_application(layers, app)
    _listen(layers, app.state.engine.sync_engine)
    env.state["app"] = app


async def checkout(env: Any, order_id: str) -> Any:
    """Pay for an order: status code."""
    transport = httpx.ASGITransport(env.state["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        headers = {"X-Customer-Id": "c-1"}
        reply = await client.post(f"/orders/{order_id}/checkout", json={"card": "tok-1"}, headers=headers)
    return reply.status_code


def _wrap_module(layers: Layers) -> None:
    """Note where an answer with a status code is made."""

    class Noted(JSONResponse):
        """An answer that says when it is made."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            layers.mark("error")
            super().__init__(*args, **kwargs)

    api.JSONResponse = Noted  # type: ignore[attr-defined]


def _wrap_application(layers: Layers, app: Any) -> None:
    """Wrap the dependencies, the endpoint and the exception handlers."""
    app.dependency_overrides[api.get_service] = layers.wrap("service-dependency", api.get_service)
    app.dependency_overrides[api.get_session] = layers.wrap("session-dependency", api.get_session)
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path.endswith("/checkout"):
            route.dependant.call = layers.wrap("endpoint", route.endpoint)
    for error, handler in list(app.exception_handlers.items()):
        app.exception_handlers[error] = layers.wrap("handlers", handler)


def _listen(layers: Layers, engine: Any) -> None:
    """Note what happens to the transaction."""

    def statement(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            layers.mark("lock")

    event.listen(engine, "begin", lambda _connection: layers.mark("begins"))
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", lambda _connection: layers.mark("ends"))
