"""What the assistant can do for a customer, and the rules for it.

The model proposes, this decides: its arguments are as trustworthy as the least trustworthy text that it has read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from assistant.clients import MailClient, ShopClient
    from assistant.model import Action
    from assistant.service import Visitor

log = structlog.get_logger()
REFUND_LIMIT_CENTS = 5000
ATTEMPTS = 3


class Refused(Exception):
    """The chat may not do this, or could not; an agent has to look at it."""


class RefundArguments(BaseModel):
    """What the model has to say for a refund."""

    model_config = ConfigDict(strict=True, extra="forbid")

    order_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    amount_cents: Annotated[int, Field(gt=0, le=REFUND_LIMIT_CENTS)]


class EmailArguments(BaseModel):
    """What the model has to say for a mail."""

    model_config = ConfigDict(strict=True, extra="forbid")

    to: str = ""
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=5000)]


class Tools:
    """Runs the actions that the model asks for, on behalf of one customer."""

    def __init__(self, shop: ShopClient, mail: MailClient) -> None:
        self._shop, self._mail = shop, mail

    async def run(self, visitor: Visitor, message_id: str, action: Action) -> str:
        """Carry out ACTION and say what was done, or raise Refused."""
        try:
            if action.name == "refund":
                await self._refund(visitor, message_id, RefundArguments.model_validate(action.arguments))
            elif action.name == "email":
                await self._email(visitor, EmailArguments.model_validate(action.arguments))
            else:
                raise Refused("unknown action")
        except ValidationError:
            raise Refused("arguments") from None
        except httpx.HTTPError as error:
            raise Refused(type(error).__name__) from None
        return action.name

    async def _refund(self, visitor: Visitor, message_id: str, wanted: RefundArguments) -> None:
        # read afresh: the record in the prompt may be a minute old
        order = await self._shop.order(visitor.shop, wanted.order_id)
        if order["id"] != wanted.order_id or order["customer_id"] != visitor.customer_id:
            raise Refused("order of somebody else")
        total = order["refunded_cents"] + wanted.amount_cents
        if total > min(REFUND_LIMIT_CENTS, order["paid_cents"]):
            raise Refused("above the limit")
        # one message refunds an order once, in whichever process and however often it arrives
        parts = "\n".join((visitor.shop, visitor.customer_id, message_id, wanted.order_id))
        key = "chat-" + hashlib.sha256(parts.encode()).hexdigest()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._shop.refund(
                    visitor.shop, wanted.order_id, wanted.amount_cents, "asked in chat", key=key
                )
                break
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    log.error("refund.uncertain", message_id=message_id, order_id=wanted.order_id)
                    raise
        log.info("refund.booked", message_id=message_id, order_id=wanted.order_id, cents=wanted.amount_cents)
        try:
            record = await self._shop.customer(visitor.shop, visitor.customer_id)
            text = f"We have refunded {wanted.amount_cents / 100:.2f} for order {wanted.order_id}."
            await self._mail.send(visitor.shop, record["email"], "Your refund", text)
        except (httpx.HTTPError, KeyError) as error:
            # the money has moved; the note about it must not undo or repeat that
            log.warning("refund.not_notified", message_id=message_id, error=type(error).__name__)

    async def _email(self, visitor: Visitor, wanted: EmailArguments) -> None:
        record = await self._shop.customer(visitor.shop, visitor.customer_id)
        if wanted.to and wanted.to.strip().casefold() != record["email"].casefold():
            raise Refused("another address")
        await self._mail.send(visitor.shop, record["email"], wanted.subject, wanted.text)
