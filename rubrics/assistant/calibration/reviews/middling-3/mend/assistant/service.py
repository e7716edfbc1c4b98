"""Answers a customer's message."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

from assistant import prompt
from assistant.cache import AnswerCache, cache_key
from assistant.schemas import HANDOVER, Answer, Article, Ask

if TYPE_CHECKING:
    from assistant.clients import HelpClient, ShopClient
    from assistant.model import ModelClient
    from assistant.tools import Tools

log = structlog.get_logger()
ATTEMPTS = 3
ENOUGH_ARTICLES = 2


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
        """Reply to ASK, or hand over to an agent when a service is down."""
        key = f"{visitor.shop}:{visitor.customer_id}:{cache_key(ask)}"
        known = self._cache.get(key)
        if known is not None:
            return known
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._attempt(ask, visitor)
            except httpx.HTTPError as error:
                log.warning(
                    "answer.failed",
                    message_id=ask.message_id,
                    attempt=attempt,
                    error=type(error).__name__,
                )
                continue
            self._cache.put(key, answer)
            return answer
        return HANDOVER

    async def _attempt(self, ask: Ask, visitor: Visitor) -> Answer:
        record, articles = await asyncio.gather(
            self._shop.customer(visitor.shop, visitor.customer_id),
            self._articles(ask, visitor),
        )
        text = await self._model.complete(
            prompt.build(ask, visitor.shop, record, articles),
        )
        output = json.loads(text)
        action = output.get("action")
        done = await self._tools.run(visitor.shop, action, ask.message_id) if action else None
        return Answer(
            reply=output["reply"],
            sources=[article.id for article in articles],
            action=done,
        )

    async def _articles(self, ask: Ask, visitor: Visitor) -> list[Article]:
        articles = await self._help.search(ask.message, shop=visitor.shop)
        if len(articles) < ENOUGH_ARTICLES:
            known = {article.id for article in articles}
            wider = await self._help.search(ask.message)
            articles += [article for article in wider if article.id not in known]
        return articles
