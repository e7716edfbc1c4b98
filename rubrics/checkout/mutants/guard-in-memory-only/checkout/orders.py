"""Reading and writing orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import select, update

from checkout.models import Order, OrderStatus, Payment, PaymentStatus

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from checkout.payments import Charge


class OrderNotFoundError(Exception):
    """There is no such order, or it belongs to somebody else."""


class OrderNotPayableError(Exception):
    """The order is not waiting for a payment."""


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
        """Return the payment of an order that is under way or made, if there is one."""
        query = select(Payment).where(
            Payment.order_id == order.id,
            Payment.status != PaymentStatus.DECLINED,
        )
        return (await self._session.execute(query)).scalars().first()

    async def claim(self, order: Order) -> Payment:
        """Reserve an open order for a payment; the database lets one caller win."""
        if order.status == OrderStatus.CANCELLED:
            raise OrderNotPayableError(order.id)
        change = (
            update(Order).where(Order.id == order.id).values(status=OrderStatus.PAYING)
        )
        await self._session.execute(change)
        payment = Payment(
            id=uuid4().hex,
            order_id=order.id,
            status=PaymentStatus.PENDING,
            amount_cents=order.total_cents,
        )
        self._session.add(payment)
        await self._session.flush()
        return payment

    async def mark_paid(self, payment: Payment, charge: Charge) -> Payment:
        """Record a charge and move the order on; doing it twice changes nothing."""
        facts = {"charge_id": charge.id, "amount_cents": charge.amount_cents}
        if await self._close(payment, PaymentStatus.CAPTURED, facts):
            await self._move(payment.order_id, OrderStatus.PAYING, OrderStatus.PAID)
        stored = await self._session.get_one(Payment, payment.id)
        if stored.status != PaymentStatus.CAPTURED:
            raise OrderNotPayableError(payment.order_id)
        return stored

    async def release(self, payment: Payment) -> None:
        """Note that the bank said no; the order may be paid in another way."""
        if await self._close(payment, PaymentStatus.DECLINED, {}):
            await self._move(payment.order_id, OrderStatus.PAYING, OrderStatus.OPEN)

    async def _close(
        self,
        payment: Payment,
        status: PaymentStatus,
        facts: dict[str, Any],
    ) -> bool:
        change = (
            update(Payment)
            .where(Payment.id == payment.id, Payment.status == PaymentStatus.PENDING)
            .values(status=status, **facts)
            .returning(Payment.id)
        )
        return (await self._session.execute(change)).scalar_one_or_none() is not None

    async def _move(self, order_id: str, old: OrderStatus, new: OrderStatus) -> None:
        change = (
            update(Order)
            .where(Order.id == order_id, Order.status == old)
            .values(status=new)
            .returning(Order.id)
        )
        if (await self._session.execute(change)).scalar_one_or_none() is None:
            raise OrderNotPayableError(order_id)
