"""A service on a fresh database, for tests."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from board.api import build_app
from board.db import create_schema
from board.models import Board, Login, Member, User
from board.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI


def fresh_database() -> str:
    """Return the URL of an empty database."""
    return f"sqlite+aiosqlite:///{Path(tempfile.mkdtemp()) / 'board.db'}"


@asynccontextmanager
async def service() -> AsyncIterator[FastAPI]:
    """Run the service with one board and one member."""
    app = build_app(Settings(database_url=fresh_database()))
    await create_schema(app.state.engine)
    async with app.state.sessions.begin() as session:
        session.add_all([User(id="u-1", name="Ada"), Board(id="b-1", name="Launch")])
        await session.flush()
        session.add_all([Login(cookie="c-1", user_id="u-1"), Member(board_id="b-1", user_id="u-1")])
    async with app.router.lifespan_context(app):
        yield app


def client(app: FastAPI) -> httpx.AsyncClient:
    """Return a client that talks to the service directly, logged in."""
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://board", cookies={"login": "c-1"})
