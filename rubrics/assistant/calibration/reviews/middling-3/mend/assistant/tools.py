"""What the assistant can do for a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from assistant.desk import Desk

log = structlog.get_logger()


class Tools:
    """Runs the actions that the model asks for, with the functions that agents use."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {
            "refund": self._refund,
            "email": self._email,
        }

    async def run(self, shop: str, action: dict[str, Any], message_id: str) -> str | None:
        """Carry out ACTION and say what was done; an unknown name does nothing."""
        tool = self._tools.get(action["name"])
        if tool is None:
            log.warning("tool.unknown")
            return None
        return await tool(shop, message_id, **action["arguments"])

    async def _refund(self, shop: str, message_id: str, order_id: str, amount_cents: int) -> str:
        await self._desk.refund(
            shop,
            order_id,
            amount_cents,
            reason="asked in chat",
            key=f"chat:{shop}:{message_id}:{order_id}",
        )
        return "refund"

    async def _email(self, shop: str, message_id: str, to: str, subject: str, text: str) -> str:
        await self._desk.write(shop, to, subject, text)
        return "email"
