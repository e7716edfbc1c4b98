"""Orders."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from stock import inventory
from stock.models import Order

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from stock.schemas import OrderIn


async def place(session: AsyncSession, wanted: OrderIn) -> Order:
    """Store the order and take its units; one short line refuses it all."""
    known = select(Order).where(Order.request_id == wanted.request_id)
    if (before := await session.scalar(known)) is not None:
        return before
    order = Order(id=uuid4().hex, **wanted.model_dump())
    try:
        async with session.begin_nested():
            session.add(order)
    except IntegrityError:
        # Its twin came in on another replica and was faster.
        return (await session.scalars(known)).one()
    totals: Counter[str] = Counter()
    for line in wanted.lines:
        totals[line.product_id] += line.quantity
    for product_id in sorted(totals):
        await inventory.take(session, product_id, wanted.location, totals[product_id])
    return order
