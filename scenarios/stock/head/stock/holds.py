"""Units set aside for customers for a quarter of an hour."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import func, select, update

from stock.errors import ConflictError, NotFoundError, UnavailableError
from stock.models import Hold, Level

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from stock.schemas import HoldIn

HOLD_TIME = dt.timedelta(minutes=15)
HOLDS_PER_CUSTOMER = 2
ATTEMPTS = 3


async def hold(session: AsyncSession, wanted: HoldIn) -> Hold:
    """Set units aside for a customer."""
    # The count and the new hold share one transaction, so the house limit is kept.
    mine = Hold.customer_id == wanted.customer_id
    count = select(func.count()).where(mine, Hold.status == "open")
    if (await session.execute(count)).scalar_one() >= HOLDS_PER_CUSTOMER:
        raise ConflictError("hold_limit", wanted.customer_id)
    await _set_aside(session, wanted)
    until = dt.datetime.now(dt.UTC) + HOLD_TIME
    held = Hold(id=uuid4().hex, status="open", expires_at=until, **wanted.model_dump())
    session.add(held)
    return held


async def _set_aside(session: AsyncSession, wanted: HoldIn) -> None:
    """Move units off the shelf; when somebody else was faster, look again."""
    shelf = (wanted.product_id, wanted.location)
    for _ in range(ATTEMPTS):
        level = await session.get(Level, shelf)
        if level is None:
            raise NotFoundError("level", wanted.product_id)
        if level.on_hand < wanted.quantity:
            raise ConflictError("out_of_stock", wanted.product_id)
        swap = (
            update(Level)
            .where(Level.product_id == wanted.product_id)
            .where(Level.location == wanted.location)
            .where(Level.on_hand == level.on_hand)
            .values(on_hand=level.on_hand - wanted.quantity)
            .returning(Level.on_hand)
            .execution_options(synchronize_session=False)
        )
        if await session.scalar(swap) is not None:
            return
    raise UnavailableError("busy", wanted.product_id)


async def release(session: AsyncSession, hold_id: str) -> Hold:
    """Put the units of a hold back on the shelf.

    A hold that was released before stays as it is.
    """
    held = await session.get(Hold, hold_id)
    if held is None:
        raise NotFoundError("hold", hold_id)
    if held.status != "open":
        return held
    held.status = "released"
    back = (
        update(Level)
        .where(Level.product_id == held.product_id, Level.location == held.location)
        .values(on_hand=Level.on_hand + held.quantity)
        .returning(Level.on_hand)
    )
    if await session.scalar(back) is None:
        raise NotFoundError("level", held.product_id)
    return held


async def release_expired(session: AsyncSession, now: dt.datetime) -> int:
    """Release every hold whose time is over and return how many there were."""
    over = select(Hold).where(Hold.status == "open", Hold.expires_at <= now)
    expired = (await session.scalars(over)).all()
    for held in expired:
        await release(session, held.id)
    return len(expired)
