"""Driver of the trace exercise: every layer is wrapped, and the wrappers report what passes through them."""

from __future__ import annotations

import contextvars
import functools
import inspect
import json
import sys
import types
from collections.abc import Callable
from typing import Any

import httpx
from assistant import prompt
from assistant.api import build_app
from assistant.clients import HelpClient, MailClient, ShopClient
from assistant.desk import Desk
from assistant.model import ModelClient
from assistant.service import Assistant
from assistant.settings import Settings
from assistant.tools import Tools

VALUES = {
    "help_url": "https://help.test",
    "shop_url": "https://shop.test",
    "mail_url": "https://mail.test",
    "service_token": "st-5f1c",
    "model_url": "https://model.test",
    "model_key": "mk-90ab",
}
METHODS: tuple[tuple[type, str, str], ...] = (
    (Assistant, "answer", "service"),
    (ShopClient, "customer", "records"),
    (HelpClient, "search", "articles"),
    (ModelClient, "complete", "model"),
    (Tools, "run", "tools"),
    (Desk, "refund", "desk"),
    (ShopClient, "refund", "booking"),
    (MailClient, "send", "relay"),
    (Desk, "write", "letter"),
)
PATHS = {"/v1/messages": "endpoint", "/v1/desk/handbook": "handbook"}
inside: contextvars.ContextVar[str] = contextvars.ContextVar("inside", default="")


def _wrap(env: Any, layer: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Report entry, exceptions that leave, and the text that comes out."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            token = inside.set(layer)
            env.emit("enter", {"layer": layer})
            try:
                result = await function(*args, **kwargs)
            except Exception as error:
                env.emit("raised", {"layer": layer, "error": type(error).__name__})
                raise
            finally:
                inside.reset(token)
            env.emit("returned", {"layer": layer, "text": repr(result)})
            return result

        return wrapped

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        env.emit("enter", {"layer": layer})
        result = function(*args, **kwargs)
        env.emit("returned", {"layer": layer, "text": repr(result)})
        return result

    return plain


def _watch_json(env: Any) -> None:
    """Report in which layer text becomes a value.

    Only the names inside the package are replaced: the world outside reads JSON too.
    """

    def watched(text: Any, *args: Any, **kwargs: Any) -> Any:
        value = json.loads(text, *args, **kwargs)
        if isinstance(value, dict) and "reply" in value:
            env.emit("parsed", {"layer": inside.get()})
        return value

    seen_as = types.SimpleNamespace(**{**vars(json), "loads": watched})
    for name, module in list(sys.modules.items()):
        if name.startswith("assistant.") and getattr(module, "json", None) is json:
            module.json = seen_as  # type: ignore[attr-defined]


def _watch_http(env: Any, client: httpx.AsyncClient) -> None:
    """Report in which layer each request is sent."""

    async def sent(request: httpx.Request) -> None:
        env.emit("sent", {"layer": inside.get(), "path": request.url.path})

    client.event_hooks["request"].append(sent)


async def setup(env: Any) -> None:
    """Wrap the layers, then build the service; the wrapped modules are dropped with the job."""
    for owner, name, layer in METHODS:
        setattr(owner, name, _wrap(env, layer, getattr(owner, name)))
    prompt.build = _wrap(env, "prompt", prompt.build)
    _watch_json(env)
    client = httpx.AsyncClient(timeout=10)
    _watch_http(env, client)
    env.state["app"] = build_app(Settings.from_mapping(VALUES), client)


async def ask(env: Any, message: str) -> dict[str, Any]:
    """Send one message through the endpoint."""
    app = env.state["app"]

    async def entered(scope: Any, receive: Any, send: Any) -> None:
        layer = PATHS.get(scope.get("path", ""), "")
        token = inside.set(layer)
        env.emit("enter", {"layer": layer})
        try:
            await app(scope, receive, send)
        finally:
            inside.reset(token)

    transport = httpx.ASGITransport(app=entered, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        reply = await http.post(
            "/v1/messages",
            headers={"X-Shop": "birch", "X-Customer": "c-1"},
            json={"message_id": "m-1", "message": message},
        )
    return {"status": reply.status_code}
