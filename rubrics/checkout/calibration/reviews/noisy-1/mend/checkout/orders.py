"""Reading and writing orders."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from checkout.models import Order, OrderStatus, Payment, PaymentState

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
        return (await self._session.execute(query)).scalar_one_or_none()

    async def claim(self, order: Order, seconds: float) -> bool:
        """Move an open order to `paying` and open its payment; False: too late.

        The condition is part of the UPDATE, so of two workers (or of us and the orders
        team) only one gets the row, with or without row locks.
        """
        query = (
            update(Order)
            .where(Order.id == order.id, Order.status == OrderStatus.OPEN)
            .values(status=OrderStatus.PAYING)
        )
        if (await self._session.execute(query)).rowcount != 1:
            return False
        self._session.add(
            Payment(
                order_id=order.id,
                amount_cents=order.total_cents,
                leased_until=time.time() + seconds,
            )
        )
        await self._session.flush()
        return True

    async def take_over(self, payment: Payment, seconds: float) -> bool:
        """Lease a payment whose request gave up or died; False: somebody has it."""
        now = time.time()
        query = (
            update(Payment)
            .where(
                Payment.id == payment.id,
                Payment.state != PaymentState.CAPTURED,
                Payment.leased_until <= now,
            )
            .values(leased_until=now + seconds)
        )
        return (await self._session.execute(query)).rowcount == 1

    async def let_go(self, order_id: str) -> None:
        """End the lease, so that the next request may find out what happened."""
        query = update(Payment).where(Payment.order_id == order_id)
        await self._session.execute(query.values(leased_until=0.0))

    async def give_up(self, order_id: str) -> None:
        """Open the order again: no money was taken."""
        await self._session.execute(
            delete(Payment).where(
                Payment.order_id == order_id, Payment.state == PaymentState.STARTED
            )
        )
        await self._session.execute(
            update(Order)
            .where(Order.id == order_id, Order.status == OrderStatus.PAYING)
            .values(status=OrderStatus.OPEN)
        )

    async def record(self, order_id: str, charge: Charge) -> tuple[Payment, bool]:
        """Store a charge; captured, it moves the order on. Tells whether it did."""
        query = select(Payment).where(Payment.order_id == order_id)
        payment = (await self._session.execute(query)).scalar_one()
        payment.charge_id = charge.id
        payment.amount_cents = charge.amount_cents
        payment.leased_until = 0.0
        if not charge.captured:
            payment.state = PaymentState.PENDING
            await self._session.flush()
            return payment, False
        payment.state = PaymentState.CAPTURED
        await self._session.flush()
        moved = await self._session.execute(
            update(Order)
            .where(Order.id == order_id, Order.status == OrderStatus.PAYING)
            .values(status=OrderStatus.PAID)
        )
        return payment, moved.rowcount == 1
