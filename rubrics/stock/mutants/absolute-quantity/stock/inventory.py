"""Reading and changing levels; every transaction here belongs to the caller."""

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
    return await _change(session, product_id, location, -abs(quantity))


async def restock(
    session: AsyncSession, product_id: str, location: str, quantity: int
) -> int:
    """Put delivered units on a shelf and return how many are on it now."""
    return await _change(session, product_id, location, abs(quantity))


async def _change(
    session: AsyncSession, product_id: str, location: str, change: int
) -> int:
    """Change a level in one statement, so that condition and write see one row."""
    shelf = (Level.product_id == product_id, Level.location == location)
    changed = (
        update(Level)
        .where(*shelf, Level.on_hand + change >= 0)
        .values(on_hand=Level.on_hand + change)
        .returning(Level.on_hand)
    )
    left = await session.scalar(changed)
    if left is not None:
        return left
    if await session.scalar(select(Level.on_hand).where(*shelf)) is None:
        raise NotFoundError("level", product_id)
    raise ConflictError("out_of_stock", product_id)


async def shelf_report(
    session: AsyncSession, location: str, limit: int, after: str
) -> list[dict[str, Any]]:
    """Return a page of a location's shelves: what stands there, what is set aside."""
    held = (
        select(Hold.product_id, func.sum(Hold.quantity).label("units"))
        .where(Hold.location == location, Hold.status == "open")
        .group_by(Hold.product_id)
        .subquery()
    )
    shelves = (
        select(Product.id, Product.name, Level.on_hand, func.coalesce(held.c.units, 0))
        .join(Level, Level.product_id == Product.id)
        .outerjoin(held, held.c.product_id == Product.id)
        .where(Level.location == location, Product.id > after)
        .order_by(Product.id)
        .limit(limit)
    )
    columns = ("product_id", "name", "on_hand", "held")
    found = await session.execute(shelves)
    return [dict(zip(columns, row, strict=True)) for row in found]
