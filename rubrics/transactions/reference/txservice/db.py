"""Engine and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from txservice.settings import Settings


def build_engine(settings: Settings) -> AsyncEngine:
    """Create the engine of this process."""
    return create_async_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
    )


def build_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Create the factory that handlers take their sessions from."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Lend each request a session of its own."""
    async with request.app.state.sessions() as session:
        yield session
