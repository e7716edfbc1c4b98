"""The three services behind the desk."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from assistant.schemas import Article

if TYPE_CHECKING:
    import httpx


class HelpClient:
    """The help centre, which hosts the articles of all shops."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url

    async def search(
        self,
        query: str,
        *,
        shop: str | None = None,
        limit: int = 3,
    ) -> list[Article]:
        """Find articles of SHOP, best first; without one, of the whole help centre."""
        params = {"q": query[:200], "limit": str(limit)} | (
            {"shop": shop} if shop else {}
        )
        reply = await self._http.get(f"{self._url}/articles", params=params)
        reply.raise_for_status()
        return [Article.model_validate(item) for item in reply.json()["articles"]]


class ShopClient:
    """Customers, orders and refunds of every shop."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str) -> None:
        self._http, self._url, self._headers = (
            http,
            url,
            {"Authorization": f"Bearer {token}"},
        )

    async def customer(self, shop: str, customer_id: str) -> dict[str, Any]:
        """Fetch the whole record of a customer, orders included."""
        return await self._get(f"/shops/{shop}/customers/{customer_id}")

    async def order(self, shop: str, order_id: str) -> dict[str, Any]:
        """Fetch an order: id, customer_id, paid_cents, refunded_cents."""
        return await self._get(f"/shops/{shop}/orders/{order_id}")

    async def refund(
        self,
        shop: str,
        order_id: str,
        amount_cents: int,
        reason: str,
        key: str | None = None,
    ) -> None:
        """Book a refund. The shop books a key once, however often it arrives."""
        reply = await self._http.post(
            f"{self._url}/shops/{shop}/refunds",
            headers={**self._headers, "Idempotency-Key": key or uuid.uuid4().hex},
            json={"order_id": order_id, "amount_cents": amount_cents, "reason": reason},
        )
        reply.raise_for_status()

    async def _get(self, path: str) -> dict[str, Any]:
        reply = await self._http.get(self._url + path, headers=self._headers)
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found


class MailClient:
    """Outgoing mail, sent in the name of a shop."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url

    async def send(self, shop: str, to: str, subject: str, text: str) -> None:
        """Queue one message."""
        message = {"shop": shop, "to": to, "subject": subject, "text": text}
        reply = await self._http.post(f"{self._url}/messages", json=message)
        reply.raise_for_status()
