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
    """No usable answer; whether money was taken is open."""


class GatewayUnreachableError(GatewayError):
    """Not one byte reached the gateway: no money was taken."""


class PaymentDeclinedError(GatewayError):
    """The bank said no to this card."""


class GatewayRestingError(GatewayError):
    """The gateway is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Money taken by the gateway."""

    id: str
    amount_cents: int
    captured: bool = True


class Gateway:
    """Charges cards, with time-outs, retries and a circuit breaker."""

    def __init__(self, settings: Settings) -> None:
        """Connect to the gateway of this environment."""
        self._attempts = settings.gateway_attempts
        self._backoff = settings.gateway_backoff
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_rest)
        self._timeout = settings.gateway_timeout
        self._client = httpx.AsyncClient(
            base_url=settings.gateway_url,
            headers={"Authorization": f"Bearer {settings.gateway_key}"},
            timeout=settings.gateway_timeout,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def charge(self, order: Order, card: str) -> Charge:
        """Take the total of an order from a card."""
        payload = {
            "order": order.id,
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "card": card,
        }
        log.info("gateway.charge", order=order.id, amount_cents=order.total_cents)
        # One key per order, not per try: an order is charged once in its life, and
        # a declined charge is not remembered, so another card works with it, too.
        reply = await self._send(
            "POST", order.id, json=payload, headers={"Idempotency-Key": order.id}
        )
        if reply.status_code == PAYMENT_REQUIRED:
            raise PaymentDeclinedError(order.id)
        return self._read(reply)

    async def lookup(self, order_id: str) -> Charge | None:
        """Ask the gateway's books what became of an order."""
        reply = await self._send("GET", order_id, params={"order": order_id})
        if not reply.is_success:
            raise GatewayError(f"lookup answered {reply.status_code}")
        for entry in reply.json()["charges"]:
            if not entry.get("refunded"):
                return self._charge(entry)
        return None

    async def _send(self, method: str, order_id: str, **request: Any) -> httpx.Response:
        unsure, problem = False, ""
        for attempt in range(self._attempts):
            if self._breaker.is_open:
                if unsure:
                    break
                raise GatewayRestingError
            if attempt:
                log.warning("gateway.retry", order=order_id, attempt=attempt, problem=problem)
                await asyncio.sleep(self._backoff * 2**attempt)
            try:
                reply = await asyncio.wait_for(
                    self._client.request(method, "/charges", **request), self._timeout
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem = repr(error)
            except (httpx.TransportError, TimeoutError) as error:
                unsure, problem = True, repr(error)
            else:
                if reply.status_code < SERVER_ERROR:
                    # 402 included: a gateway that says no is in good health
                    self._breaker.succeeded()
                    return reply
                unsure, problem = True, f"{reply.status_code} {reply.text[:200]}"
            self._breaker.failed()
        raise (GatewayError if unsure else GatewayUnreachableError)(problem)

    def _read(self, reply: httpx.Response) -> Charge:
        if not reply.is_success:
            raise GatewayError(f"{reply.status_code} {reply.text[:200]}")
        return self._charge(reply.json())

    def _charge(self, body: dict[str, Any]) -> Charge:
        return Charge(
            id=body["id"],
            amount_cents=body["amount_cents"],
            captured=body.get("status") == "captured",
        )
