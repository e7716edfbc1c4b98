"""Answers a customer's message."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from assistant import prompt
from assistant.schemas import HANDOVER, Answer, Article, Ask

if TYPE_CHECKING:
    from assistant.clients import HelpClient, ShopClient
    from assistant.model import ModelClient
    from assistant.tools import Tools

log = structlog.get_logger()
ATTEMPTS = 3
SECONDS = 25


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

    async def answer(self, ask: Ask, visitor: Visitor) -> Answer:
        """Reply to ASK, or hand over."""
        try:
            async with asyncio.timeout(SECONDS):
                record, articles, output = await self._think(ask, visitor)
            action = output.get("action")
            done = await self._tools.run(visitor, ask.message_id, record, action) if action else None
            return Answer(reply=output["reply"], sources=[a.id for a in articles], action=done)
        except Exception as error:  # noqa: BLE001
            # type only: messages of pydantic and json errors carry the text
            log.warning("answer.handed_over", message_id=ask.message_id, error=type(error).__name__)
            return HANDOVER

    async def _think(self, ask: Ask, visitor: Visitor) -> tuple[dict[str, Any], list[Article], dict[str, Any]]:
        """Everything that has no effect outside, hence may be repeated."""
        record, articles = await asyncio.gather(
            self._shop.customer(visitor.shop, visitor.customer_id),
            self._help.search(ask.message, shop=visitor.shop),
        )
        messages = prompt.build(ask, visitor.shop, record, articles)
        if messages is None:
            raise ValueError("too long")
        for attempt in range(ATTEMPTS):
            try:
                text = await self._model.complete(messages)
                break
            except httpx.HTTPStatusError as error:
                code = error.response.status_code
                if (code < 500 and code != 429) or attempt + 1 == ATTEMPTS:
                    raise
            except httpx.TransportError:
                if attempt + 1 == ATTEMPTS:
                    raise
            await asyncio.sleep(0.25 * 2**attempt)
        output = json.loads(text)
        if not isinstance(output, dict) or not isinstance(output.get("reply"), str) or not output["reply"].strip():
            raise ValueError("shape")
        return record, articles, output
