"""Reading and changing levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from stock.errors import NotFoundError
from stock.models import Level

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
