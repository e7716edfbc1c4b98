"""Orders."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select

from stock import inventory
from stock.models import Order

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from stock.schemas import OrderIn


async def place(session: AsyncSession, wanted: OrderIn) -> Order:
    """Store the order and take its units; one short line refuses it all."""
    # check if the order was already sent
    old = await session.execute(
        select(Order).where(Order.request_id == wanted.request_id)
    )
    existing = old.scalars().first()
    if existing:
        return existing
    for line in wanted.lines:
        await inventory.take(session, line.product_id, wanted.location, line.quantity)
    order = Order(id=uuid4().hex, **wanted.model_dump())
    session.add(order)
    return order
