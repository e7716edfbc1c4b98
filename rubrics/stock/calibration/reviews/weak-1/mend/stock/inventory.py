"""Reading and changing levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from stock.errors import ConflictError, NotFoundError
from stock.models import Hold, Level, Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession


async def levels_of(session: AsyncSession, product_id: str) -> Sequence[Level]:
    """Return the levels of one product, one per location."""
    query = select(Level).where(Level.product_id == product_id).order_by(Level.location)
    levels = (await session.scalars(query)).all()
    if not levels:
        raise NotFoundError("product", product_id)
    return levels


async def take(
    session: AsyncSession, product_id: str, location: str, quantity: int
) -> int:
    """Take units off a shelf and return how many are left on it."""
    shelf = (Level.product_id == product_id, Level.location == location)
    async with session.begin():
        found = await session.execute(select(Level.on_hand).where(*shelf))
        on_hand = found.scalar_one_or_none()
        if on_hand is None:
            raise NotFoundError("product", product_id)
        if on_hand < quantity:
            raise ConflictError("out_of_stock", product_id)
        left = on_hand - quantity
        await session.execute(update(Level).where(*shelf).values(on_hand=left))
    return left


async def restock(
    session: AsyncSession, product_id: str, location: str, quantity: int
) -> int:
    """Put delivered units on a shelf and return how many are on it now."""
    level = await session.get_one(Level, (product_id, location))
    level.on_hand += quantity
    return level.on_hand


async def shelf_report(session: AsyncSession, location: str) -> list[dict[str, Any]]:
    """Return what stands on the shelves of a location and what is set aside."""
    rows = []
    shelves = select(Level).where(Level.location == location).order_by(Level.product_id)
    for level in await session.scalars(shelves):
        product = await session.get_one(Product, level.product_id)
        held = select(func.coalesce(func.sum(Hold.quantity), 0)).where(
            Hold.product_id == level.product_id,
            Hold.location == location,
            Hold.status == "open",
        )
        row = {"product_id": product.id, "name": product.name}
        counts = {"on_hand": level.on_hand, "held": await session.scalar(held)}
        rows.append(row | counts)
    return rows
