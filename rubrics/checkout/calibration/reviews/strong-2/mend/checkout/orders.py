"""Reading and writing orders."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from checkout.models import Order, OrderStatus, Payment

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

    async def move(self, order_id: str, old: OrderStatus, new: OrderStatus) -> bool:
        """Change the status if it still is what we think it is."""
        change = (
            update(Order)
            .where(Order.id == order_id, Order.status == old)
            .values(status=new)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(change)).rowcount == 1

    async def claim(self, order: Order, payment: Payment | None, until: float) -> bool:
        """Get the order for ourselves until a point in time, across all workers."""
        if payment is None:
            if not await self.move(order.id, OrderStatus.OPEN, OrderStatus.PAYING):
                return False
            self._session.add(
                Payment(
                    order_id=order.id,
                    amount_cents=order.total_cents,
                    busy_until=until,
                )
            )
            await self._session.flush()
            return True
        change = (
            update(Payment)
            .where(Payment.id == payment.id, Payment.busy_until < time.time())
            .values(busy_until=until)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(change)).rowcount == 1

    async def release(self, order_id: str, *, reopen: bool) -> None:
        """End a claim; with `reopen` it is as if nothing had happened."""
        if reopen:
            await self._session.execute(
                delete(Payment).where(Payment.order_id == order_id)
            )
            await self.move(order_id, OrderStatus.PAYING, OrderStatus.OPEN)
            return
        await self._session.execute(
            update(Payment).where(Payment.order_id == order_id).values(busy_until=0.0)
        )

    async def settle(self, order_id: str, charge: Charge) -> Payment:
        """Store what the gateway said; only captured money makes an order paid."""
        query = select(Payment).where(Payment.order_id == order_id)
        payment = (await self._session.execute(query)).scalar_one()
        payment.charge_id = charge.id
        payment.amount_cents = charge.amount_cents
        payment.captured = charge.captured
        payment.busy_until = 0.0
        await self._session.flush()
        if charge.captured:
            await self.move(order_id, OrderStatus.PAYING, OrderStatus.PAID)
        return payment
