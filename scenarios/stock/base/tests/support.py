"""A service on a fresh database, for tests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from stock.api import build_app
from stock.db import create_schema
from stock.models import Level, Product

if TYPE_CHECKING:
    from fastapi import FastAPI


def fresh_database() -> str:
    """Return the URL of an empty database."""
    return f"sqlite+aiosqlite:///{Path(tempfile.mkdtemp()) / 'stock.db'}"


async def service(on_hand: int = 10) -> FastAPI:
    """Return the service with one product on the shelves of two locations."""
    app = build_app(fresh_database())
    await create_schema(app.state.engine)
    async with app.state.sessions.begin() as session:
        session.add(Product(id="p-1", name="Brake cable"))
        await session.flush()
        session.add(Level(product_id="p-1", location="north", on_hand=on_hand))
        session.add(Level(product_id="p-1", location="south", on_hand=on_hand))
    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    """Return a client that talks to the service directly."""
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://stock")
