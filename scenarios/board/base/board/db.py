"""Engine, sessions and schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from starlette.requests import HTTPConnection

from board.models import Base

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from board.settings import Settings


def build_engine(settings: Settings) -> AsyncEngine:
    """Create this process's engine."""
    engine = create_async_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_timeout=settings.pool_timeout,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _check_foreign_keys)
    return engine


def _check_foreign_keys(connection: Any, _record: Any) -> None:
    """SQLite has them checked per connection; other databases always do."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def build_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Create the factory that handlers take their sessions from."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def create_schema(engine: AsyncEngine) -> None:
    """Create the tables that are missing."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def get_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """Lend a session of its own."""
    async with connection.app.state.sessions() as session:
        yield session
