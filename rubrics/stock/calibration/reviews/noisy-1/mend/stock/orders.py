"""Orders."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from stock import inventory
from stock.errors import ConflictError
from stock.models import Order

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from stock.schemas import OrderIn


async def place(session: AsyncSession, wanted: OrderIn) -> Order:
    """Store the order and take its units; one short line refuses it all.

    An order that was placed before is returned as it is.
    """
    order = Order(id=uuid4().hex, **wanted.model_dump())
    session.add(order)
    try:
        # The unique request_id is claimed before any unit moves. A second copy of the
        # request waits here until the first one is through or has been refused.
        await session.flush()
    except IntegrityError:
        await session.rollback()
        return await _placed_before(session, wanted)
    # One order of rows for everybody, so that two orders never wait for each other.
    for line in sorted(wanted.lines, key=lambda line: line.product_id):
        await inventory.take(session, line.product_id, wanted.location, line.quantity)
    return order


async def _placed_before(session: AsyncSession, wanted: OrderIn) -> Order:
    """Return the order that has the request_id already, if it is the same order."""
    same = select(Order).where(Order.request_id == wanted.request_id)
    placed = (await session.scalars(same)).one()
    now, then = wanted.model_dump(), {"location": placed.location, "lines": placed.lines}
    if {"location": now["location"], "lines": now["lines"]} != then:
        raise ConflictError("request_id_used", wanted.request_id)
    return placed
