"""What the assistant can do for a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from assistant.clients import ShopClient
    from assistant.desk import Desk
    from assistant.schemas import Action, EmailArguments, RefundArguments

log = structlog.get_logger()
REFUND_LIMIT_CENTS = 5000


class NotAllowedError(Exception):
    """An agent has to decide this."""


@dataclass(frozen=True)
class Visitor:
    """Who is asking, as established by the edge."""

    shop: str
    customer_id: str


class Tools:
    """Runs suggested actions with the rights of the visitor, not of an agent."""

    def __init__(self, desk: Desk, shop: ShopClient) -> None:
        self._desk, self._shop = desk, shop
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {
            "refund": self._refund,
            "email": self._email,
        }

    async def run(
        self,
        visitor: Visitor,
        record: dict[str, Any],
        action: Action,
    ) -> str | None:
        """Carry out ACTION and say what was done.

        Raises:
            NotAllowedError: If this visitor may not have it without an agent.

        """
        tool = self._tools.get(action.name)
        if tool is None:
            log.warning("tool.unknown")
            return None
        return await tool(visitor, record, action.arguments)

    async def _refund(
        self,
        visitor: Visitor,
        _record: dict[str, Any],
        wanted: RefundArguments,
    ) -> str:
        order = await self._shop.order(visitor.shop, wanted.order_id)
        if order["customer_id"] != visitor.customer_id:
            raise NotAllowedError
        already = order["refunded_cents"]
        if already + wanted.amount_cents > min(order["paid_cents"], REFUND_LIMIT_CENTS):
            raise NotAllowedError
        # The same order in the same state gives the same key: a repetition books once.
        key = f"chat:{visitor.shop}:{wanted.order_id}:{already}"
        await self._desk.refund(
            visitor.shop,
            wanted.order_id,
            wanted.amount_cents,
            reason="asked in chat",
            key=key,
        )
        return "refund"

    async def _email(
        self,
        visitor: Visitor,
        record: dict[str, Any],
        mail: EmailArguments,
    ) -> str:
        if not mail.to.startswith(record["email"]):
            raise NotAllowedError
        await self._desk.write(visitor.shop, mail.to, mail.subject, mail.text)
        return "email"
