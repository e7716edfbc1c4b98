"""Paying for an order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from checkout.models import OrderStatus
from checkout.orders import OrderRepository
from checkout.payments import (
    GatewayError,
    GatewayRestingError,
    NotChargedError,
    PaymentDeclinedError,
)

if TYPE_CHECKING:
    from checkout.db import Sessions
    from checkout.models import Order, Payment
    from checkout.payments import Charge, Gateway
    from checkout.receipts import Receipts


class CheckoutInProgressError(Exception):
    """Somebody is paying for the order right now."""


class OrderNotPayableError(Exception):
    """The order is not waiting for a payment."""


class PaymentPendingError(Exception):
    """The bank wants to ask the customer."""


class CheckoutService:
    """Charges the customer, records the payment, sends the receipt."""

    def __init__(
        self,
        sessions: Sessions,
        gateway: Gateway,
        receipts: Receipts,
        attempt_seconds: float,
        background: set[asyncio.Task[None]],
    ) -> None:
        """`attempt_seconds` must be longer than the slowest call of the gateway."""
        self._sessions = sessions
        self._gateway = gateway
        self._receipts = receipts
        self._seconds = attempt_seconds
        self._background = background

    async def pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        """Pay for an order; an order that is paid already costs nothing more."""
        async with self._sessions.begin() as session:
            orders = OrderRepository(session)
            order = await orders.get(order_id, customer_id)
            payment = await orders.payment_of(order)
            if payment is not None:
                return payment
            if order.status not in (OrderStatus.OPEN, OrderStatus.PAYING):
                raise OrderNotPayableError(order_id)
            fresh = await orders.begin(order, self._seconds)
            if fresh is None:
                raise CheckoutInProgressError(order_id)
        # From here to the next session no connection is held.
        try:
            charge = await self._ask(order, card, fresh=fresh)
        except PaymentDeclinedError:
            await self._end(order, undo=True)
            raise
        except (NotChargedError, GatewayRestingError):
            await self._end(order, undo=fresh)
            raise
        except GatewayError:
            await self._end(order, undo=False)
            raise
        if not charge.captured:
            await self._end(order, undo=False)
            raise PaymentPendingError(order_id)
        async with self._sessions.begin() as session:
            payment = await OrderRepository(session).mark_paid(order, charge)
        task = asyncio.create_task(self._receipts.send(order, payment))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return payment

    async def _ask(self, order: Order, card: str, *, fresh: bool) -> Charge:
        found = None if fresh else await self._gateway.find(order.id)
        return found or await self._gateway.charge(order, card)

    async def _end(self, order: Order, *, undo: bool) -> None:
        async with self._sessions.begin() as session:
            orders = OrderRepository(session)
            if undo:
                await orders.undo(order.id)
            else:
                await orders.pause(order.id)
