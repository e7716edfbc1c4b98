"""Puts together what the model reads.

Nothing in here may be secret and nothing in here is a control.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.schemas import Article, Ask

MAX_BYTES = 6000 * 4 - 64
ARTICLE_BYTES = 1200
ORDERS = 10

SYSTEM = """\
You are the support assistant of a shop. Be friendly and brief.
The first user message holds reference data, the second one the words of the customer.
Format: one JSON object, {"reply": "...", "action": null}
"action" is null, or what the customer wants done, one of
{"name": "refund", "arguments": {"order_id": "...", "amount_cents": 0}}
{"name": "email", "arguments": {"to": "...", "subject": "...", "text": "..."}}
"""


def build(
    ask: Ask,
    shop: str,
    record: dict[str, Any],
    articles: Sequence[Article],
) -> list[dict[str, str]] | None:
    """Return the messages of one chat completion; None when they would be too long."""
    data = {
        "shop": shop,
        "name": clip(record["display_name"], 80),
        "address": record["email"],
        "orders": [
            {key: order[key] for key in ("id", "paid_cents", "refunded_cents")}
            for order in record["orders"][-ORDERS:]
        ],
        # comments stay out: anybody with an account writes them, nobody reads them first
        "articles": [
            {"id": article.id, "title": clip(article.title, 100), "body": clip(article.body, ARTICLE_BYTES)}
            for article in articles
        ],
        "files": [
            {"filename": attachment.filename, "content": attachment.text()}
            for attachment in ask.attachments
        ],
    }
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": json.dumps(data, ensure_ascii=False, indent=1)},
        {"role": "user", "content": ask.message},
    ]
    size = sum(len(message["content"].encode()) for message in messages)
    return messages if size <= MAX_BYTES else None


def clip(text: str, limit: int) -> str:
    """Cut TEXT to LIMIT bytes."""
    return text.encode()[:limit].decode(errors="ignore")
