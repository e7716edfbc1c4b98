"""Paying for an order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from checkout.models import OrderStatus
from checkout.orders import OrderRepository
from checkout.payments import (
    GatewayError,
    GatewayRestingError,
    GatewayUnreachableError,
    PaymentDeclinedError,
)

if TYPE_CHECKING:
    from checkout.db import Sessions
    from checkout.models import Order, Payment
    from checkout.payments import Charge, Gateway

log = structlog.get_logger()


class CheckoutInProgressError(Exception):
    """Somebody is paying for the order right now."""


class OrderNotPayableError(Exception):
    """The order is not waiting for a payment."""


class CheckoutService:
    """Charges the customer and records the payment.

    Three steps: claim (transaction), charge (no database), settle (transaction).
    """

    def __init__(self, sessions: Sessions, gateway: Gateway, claim: float) -> None:
        """Claims end by themselves after `claim` seconds, should a worker die."""
        self._sessions = sessions
        self._gateway = gateway
        self._claim = claim

    async def pay(
        self, order_id: str, customer_id: str, card: str
    ) -> tuple[Order, Payment, bool]:
        """Pay for an order; the flag says whether money moved just now."""
        async with self._sessions.begin() as session:
            orders = OrderRepository(session)
            order = await orders.get(order_id, customer_id)
            payment = await orders.payment_of(order)
            if payment is not None and payment.captured:
                return order, payment, False
            if payment is None and order.status != OrderStatus.OPEN:
                raise OrderNotPayableError(order_id)
            until = time.time() + self._claim
            if not await orders.claim(order, payment, until):
                raise CheckoutInProgressError(order_id)
            known = payment is not None
        charge = await self._charge(order, card, known=known)
        async with self._sessions.begin() as session:
            payment = await OrderRepository(session).settle(order_id, charge)
        log.info(
            "checkout.settled",
            order=order_id,
            charge=charge.id,
            captured=charge.captured,
        )
        return order, payment, charge.captured

    async def _charge(self, order: Order, card: str, *, known: bool) -> Charge:
        """Charge, or find the charge that an earlier try has left behind."""
        try:
            charge = await self._gateway.lookup(order.id) if known else None
            return charge or await self._gateway.charge(order, card)
        except PaymentDeclinedError:
            await self._release(order, reopen=True)
            raise
        except (GatewayUnreachableError, GatewayRestingError):
            await self._release(order, reopen=not known)
            raise
        except GatewayError:
            charge = await self._second_look(order)
            if charge is not None:
                return charge
            await self._release(order, reopen=False)
            raise

    async def _second_look(self, order: Order) -> Charge | None:
        lookup = getattr(self._gateway, "lookup", None)
        if lookup is None:
            return None
        try:
            found: Charge | None = await lookup(order.id)
        except GatewayError:
            return None
        return found

    async def _release(self, order: Order, *, reopen: bool) -> None:
        async with self._sessions.begin() as session:
            await OrderRepository(session).release(order.id, reopen=reopen)
