"""Answers a customer's message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

from assistant import prompt
from assistant.cache import AnswerCache, cache_key
from assistant.schemas import HANDOVER, Answer, Ask, Output

if TYPE_CHECKING:
    from assistant.clients import HelpClient, ShopClient
    from assistant.model import ModelClient
    from assistant.tools import Tools

log = structlog.get_logger()
ATTEMPTS = 2


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
        """Reply to ASK, or hand over to an agent."""
        key = cache_key(ask, visitor)
        known = self._cache.get(key)
        if known is not None:
            return known
        try:
            answer = await self._attempt(ask, visitor)
        except Exception as error:  # whatever it is, the customer gets an answer
            log.warning("answer.failed", message_id=ask.message_id, error=type(error).__name__)
            return HANDOVER
        if answer.action is None:
            self._cache.put(key, answer)
        return answer

    async def _attempt(self, ask: Ask, visitor: Visitor) -> Answer:
        record, articles = await asyncio.gather(
            self._shop.customer(visitor.shop, visitor.customer_id),
            self._help.search(ask.message, shop=visitor.shop),
        )
        messages = prompt.build(ask, visitor.shop, record, articles)
        if prompt.tokens(messages) > prompt.MAX_TOKENS:
            return HANDOVER
        output = Output.model_validate_json(await self._complete(messages))
        done = None
        if output.action is not None:
            done = await self._tools.run(ask, visitor, record, output.action)
        return Answer(
            reply=output.reply,
            sources=[article.id for article in articles],
            action=done,
        )

    async def _complete(self, messages: list[dict[str, str]]) -> str:
        """Ask again when the provider is busy; this has no effects, the tools stay out of the loop."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._model.complete(messages)
            except httpx.HTTPStatusError as error:
                if attempt == ATTEMPTS or error.response.status_code < 429:
                    raise
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(0.2 * attempt)
        raise AssertionError
