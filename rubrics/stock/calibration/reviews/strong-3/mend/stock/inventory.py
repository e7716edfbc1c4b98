"""Reading and changing levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, update

from stock.errors import ConflictError, NotFoundError, StockError
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
    """Take units off a shelf and return how many are left on it (no commit)."""
    if quantity <= 0:
        raise StockError("invalid_quantity", str(quantity))
    return await _change(session, product_id, location, -quantity)


async def _change(
    session: AsyncSession, product_id: str, location: str, change: int
) -> int:
    """Add to a shelf, or subtract, in the database and not in Python."""
    here = and_(Level.product_id == product_id, Level.location == location)
    left = await session.scalar(
        update(Level)
        .where(here, Level.on_hand + change >= 0)
        .values(on_hand=Level.on_hand + change)
        .returning(Level.on_hand),
        execution_options={"synchronize_session": False},
    )
    if left is None:
        known = await session.scalar(select(func.count()).select_from(Level).where(here))
        if not known:
            raise NotFoundError("level", f"{product_id}@{location}")
        raise ConflictError("out_of_stock", product_id)
    return int(left)


async def restock(
    session: AsyncSession, product_id: str, location: str, quantity: int
) -> int:
    """Put delivered units on a shelf and return how many are on it now."""
    return await _change(session, product_id, location, quantity)


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
