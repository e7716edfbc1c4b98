"""Goes through what nearly every guest does, so that each guest inherits what libraries and interpreter set up on use.

Runs in the fork server before any guest exists, with code and data of our own; it leaves no thread and no event loop. Each
part is done a few times over: the interpreter rewrites code that it has run some eight times into a faster form, in place.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Any

JOIN_SECONDS = 5.0
ROUNDS = 9


def warm_up(packages: Collection[str]) -> None:
    """Use the packages that are there a little.

    Raises:
        RuntimeError: If a thread were left over: forking would then not be safe.
    """
    parts: list[Callable[[], Awaitable[None]]] = []
    if {"fastapi", "httpx", "pydantic"} <= set(packages):
        parts.append(_requests)
    if {"sqlalchemy", "aiosqlite"} <= set(packages):
        parts.append(_statements)
    asyncio.run(_rounds(parts))
    asyncio.set_event_loop(None)
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(JOIN_SECONDS)  # a connection's thread ends a moment after the connection
    if threading.active_count() > 1:
        raise RuntimeError("the warm-up left a thread")


async def _rounds(parts: list[Callable[[], Awaitable[None]]]) -> None:
    for _ in range(ROUNDS):
        for part in parts:
            await part()


async def _requests() -> None:
    import httpx
    from fastapi import Depends, FastAPI, HTTPException
    from pydantic import BaseModel, Field

    class Line(BaseModel):
        name: str = Field(min_length=1, max_length=40)
        count: int = Field(default=1, ge=0)

    class Order(BaseModel):
        lines: list[Line]
        price: float = 0.0

    app = FastAPI()

    async def session() -> Any:
        yield 1

    async def take(order: dict[str, Any], number: int = Depends(session)) -> dict[str, Any]:
        if number < len(order):
            raise HTTPException(409, "too many")
        return Order(**order).model_dump()

    app.add_api_route("/orders", take, methods=["POST"], response_model=Order)
    transport = httpx.ASGITransport(app=app)
    bodies: tuple[Any, ...] = ({"lines": [{"name": "x", "count": 2}]}, {"lines": [], "price": 1.5}, [])
    for body in bodies:
        async with httpx.AsyncClient(transport=transport, base_url="http://warm") as client:
            (await client.post("/orders", json=body)).json()


async def _statements() -> None:
    from sqlalchemy import Integer, String, select, text, update
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, mapped_column

    class Base(DeclarativeBase):
        pass

    class Part(Base):
        __tablename__ = "warm"
        id = mapped_column(Integer, primary_key=True)
        name = mapped_column(String(40), unique=True)

    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("SELECT 1"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with sessions.begin() as session:
        session.add(Part(name="x"))
    async with sessions() as session:
        await session.scalar(select(Part).where(Part.name == "x"))
        await session.execute(update(Part).where(Part.id == 1).values(name="y"))
        session.add(Part(name="y"))
        try:
            await session.commit()
        except IntegrityError:
            await session.rollback()
    await engine.dispose()
