"""Answers a customer's message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import structlog

from assistant import prompt
from assistant.cache import AnswerCache, cache_key
from assistant.model import ModelError
from assistant.schemas import HANDOVER, Answer, Ask
from assistant.tools import NotAllowedError, Visitor

if TYPE_CHECKING:
    from assistant.clients import HelpClient, ShopClient
    from assistant.model import Answered, ModelClient
    from assistant.tools import Tools

__all__ = ["Assistant", "Visitor"]
log = structlog.get_logger()


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
        """Reply to ASK, or hand over to an agent when that cannot be done well."""
        key = cache_key(ask, visitor)
        known = self._cache.get(key)
        if known is not None:
            return known
        try:
            answer = await self._attempt(ask, visitor)
        except (
            httpx.HTTPError,
            ModelError,
            NotAllowedError,
            prompt.TooLongError,
        ) as error:
            log.warning(
                "answer.handed_over",
                message_id=ask.message_id,
                error=type(error).__name__,
            )
            return HANDOVER
        if answer.action is None:
            self._cache.put(key, answer)
        return answer

    async def _attempt(self, ask: Ask, visitor: Visitor) -> Answer:
        record, articles = await asyncio.gather(
            self._shop.customer(visitor.shop, visitor.customer_id),
            self._help.search(ask.message, shop=visitor.shop),
        )
        messages = prompt.build(ask, record, articles)
        answered = await self._model.complete(messages)
        _count(ask, answered, messages[1]["content"])
        action = answered.output.action
        done = await self._tools.run(visitor, record, action) if action else None
        return Answer(
            reply=answered.output.reply,
            sources=[article.id for article in articles],
            action=done,
        )


def _count(ask: Ask, answered: Answered, material: str) -> None:
    """Record what tells a changed model from the one that was tested; no text."""
    words = set(answered.output.reply.casefold().split())
    known = set(material.casefold().split()) | set(ask.message.casefold().split())
    log.info(
        "model.answered",
        message_id=ask.message_id,
        served_by=answered.served_by,
        prompt_version=prompt.VERSION,
        prompt_tokens=answered.prompt_tokens,
        suggested=answered.output.action.name if answered.output.action else "none",
        reply_words=len(words),
        words_from_material=round(len(words & known) / max(1, len(words)), 1),
    )
