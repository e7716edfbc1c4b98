"""Transfers between locations, carried by a courier."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
from sqlalchemy import update

from stock.errors import ConflictError, UnavailableError
from stock.models import Level, Transfer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from stock.schemas import TransferIn


async def move(
    sessions: async_sessionmaker[AsyncSession],
    courier: httpx.AsyncClient,
    wanted: TransferIn,
) -> Transfer:
    """Move units between locations and book the courier who carries them."""
    sent = Transfer(id=uuid4().hex, **wanted.model_dump())
    async with sessions.begin() as session:
        await _shift(session, sent.product_id, sent.source, -sent.quantity)
        await _shift(session, sent.product_id, sent.destination, sent.quantity)
        sent.pickup = await _book(courier, sent)
        session.add(sent)
    return sent


async def _shift(
    session: AsyncSession, product_id: str, location: str, change: int
) -> None:
    """Change the units on a shelf."""
    shift = (
        update(Level)
        .where(Level.product_id == product_id, Level.location == location)
        .where(Level.on_hand + change >= 0)
        .values(on_hand=Level.on_hand + change)
        .returning(Level.on_hand)
    )
    if await session.scalar(shift) is None:
        raise ConflictError("cannot_move", product_id)


async def _book(courier: httpx.AsyncClient, sent: Transfer) -> str:
    """Book a pickup and return its number."""
    job = {"reference": sent.id, "from": sent.source, "to": sent.destination}
    try:
        reply = await courier.post("/pickups", json=job)
        reply.raise_for_status()
    except httpx.HTTPError as error:
        raise UnavailableError("courier", sent.id) from error
    return str(reply.json()["pickup"])
