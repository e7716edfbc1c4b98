"""Reading and writing orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

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

    async def mark_paid(self, order: Order, charge: Charge) -> Payment:
        """Record a charge and move the order on."""
        payment = Payment(
            order_id=order.id,
            charge_id=charge.id,
            amount_cents=charge.amount_cents,
        )
        self._session.add(payment)
        order.status = OrderStatus.PAID
        await self._session.flush()
        return payment
