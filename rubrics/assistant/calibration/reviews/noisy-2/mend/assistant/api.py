"""HTTP endpoints.

The edge authenticates; the X-headers that it sets can be trusted.
"""

from __future__ import annotations

from typing import Annotated

import httpx
from fastapi import FastAPI, Header, Response

from assistant.clients import HelpClient, MailClient, ShopClient
from assistant.desk import HANDBOOK, Desk
from assistant.model import ModelClient
from assistant.schemas import Answer, Ask, DeskRefund
from assistant.service import Assistant, Visitor
from assistant.settings import Settings
from assistant.tools import Tools

ShopHeader = Annotated[str, Header(alias="X-Shop")]
CustomerHeader = Annotated[str, Header(alias="X-Customer")]


def build_app(settings: Settings, http: httpx.AsyncClient | None = None) -> FastAPI:
    """Wire the service; HTTP replaces the outgoing client in tests."""
    http = http or httpx.AsyncClient(timeout=10)
    shops = ShopClient(http, settings.shop_url, settings.service_token)
    desk = Desk(shops, MailClient(http, settings.mail_url))
    assistant = Assistant(
        HelpClient(http, settings.help_url),
        shops,
        ModelClient(http, settings),
        Tools(desk, shops),
    )
    app = FastAPI(title="Support")

    @app.post("/v1/messages")
    async def messages(ask: Ask, shop: ShopHeader, customer: CustomerHeader) -> Answer:
        return await assistant.answer(ask, Visitor(shop, customer))

    @app.post("/v1/desk/refunds", status_code=204)
    async def desk_refund(refund: DeskRefund, shop: ShopHeader) -> Response:
        await desk.refund(shop, refund.order_id, refund.amount_cents, refund.reason)
        return Response(status_code=204)

    @app.get("/v1/desk/handbook")
    async def handbook() -> dict[str, str]:
        return {"text": HANDBOOK}

    return app
