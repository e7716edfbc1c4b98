"""The outermost layer of the service: what holds for every request, whatever the route.

Refuses by headers before a byte of the body is read, sets the headers of every answer, puts a deadline on clients that
take their answer slowly, turns whatever goes wrong into one JSON sentence, and logs one event without tokens.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from reviewkit import log
from reviewkit.errors import IntakeError
from reviewkit.intake.limits import SEND_SECONDS, Refusal, check_headers
from reviewkit.intake.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
FAILED: Final = Refusal(500, "failed", "The intake could not do this. Nothing was accepted. Please retry.")


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: What is guarded.
        metrics: Counts every answer.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard one request; lifespan messages pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.monotonic()
        refusal = check_headers(scope["method"], scope["path"], scope["headers"])
        try:
            if refusal is not None:
                await answer.refuse(refusal)
            else:
                await self.app(scope, receive, answer.send)
        except _SlowClientError:
            answer.status = 408
        except IntakeError as error:
            await answer.refuse(refusal_of(error))
        except Exception as error:
            # The text of an unforeseen error may hold what was sent, so only its kind is logged.
            log.get().error(log.REQUEST_FAILED, route=_route(scope), error=type(error).__name__, at=_place(error))
            await answer.refuse(FAILED)
        seconds, route = time.monotonic() - started, _route(scope)
        self.metrics.requests.labels(route, str(answer.status)).inc()
        if not answer.is_stream:
            self.metrics.seconds.labels(route).observe(seconds)
        level = log.get().warning if answer.status >= 500 else log.get().info
        level(
            log.REQUEST_ANSWERED, method=scope["method"][:10], route=route, status=answer.status,
            elapsed_ms=round(1000 * seconds, 1),
        )  # fmt: skip


class _SlowClientError(Exception):
    """A client that does not take its answer."""


class _Answer:
    """The answer to one request, with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.is_stream = False

    async def send(self, message: Message) -> None:
        """Pass a message on, within the deadline."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in dict(SAFE)]
            self.is_stream = any(value.startswith(b"text/event-stream") for _name, value in own)
            message = {**message, "headers": [*own, *SAFE]}
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise _SlowClientError from None

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with one sentence, unless an answer has begun."""
        if self.status:
            return
        body = refusal_body(refusal)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += extra_headers(refusal)
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def refusal_of(error: IntakeError) -> Refusal:
    """An error as an answer."""
    return Refusal(error.status or 503, error.reason, str(error))


def refusal_body(refusal: Refusal) -> bytes:
    """JSON of a refusal: a code for programs, a sentence for people."""
    return json.dumps({"reason": refusal.reason, "message": refusal.message}).encode()


def extra_headers(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Headers that a status code calls for."""
    if refusal.status == 401:
        return [(b"www-authenticate", b"Bearer")]
    if refusal.status in (429, 503, 507):
        return [(b"retry-after", b"5")]
    return [(b"connection", b"close")] if refusal.status in (408, 411, 413) else []


def _route(scope: Scope) -> str:
    """Template of the route that answered; never the path as sent."""
    return getattr(scope.get("route"), "path", "none")


def _place(error: BaseException) -> str:
    """Module and line where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace else ""
