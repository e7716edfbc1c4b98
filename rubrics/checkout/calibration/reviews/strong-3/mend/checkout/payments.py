"""Client of the payment gateway."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from checkout.breaker import CircuitBreaker

if TYPE_CHECKING:
    from checkout.models import Order
    from checkout.settings import Settings

log = structlog.get_logger()

SERVER_ERROR = 500
PAYMENT_REQUIRED = 402


class GatewayError(Exception):
    """The gateway gave no usable answer: the money may or may not be taken."""


class NotChargedError(GatewayError):
    """The gateway was certainly not reached, so no money was taken."""


class PaymentDeclinedError(GatewayError):
    """The bank said no to this card."""


class GatewayRestingError(GatewayError):
    """The gateway is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge in the gateway's books."""

    id: str
    amount_cents: int
    captured: bool = True


class Gateway:
    """Charges cards, with time-outs, retries and a circuit breaker.

    One per process: the breaker and the connections are shared by all requests.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect to the gateway of this environment."""
        self._attempts = settings.gateway_attempts
        self._backoff = settings.gateway_backoff
        self._timeout = settings.gateway_timeout
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_rest)
        self._client = httpx.AsyncClient(
            base_url=settings.gateway_url,
            headers={"Authorization": f"Bearer {settings.gateway_key}"},
            timeout=settings.gateway_timeout,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    @property
    def is_resting(self) -> bool:
        """Whether a call would be refused without asking the gateway."""
        return self._breaker.is_open

    async def charge(self, order: Order, card: str) -> Charge:
        """Take the total of an order from a card, once however often this is called.

        The idempotency key belongs to the order, so every try of every request is the
        same charge to the gateway (for a day; see `find` for later).
        """
        payload = {
            "order": order.id,
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "card": card,
        }
        log.info(
            "gateway.charge",
            order=order.id,
            amount_cents=order.total_cents,
            currency=order.currency,
        )
        headers = {"Idempotency-Key": f"order:{order.id}"}
        reply = await self._call("POST", order.id, json=payload, headers=headers)
        if reply.status_code == PAYMENT_REQUIRED:
            raise PaymentDeclinedError(order.id)
        return _charge(_json(reply))

    async def find(self, order_id: str) -> Charge | None:
        """Return the charge that the gateway has for an order, if there is one."""
        reply = await self._call("GET", order_id, params={"order": order_id})
        try:
            charges = [c for c in _json(reply)["charges"] if not c.get("refunded")]
        except (KeyError, TypeError, AttributeError) as error:
            raise GatewayError("unreadable list of charges") from error
        if len(charges) > 1:
            log.error("gateway.several_charges", order=order_id, count=len(charges))
        charges.sort(key=lambda charge: charge.get("status") != "captured")
        return _charge(charges[0]) if charges else None

    async def _call(self, method: str, order_id: str, **options: Any) -> httpx.Response:
        reached = False
        problem = ""
        for attempt in range(1, self._attempts + 1):
            if self._breaker.is_open:
                if reached:
                    break
                raise GatewayRestingError
            try:
                async with asyncio.timeout(self._timeout):
                    reply = await self._client.request(method, "/charges", **options)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem = type(error).__name__
            except (httpx.HTTPError, TimeoutError) as error:
                reached, problem = True, type(error).__name__
            else:
                if reply.status_code < SERVER_ERROR:
                    self._breaker.succeeded()
                    return reply
                reached, problem = True, f"{reply.status_code} {reply.text[:200]}"
            self._breaker.failed()
            log.warning(
                "gateway.failed", order=order_id, attempt=attempt, problem=problem
            )
            if attempt < self._attempts:
                pause = self._backoff * 2**attempt
                await asyncio.sleep(pause)
        raise GatewayError(problem) if reached else NotChargedError(problem)


def _json(reply: httpx.Response) -> Any:
    if not reply.is_success:
        log.error("gateway.refused", status=reply.status_code, text=reply.text[:200])
        raise GatewayError(f"status {reply.status_code}")
    try:
        return reply.json()
    except ValueError as error:
        raise GatewayError("unreadable answer") from error


def _charge(body: Any) -> Charge:
    try:
        return Charge(
            id=body["id"],
            amount_cents=body["amount_cents"],
            captured=body["status"] == "captured",
        )
    except (KeyError, TypeError) as error:
        raise GatewayError("unreadable charge") from error
