"""HTTP interface of the service, on threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import QueuePool

log = structlog.get_logger()

READ = text("SELECT status, total_cents, currency FROM orders WHERE id = :id")
CLAIM = text("UPDATE orders SET status = 'paying' WHERE id = :id AND status = 'open'")
CLOSE = text("UPDATE orders SET status = 'paid' WHERE id = :id AND status = 'paying'")
CONNECTIONS = 5


class Stopwatch:
    """Milliseconds spent in each part of a request."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of a block to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.parts[name] = round(self.parts.get(name, 0.0) + spent, 1)

    def run(self, connection: Connection, statement: Any, order_id: str) -> Any:
        """Run a statement and add its time."""
        with self.part("statements_ms"):
            return connection.execute(statement, {"id": order_id})


def build_app(database_url: str, gateway_url: str) -> FastAPI:
    """Build the application of one process."""
    app = FastAPI()
    app.state.engine = create_engine(
        database_url,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=30,
    )
    gateway = httpx.Client(base_url=gateway_url, timeout=5.0)
    add_routes(app, app.state.engine, gateway.post)
    return app


def add_routes(app: FastAPI, engine: Engine, ask: Callable[..., httpx.Response]) -> None:
    """Register the endpoints; FastAPI runs each request in a thread."""

    @app.get("/orders/{order_id}")
    def read_order(order_id: str) -> dict[str, Any]:
        watch = Stopwatch()
        with watch.part("connection_ms"):
            connection = engine.connect()
        with connection:
            row = watch.run(connection, READ, order_id).one()
        log.info("order.read", order=order_id, **watch.parts)
        return {"id": order_id, "status": row.status}

    @app.post("/orders/{order_id}/checkout")
    def checkout(order_id: str) -> dict[str, Any]:
        watch = Stopwatch()
        with watch.part("connection_ms"):
            connection = engine.connect()
        with connection:
            row = watch.run(connection, READ, order_id).one()
            watch.run(connection, CLAIM, order_id)
            connection.commit()
            order = {"order": order_id, "amount_cents": row.total_cents}
            order |= {"currency": row.currency, "card": "tok-1"}
            with watch.part("gateway_ms"):
                key = {"Idempotency-Key": order_id}
                reply = ask("/charges", json=order, headers=key)
            watch.run(connection, CLOSE, order_id)
            connection.commit()
        log.info("order.paid", order=order_id, gateway=reply.status_code, **watch.parts)
        return {"id": order_id, "status": "paid"}
