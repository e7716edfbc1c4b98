"""What the assistant can do for a customer.

This is the boundary. Arguments come from a model that reads strangers' text; every rule is enforced here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import structlog

if TYPE_CHECKING:
    from assistant.clients import MailClient, ShopClient
    from assistant.service import Visitor

log = structlog.get_logger()
MAX_CENTS = 5000
TRIES = 3


class Denied(Exception):
    """Not something that the chat does."""


class Tools:
    """Acts as one customer, never as an agent."""

    def __init__(self, shops: ShopClient, mail: MailClient) -> None:
        self._shops, self._mail = shops, mail

    async def run(self, visitor: Visitor, message_id: str, record: dict[str, Any], action: Any) -> str:
        """Carry out ACTION for VISITOR and say what was done."""
        match action:
            case {"name": "refund", "arguments": {"order_id": str(order_id), "amount_cents": int(cents)}} if not isinstance(cents, bool):
                await self._refund(visitor, message_id, record, order_id, cents)
                return "refund"
            case {"name": "email", "arguments": {"to": str(to), "subject": str(subject), "text": str(text)}}:
                if to.strip().lower() != record["email"].lower():
                    raise Denied("recipient")
                await self._mail.send(visitor.shop, record["email"], subject[:200], text[:5000])
                return "email"
        raise Denied("shape")

    async def _refund(
        self,
        visitor: Visitor,
        message_id: str,
        record: dict[str, Any],
        order_id: str,
        cents: int,
    ) -> None:
        # membership first: the id becomes part of a URL
        if order_id not in {order["id"] for order in record["orders"]}:
            raise Denied("order")
        order = await self._shops.order(visitor.shop, order_id)
        if order["customer_id"] != visitor.customer_id:
            raise Denied("order")
        left = min(MAX_CENTS, order["paid_cents"]) - order["refunded_cents"]
        if not 0 < cents <= left:
            raise Denied("amount")
        seed = refund_key(visitor.shop, visitor.customer_id, message_id, order_id)
        for attempt in range(TRIES):
            try:
                await self._shops.refund(visitor.shop, order_id, cents, "asked in chat", key=seed)
                break
            except httpx.TransportError:
                if attempt + 1 == TRIES:
                    raise
        try:
            text = f"We have refunded {cents / 100:.2f} for order {order_id}."
            await self._mail.send(visitor.shop, record["email"], "Your refund", text)
        except httpx.HTTPError as error:
            log.warning("refund.mail_failed", message_id=message_id, error=type(error).__name__)


def refund_key(*parts: str) -> str:
    """The same for the same message, in every process."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
