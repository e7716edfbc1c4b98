"""Routes httpx's transports, sync and async, through the channel while a job is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reviewkit.guest.channel import Channel


def install(channel: Channel) -> Callable[[], None]:
    """Redirect every httpx transport of this process to `channel`; returns the undo."""
    try:
        import httpx
    except ImportError:
        return lambda: None

    def describe(request: httpx.Request, body: bytes, *, sync: bool) -> dict[str, Any]:
        timeout = request.extensions.get("timeout")
        return {
            "method": request.method,
            "url": str(request.url),
            "headers": {str(k): str(v) for k, v in request.headers.items()},
            "body": bytes(body),
            "timeout": {str(k): v for k, v in timeout.items()} if timeout else None,
            "sync": sync,
        }

    def answer(request: httpx.Request, reply: dict[str, Any]) -> httpx.Response | None:
        """The response, or None for a call that is never answered."""
        outcome = reply["outcome"]
        if outcome == "reply":
            return httpx.Response(reply["status"], headers=reply["headers"], content=reply["body"], request=request)
        if outcome == "refused":
            raise httpx.ConnectError(f"connection to {request.url.host} refused", request=request)
        if outcome == "timeout":
            raise httpx.ReadTimeout(f"no answer from {request.url.host}", request=request)
        return None

    async def handle_async(_self: Any, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        response = answer(request, await channel.request("http", describe(request, body, sync=False)))
        if response is None:
            await asyncio.Event().wait()
            raise AssertionError("an event that nobody sets was set")
        return response

    def handle_sync(_self: Any, request: httpx.Request) -> httpx.Response:
        body = request.read()
        response = answer(request, channel.request_sync("http", describe(request, body, sync=True)))
        if response is None:
            channel.wait_closed()
            raise AssertionError("wait_closed returned")
        return response

    saved = httpx.AsyncHTTPTransport.handle_async_request, httpx.HTTPTransport.handle_request
    httpx.AsyncHTTPTransport.handle_async_request = handle_async  # type: ignore[method-assign, assignment]
    httpx.HTTPTransport.handle_request = handle_sync  # type: ignore[method-assign, assignment]

    def undo() -> None:
        httpx.AsyncHTTPTransport.handle_async_request = saved[0]  # type: ignore[method-assign]
        httpx.HTTPTransport.handle_request = saved[1]  # type: ignore[method-assign]

    return undo
