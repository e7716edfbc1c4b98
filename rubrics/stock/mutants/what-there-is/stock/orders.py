"""Orders."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select

from stock import inventory
from stock.errors import ConflictError
from stock.models import Order

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from stock.schemas import OrderIn


async def placed(session: AsyncSession, wanted: OrderIn) -> Order | None:
    """Return the order that an earlier try of this request stored."""
    order = await session.scalar(
        select(Order).where(Order.request_id == wanted.request_id)
    )
    asked = wanted.model_dump(exclude={"request_id"})
    if order and {"location": order.location, "lines": order.lines} != asked:
        raise ConflictError("request_id_reused", wanted.request_id)
    return order


async def place(session: AsyncSession, wanted: OrderIn) -> Order:
    """Store the order and take its units; one short line refuses it all.

    The order is written first: its unique request_id stops a second try of the same
    request, with IntegrityError, before that touches a shelf. Lines go in the order
    of their products, so that two orders never wait for each other in a circle.
    """
    order = Order(id=uuid4().hex, **wanted.model_dump())
    session.add(order)
    await session.flush()
    for line in sorted(wanted.lines, key=lambda line: line.product_id):
        with contextlib.suppress(ConflictError):
            await inventory.take(
                session, line.product_id, wanted.location, line.quantity
            )
    return order
