"""Units set aside for customers for a quarter of an hour."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from stock.errors import ConflictError, NotFoundError, StockError, UnavailableError
from stock.models import Hold, Holder, Level

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from stock.schemas import HoldIn

HOLD_TIME = dt.timedelta(minutes=15)
HOLDS_PER_CUSTOMER = 2
ATTEMPTS = 3
SWEEP_SIZE = 500

log = structlog.get_logger()


async def hold(session: AsyncSession, wanted: HoldIn) -> Hold:
    """Set units aside for a customer."""
    await _stand_in_line(session, wanted.customer_id)
    mine = Hold.customer_id == wanted.customer_id
    count = select(func.count()).where(mine, Hold.status == "open")
    if (await session.execute(count)).scalar_one() >= HOLDS_PER_CUSTOMER:
        raise ConflictError("hold_limit", wanted.customer_id)
    await _set_aside(session, wanted)
    until = dt.datetime.now(dt.UTC) + HOLD_TIME
    held = Hold(id=uuid4().hex, status="open", expires_at=until, **wanted.model_dump())
    session.add(held)
    return held


async def _stand_in_line(session: AsyncSession, customer_id: str) -> None:
    """Let the holds of one customer wait for each other until they commit.

    A count locks nothing, and rows that are not there yet cannot be locked: the
    customer's own row stands for all of them.
    """
    first = text("INSERT INTO holders VALUES (:customer, 0) ON CONFLICT DO NOTHING")
    await session.execute(first, {"customer": customer_id})
    await session.execute(
        update(Holder)
        .where(Holder.customer_id == customer_id)
        .values(tries=Holder.tries + 1)
    )


async def _set_aside(session: AsyncSession, wanted: HoldIn) -> None:
    """Move units off the shelf; when somebody else was faster, look again."""
    shelf = (wanted.product_id, wanted.location)
    for _ in range(ATTEMPTS):
        level = await session.get(Level, shelf, populate_existing=True)
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
    closing = (
        update(Hold)
        .where(Hold.id == hold_id, Hold.status == "open")
        .values(status="released")
        .returning(Hold.id)
    )
    if await session.scalar(closing) is None:
        await session.refresh(held)
        return held
    back = (
        update(Level)
        .where(Level.product_id == held.product_id, Level.location == held.location)
        .values(on_hand=Level.on_hand + held.quantity)
        .returning(Level.on_hand)
    )
    if await session.scalar(back) is None:
        raise NotFoundError("level", held.product_id)
    await session.refresh(held)
    return held


async def release_expired(
    sessions: async_sessionmaker[AsyncSession], now: dt.datetime
) -> int:
    """Release holds whose time is over, each on its own; return how many went."""
    # Newest first: holds that cannot be released never crowd the others out.
    over = (
        select(Hold.id)
        .where(Hold.status == "open", Hold.expires_at <= now)
        .order_by(Hold.expires_at.desc())
        .limit(SWEEP_SIZE)
    )
    async with sessions() as session:
        expired = (await session.scalars(over)).all()
    released = 0
    for hold_id in expired:
        try:
            async with sessions.begin() as session:
                await release(session, hold_id)
        except (StockError, SQLAlchemyError) as error:
            log.warning("hold.not_released", hold_id=hold_id, error=repr(error))
        else:
            released += 1
    return released
