"""Answers a customer's message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

from assistant import prompt
from assistant.cache import AnswerCache, cache_key
from assistant.model import ModelError
from assistant.schemas import HANDOVER, Answer, Ask
from assistant.tools import Refused

if TYPE_CHECKING:
    from assistant.clients import HelpClient, ShopClient
    from assistant.model import ModelClient
    from assistant.tools import Tools

log = structlog.get_logger()


@dataclass(frozen=True)
class Visitor:
    """Who is asking, as established by the edge."""

    shop: str
    customer_id: str


class Assistant:
    """Replies with the model's help, and acts when it is asked to."""

    def __init__(
        self,
        articles: HelpClient,
        shop: ShopClient,
        model: ModelClient,
        tools: Tools,
    ) -> None:
        self._help, self._shop, self._model, self._tools = articles, shop, model, tools
        self._cache = AnswerCache()

    async def answer(self, ask: Ask, visitor: Visitor) -> Answer:
        """Reply to ASK, or hand over to an agent when something is not as it should be."""
        key = cache_key(ask, visitor)
        known = self._cache.get(key)
        if known is not None:
            return known
        try:
            answer = await self._answer(ask, visitor)
        except (httpx.HTTPError, ModelError, Refused, prompt.TooLong) as error:
            reason = str(error) if isinstance(error, (ModelError, Refused)) else ""
            log.warning("answer.failed", message_id=ask.message_id, error=type(error).__name__, reason=reason)
            return HANDOVER
        except Exception as error:  # noqa: BLE001 - a customer always gets an answer
            log.error("answer.broken", message_id=ask.message_id, error=type(error).__name__)
            return HANDOVER
        self._cache.put(key, answer)
        return answer

    async def _answer(self, ask: Ask, visitor: Visitor) -> Answer:
        record, articles = await asyncio.gather(
            self._shop.customer(visitor.shop, visitor.customer_id),
            self._help.search(ask.message, shop=visitor.shop),
        )
        output = await self._model.complete(prompt.build(ask, visitor.shop, record, articles))
        done = None
        if output.action is not None:
            # once, outside of any repetition
            done = await self._tools.run(visitor, ask.message_id, output.action)
        return Answer(
            reply=output.reply,
            sources=[article.id for article in articles],
            action=done,
        )
