"""Answers a customer's message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

from assistant.schemas import HANDOVER, Answer, Ask

if TYPE_CHECKING:
    from assistant.clients import HelpClient

log = structlog.get_logger()


@dataclass(frozen=True)
class Visitor:
    """Who is asking, as established by the edge."""

    shop: str
    customer_id: str


class Assistant:
    """Replies with the best article."""

    def __init__(self, articles: HelpClient) -> None:
        self._help = articles

    async def answer(self, ask: Ask, visitor: Visitor) -> Answer:
        """Reply to ASK, or hand over to an agent when nothing fits."""
        try:
            articles = await self._help.search(ask.message, shop=visitor.shop)
        except httpx.HTTPError as error:
            log.warning(
                "answer.failed",
                message_id=ask.message_id,
                error=type(error).__name__,
            )
            return HANDOVER
        if not articles:
            return HANDOVER
        return Answer(reply=articles[0].body, sources=[articles[0].id])
