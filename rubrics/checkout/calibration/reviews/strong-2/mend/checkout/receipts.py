"""Client of the receipt service, which mails receipts to customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import structlog

if TYPE_CHECKING:
    from checkout.models import Order, Payment
    from checkout.settings import Settings


log = structlog.get_logger()


class Receipts:
    """Asks for receipts to be mailed."""

    def __init__(self, settings: Settings) -> None:
        """Talk to the receipt service of this environment."""
        self._client = httpx.AsyncClient(base_url=settings.receipts_url, timeout=2.0)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, order: Order, payment: Payment) -> None:
        """Mail the receipt of a payment."""
        message = {
            "to": order.email,
            "order": order.id,
            "charge": payment.charge_id,
            "amount_cents": payment.amount_cents,
        }
        try:
            reply = await self._client.post("/receipts", json=message)
            reply.raise_for_status()
        except httpx.HTTPError as error:
            # paid is paid; the back office can send it again
            log.warning("receipt.not_sent", order=order.id, error=repr(error))
