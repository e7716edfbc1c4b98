"""What the assistant can do for a customer."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import structlog

from assistant.schemas import Action, EmailArguments, RefundArguments

if TYPE_CHECKING:
    from assistant.desk import Desk
    from assistant.schemas import Ask
    from assistant.service import Visitor

log = structlog.get_logger()
LIMIT_CENTS = 5000


class NotAllowed(Exception):
    """The chat may not do that; somebody at the desk can."""


class Tools:
    """Checks what the model asks for against the rules, then lets the desk do it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self, ask: Ask, visitor: Visitor, record: dict[str, Any], action: Action) -> str:
        """Carry out ACTION for VISITOR, or raise NotAllowed."""
        if action.name == "refund":
            await self._refund(ask, visitor, RefundArguments.model_validate(action.arguments))
        elif action.name == "email":
            await self._email(visitor, record, EmailArguments.model_validate(action.arguments))
        else:
            raise NotAllowed("unknown tool")
        log.info("tool.done", message_id=ask.message_id, tool=action.name)
        return action.name

    async def _refund(self, ask: Ask, visitor: Visitor, wanted: RefundArguments) -> None:
        # Only an order that the customer's own words name. A file or a comment cannot pick one,
        # and the id is safe to be put into a URL.
        if not re.fullmatch(r"[\w-]+", wanted.order_id):
            raise NotAllowed("order id")
        if not re.search(rf"(?<![\w-]){re.escape(wanted.order_id)}(?![\w-])", ask.message, re.IGNORECASE):
            raise NotAllowed("not asked for")
        order = await self._desk.order(visitor.shop, wanted.order_id)
        if order["customer_id"] != visitor.customer_id:
            raise NotAllowed("order")
        if order["refunded_cents"] + wanted.amount_cents > min(order["paid_cents"], LIMIT_CENTS):
            raise NotAllowed("amount")
        seed = repr((visitor.shop, visitor.customer_id, ask.message_id, wanted.order_id))
        await self._desk.refund_once(
            visitor.shop,
            order,
            wanted.amount_cents,
            reason="asked in chat",
            key=hashlib.sha256(seed.encode()).hexdigest(),
        )

    async def _email(self, visitor: Visitor, record: dict[str, Any], wanted: EmailArguments) -> None:
        if wanted.to.strip().casefold() != record["email"].casefold():
            raise NotAllowed("address")
        await self._desk.write(visitor.shop, record["email"], wanted.subject, wanted.text)
