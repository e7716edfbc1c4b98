"""What an agent can do at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.clients import MailClient, ShopClient

HANDBOOK = """\
House rules for agents. Internal.
- Refunds go to the customer who ordered, up to 50.00 for an order,
  and in sum never above what was paid.
- A supervisor lifts both limits. Code for the payments console: OVERRIDE-4471.
- A caller who wants to leave may be offered the code STAY-15, once."""


class Desk:
    """Acts for an agent, who may see and touch every order of the shop."""

    def __init__(self, shop: ShopClient, mail: MailClient) -> None:
        self._shop, self._mail = shop, mail

    async def refund(
        self,
        shop: str,
        order_id: str,
        amount_cents: int,
        reason: str,
        key: str | None = None,
    ) -> None:
        """Book a refund and tell the customer."""
        order = await self._shop.order(shop, order_id)
        customer = await self._shop.customer(shop, order["customer_id"])
        await self._shop.refund(shop, order_id, amount_cents, reason, key)
        text = f"We have refunded {amount_cents / 100:.2f} for order {order_id}."
        await self._mail.send(shop, customer["email"], "Your refund", text)

    async def write(self, shop: str, to: str, subject: str, text: str) -> None:
        """Send a mail in the name of the shop."""
        await self._mail.send(shop, to, subject, text)
