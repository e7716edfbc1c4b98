"""Paying for an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import structlog

from checkout.models import PaymentStatus
from checkout.orders import OrderNotPayableError, OrderRepository
from checkout.payments import PaymentDeclinedError

if TYPE_CHECKING:
    from checkout.db import Sessions
    from checkout.models import Order, Payment
    from checkout.payments import Gateway
    from checkout.receipts import Receipts

log = structlog.get_logger()


class CheckoutInProgressError(Exception):
    """Somebody is paying for the order right now."""


class CheckoutService:
    """Charges the customer, records the payment, sends the receipt.

    The payment is written before the gateway is asked, and its id is the key of the
    charge. Whatever fails in between, the next request for the order asks again with
    that key: no money is taken twice, and no session is open while the gateway thinks.
    """

    def __init__(
        self,
        sessions: Sessions,
        gateway: Gateway,
        receipts: Receipts,
        in_flight: set[str],
    ) -> None:
        """Keep the orders that this process is paying for in `in_flight`."""
        self._sessions = sessions
        self._gateway = gateway
        self._receipts = receipts
        self._in_flight = in_flight

    async def pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        """Pay for an order; an order that is paid already costs nothing more."""
        if order_id in self._in_flight:
            raise CheckoutInProgressError(order_id)
        self._in_flight.add(order_id)
        payment = await self._pay(order_id, customer_id, card)
        self._in_flight.discard(order_id)
        return payment

    async def _pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        async with self._sessions.begin() as session:
            orders = OrderRepository(session)
            order = await orders.get(order_id, customer_id)
            payment = await orders.payment_of(order)
            if payment is None:
                payment = await orders.claim(order)
        if payment.status == PaymentStatus.PENDING:
            payment = await self._charge(order, payment, card)
        return payment

    async def _charge(self, order: Order, payment: Payment, card: str) -> Payment:
        try:
            charge = await self._gateway.charge(order, card, payment.id)
        except PaymentDeclinedError:
            async with self._sessions.begin() as session:
                await OrderRepository(session).release(payment)
            raise
        if not charge.captured:
            return payment
        try:
            async with self._sessions.begin() as session:
                payment = await OrderRepository(session).mark_paid(payment, charge)
        except OrderNotPayableError:
            await self._gateway.refund(charge)
            raise
        await self._send_receipt(order, payment)
        return payment

    async def _send_receipt(self, order: Order, payment: Payment) -> None:
        try:
            await self._receipts.send(order, payment)
        except httpx.HTTPError as error:
            log.warning("receipt.failed", order=order.id, error=type(error).__name__)
