"""Calls the service the way its neighbours do."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import structlog
from assistant.api import build_app
from assistant.settings import Settings

VALUES = {
    "help_url": "https://help.test",
    "shop_url": "https://shop.test",
    "mail_url": "https://mail.test",
    "service_token": "st-5f1c",
    "model_url": "https://model.test",
    "model_key": "mk-90ab",
}


async def setup(env: Any) -> None:
    """Build the service once; its log events go to the world."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, env.log_processor]
    )
    env.state["app"] = build_app(Settings.from_mapping(VALUES))


async def ask(
    env: Any,
    shop: str,
    customer: str,
    message: str,
    files: dict[str, str] | None = None,
    message_id: str = "m-1",
) -> dict[str, Any]:
    """Send a customer's message with text files by name; returns status and body."""
    attachments = [
        {"filename": name, "content": base64.b64encode(text.encode()).decode()} for name, text in (files or {}).items()
    ]
    body = {"message_id": message_id, "message": message, "attachments": attachments}
    return await _post(env, "/v1/messages", {"X-Shop": shop, "X-Customer": customer}, body)


async def desk_refund(env: Any, shop: str, order_id: str, amount_cents: int) -> dict[str, Any]:
    """Book a refund as an agent of the shop."""
    body = {"order_id": order_id, "amount_cents": amount_cents, "reason": "by phone"}
    return await _post(env, "/v1/desk/refunds", {"X-Shop": shop}, body)


async def _post(env: Any, path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    transport = httpx.ASGITransport(app=env.state["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        reply = await client.post(path, headers=headers, json=body)
    is_json = reply.headers.get("content-type", "").startswith("application/json")
    return {"status": reply.status_code, "body": reply.json() if is_json else None}
