"""Reading and writing orders."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from checkout.models import Attempt, Order, OrderStatus, Payment

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from checkout.payments import Charge


class OrderNotFoundError(Exception):
    """There is no such order, or it belongs to somebody else."""


class OrderRepository:
    """Orders, within one session."""

    def __init__(self, session: AsyncSession) -> None:
        """Work in the given session; the caller commits."""
        self._session = session

    async def get(self, order_id: str, customer_id: str) -> Order:
        """Return an order of this customer."""
        query = select(Order).where(
            Order.id == order_id,
            Order.customer_id == customer_id,
        )
        order = (await self._session.execute(query)).scalar_one_or_none()
        if order is None:
            raise OrderNotFoundError(order_id)
        return order

    async def payment_of(self, order: Order) -> Payment | None:
        """Return the payment of an order, if there is one."""
        query = select(Payment).where(Payment.order_id == order.id)
        return (await self._session.execute(query)).scalars().first()

    async def begin(self, order: Order, seconds: float) -> bool | None:
        """Start an attempt. True: a first one; False: one that goes on; None: no luck."""
        now = time.time()
        if await self._set_status(order.id, OrderStatus.OPEN, OrderStatus.PAYING):
            await self._session.execute(
                delete(Attempt).where(Attempt.order_id == order.id)
            )
            self._session.add(Attempt(order_id=order.id, running_until=now + seconds))
            await self._session.flush()
            return True
        stale = (
            update(Attempt)
            .where(Attempt.order_id == order.id, Attempt.running_until < now)
            .values(running_until=now + seconds)
        )
        return False if (await self._session.execute(stale)).rowcount else None

    async def pause(self, order_id: str) -> None:
        """Let the next request find out how the attempt ended."""
        await self._session.execute(
            update(Attempt).where(Attempt.order_id == order_id).values(running_until=0)
        )

    async def undo(self, order_id: str) -> None:
        """No money was taken: the order waits for the customer again."""
        await self._session.execute(delete(Attempt).where(Attempt.order_id == order_id))
        await self._set_status(order_id, OrderStatus.PAYING, OrderStatus.OPEN)

    async def mark_paid(self, order: Order, charge: Charge) -> Payment:
        """Record a charge and move the order on."""
        payment = Payment(
            order_id=order.id,
            charge_id=charge.id,
            amount_cents=charge.amount_cents,
        )
        self._session.add(payment)
        await self._session.execute(delete(Attempt).where(Attempt.order_id == order.id))
        await self._set_status(order.id, OrderStatus.PAYING, OrderStatus.PAID)
        await self._session.flush()
        return payment

    async def _set_status(self, order_id: str, old: str, new: str) -> bool:
        query = update(Order).where(Order.id == order_id, Order.status == old)
        return (await self._session.execute(query.values(status=new))).rowcount == 1
