"""What the assistant can do for a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from assistant.clients import ShopClient
    from assistant.desk import Desk
    from assistant.service import Visitor

log = structlog.get_logger()
MAX_CENTS = 5000


class NotAllowed(Exception):
    """The chat must not do this, an agent may."""


class Tools:
    """Runs the actions that the model asks for, with the functions that agents use."""

    def __init__(self, desk: Desk, shop: ShopClient) -> None:
        self._desk, self._shop = desk, shop
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {
            "refund": self._refund,
            "email": self._email,
        }

    async def run(self, visitor: Visitor, action: dict[str, Any]) -> str | None:
        """Carry out ACTION and say what was done; an unknown name does nothing."""
        tool = self._tools.get(action["name"])
        if tool is None:
            log.warning("tool.unknown")
            return None
        return await tool(visitor, **action["arguments"])

    async def _refund(self, visitor: Visitor, order_id: str, amount_cents: int) -> str:
        order = await self._shop.order(visitor.shop, order_id)
        if order["customer_id"] != visitor.customer_id:
            raise NotAllowed("not your order")
        if not isinstance(amount_cents, int) or not 0 < amount_cents <= MAX_CENTS:
            raise NotAllowed("amount")
        if order["refunded_cents"] + amount_cents > order["paid_cents"]:
            raise NotAllowed("more than was paid")
        await self._desk.refund(visitor.shop, order_id, amount_cents, reason="asked in chat")
        return "refund"

    async def _email(self, visitor: Visitor, to: str, subject: str, text: str) -> str:
        customer = await self._shop.customer(visitor.shop, visitor.customer_id)
        if to != customer["email"]:
            raise NotAllowed("address")
        await self._desk.write(visitor.shop, to, subject, text)
        return "email"
