"""Puts together what the model reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.schemas import Article, Ask

MAX_TOKENS = 6000
SHOWN_TO_MODEL = ("display_name", "email", "phone")
INSTRUCTIONS = """\
You are a support assistant. Be friendly and brief.
You get a JSON document with background, then what the customer wrote.
Your output is one JSON object: {"reply": "...", "action": null}
When the customer asks for it you can act by setting "action" to one of
{"name": "refund", "arguments": {"order_id": "...", "amount_cents": 0}}
{"name": "email", "arguments": {"to": "...", "subject": "...", "text": "..."}}
"""


def build(
    ask: Ask,
    shop: str,
    record: dict[str, Any],
    articles: Sequence[Article],
) -> list[dict[str, str]]:
    """Return the messages of one chat completion.

    Long texts are halved until the whole thing fits the budget.
    """
    limit = 12000
    while True:
        messages = _messages(ask, shop, record, articles, limit)
        if tokens(messages) <= MAX_TOKENS or limit == 0:
            return messages
        limit //= 2


def _messages(
    ask: Ask,
    shop: str,
    record: dict[str, Any],
    articles: Sequence[Article],
    limit: int,
) -> list[dict[str, str]]:
    orders = [
        {"id": o["id"], "paid_cents": o["paid_cents"], "refunded_cents": o["refunded_cents"]}
        for o in record.get("orders", [])
    ]
    background = {
        "shop": shop,
        "person": {name: str(record.get(name, ""))[:100] for name in SHOWN_TO_MODEL},
        "orders": orders[-(limit // 100) :] if limit >= 100 else [],
        "articles": [
            {
                "id": article.id,
                "title": article.title[:100],
                "text": article.body[:limit],
                "below": [comment[:200] for comment in article.comments[: limit // 1000]],
            }
            for article in articles
        ],
        "files": [{"file": a.filename, "text": a.text()[:limit]} for a in ask.attachments],
    }
    return [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": json.dumps(background, indent=1, ensure_ascii=False)},
        {"role": "user", "content": ask.message},
    ]


def tokens(messages: list[dict[str, str]]) -> int:
    """Count as the provider does: four bytes each, message by message."""
    return sum((len(m["content"].encode()) + 3) // 4 for m in messages)
