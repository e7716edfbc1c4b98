"""Gives each request an id that its log lines carry."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class RequestId:
    """ASGI middleware that binds a request id."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind the id, then pass the request on."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=uuid4().hex)
        await self._app(scope, receive, send)
