"""A service on a fresh SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from txservice.api import build_app
from txservice.settings import Settings

URL = "http://service"
SCHEMA = Path(__file__).parent.parent / "schema.sql"


class Service:
    """Sends requests to the service and looks into its tables."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.run("INSERT INTO merchants VALUES ('m-1', 'Corner shop')")

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.file) as connection:
            return connection.execute(sql).fetchall()

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        return asyncio.run(self._send(method, path, body))

    async def _send(self, method: str, path: str, body: object) -> httpx.Response:
        app = build_app(Settings(database_url=f"sqlite+aiosqlite:///{self.file}"))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            answer = await client.request(method, path, json=body)
        await app.state.engine.dispose()
        return answer


@pytest.fixture
def service(tmp_path: Path) -> Service:
    file = tmp_path / "transactions.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(SCHEMA.read_text())
    return Service(file)
