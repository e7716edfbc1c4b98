"""Client of the receipt service, which mails receipts to customers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import structlog

if TYPE_CHECKING:
    from checkout.models import Order, Payment
    from checkout.settings import Settings

log = structlog.get_logger()

SECONDS = 2.0


class Receipts:
    """Asks for receipts to be mailed."""

    def __init__(self, settings: Settings) -> None:
        """Talk to the receipt service of this environment."""
        self._client = httpx.AsyncClient(
            base_url=settings.receipts_url, timeout=SECONDS
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def send(self, order: Order, payment: Payment) -> None:
        """Mail the receipt of a payment; the back office can repeat one that failed."""
        message = {
            "to": order.email,
            "order": order.id,
            "charge": payment.charge_id,
            "amount_cents": payment.amount_cents,
        }
        try:
            async with asyncio.timeout(SECONDS):
                reply = await self._client.post("/receipts", json=message)
            reply.raise_for_status()
        except (httpx.HTTPError, TimeoutError) as error:
            log.error("receipt.failed", order=order.id, problem=type(error).__name__)
