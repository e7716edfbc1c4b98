"""Paying for an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkout.models import OrderStatus
from checkout.orders import OrderRepository

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from checkout.db import Sessions
    from checkout.models import Order, Payment
    from checkout.payments import Gateway
    from checkout.receipts import Receipts


class CheckoutInProgressError(Exception):
    """Somebody is paying for the order right now."""


class OrderNotPayableError(Exception):
    """The order is not waiting for a payment."""


class CheckoutService:
    """Charges the customer, records the payment, sends the receipt."""

    def __init__(
        self,
        sessions: Sessions,
        gateway: Gateway,
        receipts: Receipts,
        in_flight: set[str],
    ) -> None:
        """Keep the orders that are being paid for in `in_flight`."""
        self._sessions = sessions
        self._gateway = gateway
        self._receipts = receipts
        self._in_flight = in_flight

    async def pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        """Pay for an order; an order that is paid already costs nothing more."""
        if order_id in self._in_flight:
            raise CheckoutInProgressError(order_id)
        self._in_flight.add(order_id)
        try:
            async with self._sessions() as session:
                orders = OrderRepository(session)
                order = await orders.get(order_id, customer_id)
                payment = await orders.payment_of(order)
                if payment is None:
                    payment = await self._charge(session, order, card)
                return payment
        finally:
            self._in_flight.discard(order_id)

    async def _charge(self, session: AsyncSession, order: Order, card: str) -> Payment:
        if order.status != OrderStatus.OPEN:
            raise OrderNotPayableError(order.id)
        charge = await self._gateway.charge(order, card)
        payment = await OrderRepository(session).mark_paid(order, charge)
        await session.commit()
        await self._receipts.send(order, payment)
        return payment
