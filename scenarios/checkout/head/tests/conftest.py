"""A service on a database of its own, with two orders in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from checkout.api import build_app
from checkout.db import create_tables
from checkout.models import Order
from checkout.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI


class Client:
    """Calls the service without a network, signed in as customer c-1."""

    def __init__(self, app: FastAPI) -> None:
        """Call this application."""
        self._app = app

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and return the answer."""
        return asyncio.run(self._send(method, path, **options))

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        headers = {"X-Customer-Id": "c-1"}
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://shop",
            headers=headers,
        ) as client:
            return await client.request(method, path, **options)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """Build the service and fill its database."""
    url = f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    service = build_app(Settings(database_url=url))
    asyncio.run(_fill(service))
    return service


@pytest.fixture
def client(app: FastAPI) -> Client:
    """Return a client of the service."""
    return Client(app)


async def _fill(service: FastAPI) -> None:
    await create_tables(service.state.engine)
    async with service.state.sessions() as session:
        for number in (1, 2):
            session.add(
                Order(
                    id=f"o-{number}",
                    customer_id=f"c-{number}",
                    email=f"c-{number}@example.org",
                    status="open",
                    total_cents=1000 * number,
                    currency="EUR",
                ),
            )
        await session.commit()
    await service.state.engine.dispose()
