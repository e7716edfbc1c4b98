"""Goes once through what nearly every guest does, so that each guest inherits what libraries set up on first use.

Runs in the fork server before any guest exists, with code and data of our own; it leaves no thread and no event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from typing import Any

JOIN_SECONDS = 5.0


def warm_up(packages: Collection[str]) -> None:
    """Use the packages that are there a little.

    Raises:
        RuntimeError: If a thread were left over: forking would then not be safe.
    """
    if {"fastapi", "httpx", "pydantic"} <= set(packages):
        asyncio.run(_request())
    if {"sqlalchemy", "aiosqlite"} <= set(packages):
        asyncio.run(_statements())
    asyncio.set_event_loop(None)
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(JOIN_SECONDS)  # a connection's thread ends a moment after the connection
    if threading.active_count() > 1:
        raise RuntimeError("the warm-up left a thread")


async def _request() -> None:
    import httpx
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Order(BaseModel):
        name: str
        count: int = 1
        price: float = 0.0

    app = FastAPI()

    async def take(order: dict[str, Any]) -> dict[str, Any]:
        return Order(**order).model_dump()

    app.add_api_route("/orders", take, methods=["POST"], response_model=Order)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://warm") as client:
        bodies: tuple[Any, ...] = ({"name": "x", "price": 1.5}, [])
        for body in bodies:
            await client.post("/orders", json=body)


async def _statements() -> None:
    from sqlalchemy import Column, Integer, MetaData, String, Table, select, text
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    table = Table("warm", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(table.insert(), {"name": "x"})
    async with AsyncSession(engine) as session:
        await session.execute(select(table).where(table.c.name == "x"))
        await session.execute(text("SELECT 1"))
        await session.commit()
    await engine.dispose()
