"""Paying for an order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from checkout.models import OrderStatus, PaymentState
from checkout.orders import OrderRepository
from checkout.payments import (
    GatewayError,
    GatewayRestingError,
    NotChargedError,
    PaymentDeclinedError,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from checkout.db import Sessions
    from checkout.models import Order, Payment
    from checkout.payments import Charge, Gateway
    from checkout.receipts import Receipts

log = structlog.get_logger()


class CheckoutInProgressError(Exception):
    """Somebody is paying for the order right now."""


class OrderNotPayableError(Exception):
    """The order is not waiting for a payment."""


class PaymentPendingError(Exception):
    """The bank asks the customer first."""


class CheckoutService:
    """Charges the customer, records the payment, sends the receipt.

    The database is only used before and after the gateway: no connection and no
    transaction waits for the bank. What happens when is kept in the tables:

    order open -> claim: order paying, payment started -> gateway -> order paid
                                                       -> declined: order open again
                                                       -> not known: stays paying; the
                                                          next request asks the gateway
    """

    def __init__(
        self,
        sessions: Sessions,
        gateway: Gateway,
        receipts: Receipts,
        lease: float,
        tasks: set[asyncio.Task[Any]],
    ) -> None:
        """A request has an order to itself for `lease` seconds at most."""
        self._sessions = sessions
        self._gateway = gateway
        self._receipts = receipts
        self._lease = lease
        self._tasks = tasks

    async def pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        """Pay for an order; an order that is paid already costs nothing more."""
        # A client that hangs up must not stop a payment half-way.
        return await asyncio.shield(self._spawn(self._pay(order_id, customer_id, card)))

    async def _pay(self, order_id: str, customer_id: str, card: str) -> Payment:
        order, payment, resumed = await self._begin(order_id, customer_id)
        if payment is not None:
            return payment
        charge = await self._charge(order, card, resumed=resumed)
        async with self._sessions.begin() as session:
            stored, moved = await OrderRepository(session).record(order.id, charge)
        if not charge.captured:
            log.info("checkout.pending", order=order.id, charge=charge.id)
            raise PaymentPendingError(order.id)
        if not moved:
            log.error("checkout.paid_but_not_moved", order=order.id, charge=charge.id)
        log.info("checkout.paid", order=order.id, charge=charge.id)
        self._spawn(self._receipts.send(order, stored))
        return stored

    async def _begin(
        self, order_id: str, customer_id: str
    ) -> tuple[Order, Payment | None, bool]:
        """Claim the order, or return the payment that is there; commits."""
        async with self._sessions.begin() as session:
            orders = OrderRepository(session)
            order = await orders.get(order_id, customer_id)
            payment = await orders.payment_of(order)
            if payment is not None and payment.state == PaymentState.CAPTURED:
                return order, payment, False
            if self._gateway_is_resting():
                raise GatewayRestingError
            if payment is not None:
                if not await orders.take_over(payment, self._lease):
                    raise CheckoutInProgressError(order_id)
                return order, None, True
            if order.status != OrderStatus.OPEN:
                raise OrderNotPayableError(order_id)
            if not await orders.claim(order, self._lease):
                raise CheckoutInProgressError(order_id)
            return order, None, False

    async def _charge(self, order: Order, card: str, *, resumed: bool) -> Charge:
        try:
            if resumed:
                known = await self._gateway.find(order.id)
                if known is not None:
                    return known
            return await self._gateway.charge(order, card)
        except PaymentDeclinedError:
            await self._leave(order.id, give_up=True)
            raise
        except (NotChargedError, GatewayRestingError):
            # On a resumed order an earlier try may have got through.
            await self._leave(order.id, give_up=not resumed)
            raise
        except GatewayError:
            await self._leave(order.id, give_up=False)
            raise

    async def _leave(self, order_id: str, *, give_up: bool) -> None:
        try:
            async with self._sessions.begin() as session:
                orders = OrderRepository(session)
                await (orders.give_up if give_up else orders.let_go)(order_id)
        except SQLAlchemyError:  # the lease runs out by itself
            log.exception("checkout.not_released", order=order_id)

    def _gateway_is_resting(self) -> bool:
        return bool(getattr(self._gateway, "is_resting", False))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
