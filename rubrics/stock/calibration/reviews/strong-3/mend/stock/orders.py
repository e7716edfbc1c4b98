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
    order = Order(id=uuid4().hex, **wanted.model_dump())
    session.add(order)
    await session.flush()  # claims the request_id, IntegrityError when it is taken
    # Sorted: two baskets with the same parts must lock the rows in the same sequence.
    for line in sorted(wanted.lines, key=lambda one: one.product_id):
        await inventory.take(session, line.product_id, wanted.location, line.quantity)
    return order


async def find(session: AsyncSession, request_id: str) -> Order | None:
    """Return the order that a request has led to before, if any."""
    found = await session.scalars(select(Order).where(Order.request_id == request_id))
    return found.one_or_none()
