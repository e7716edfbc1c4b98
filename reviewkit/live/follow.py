"""The intake's event stream, followed for as long as somebody looks: reconnects by itself and goes on where it stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

import httpx

from reviewkit.errors import IntakeError
from reviewkit.live.session import Message

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
SILENCE: Final = 40.0
"""Seconds without a sign of life after which a connection counts as lost; the intake gives one every 15."""
_FINAL: Final = frozenset((401, 403, 404))


class Connected:
    """The stream is open."""


class Lost:
    """The stream ended, and will be opened again after a pause."""

    def __init__(self, why: str) -> None:
        self.why = why


class StreamReader:
    """Puts lines of `text/event-stream` together (HTML standard, section 9.2, as far as the intake uses it)."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def line(self, line: str) -> Message | None:
        """Take one line; the message that it ends, if any."""
        if line:
            name, _, value = line.partition(":")
            if name:  # a line that begins with a colon is a sign of life
                self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        try:
            facts = json.loads(fields.get("data", ""))
        except ValueError:
            return None
        if not isinstance(facts, dict) or "id" not in fields:
            return None
        return Message(fields["id"], fields.get("event", ""), facts)


async def follow(
    address: str,
    token: str,
    invite: str,
    after: str = "",
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Message | Connected | Lost]:
    """Everything that was, and will be, received with one invite.

    Args:
        address: Of the intake.
        token: Of the hiring side; sent in the header only.
        invite: Id.
        after: Id of the last message known; empty for all.
        transport: Replaces the network in tests.
        sleep: Waits between tries.

    Raises:
        IntakeError: If the intake refuses for good: the token is wrong or withdrawn, or this is no intake.
    """
    pause = FIRST_PAUSE
    timeout = httpx.Timeout(20.0, connect=10.0, read=SILENCE)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(headers=headers, timeout=timeout, transport=transport) as client:
        while True:
            try:
                async with client.stream("GET", _url(address, invite), headers=_from(after)) as answer:
                    _check(answer)
                    yield Connected()
                    reader = StreamReader()
                    async for line in answer.aiter_lines():
                        message = reader.line(line)
                        if message is not None:
                            after, pause = message.id, FIRST_PAUSE
                            yield message
                yield Lost("The intake ended the stream")
            except (httpx.HTTPError, httpx.StreamError) as error:
                yield Lost(f"No connection to the intake ({type(error).__name__})")
            except _PassingError as error:
                yield Lost(str(error))
            await sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)


class _PassingError(Exception):
    """An answer that may be another one next time."""


def _url(address: str, invite: str) -> str:
    return f"{address.rstrip('/')}/v1/stream?invite={quote(invite, safe='')}"


def _from(after: str) -> dict[str, str]:
    return {"Last-Event-ID": after} if after else {}


def _check(answer: Any) -> None:
    if answer.status_code in _FINAL:
        raise IntakeError(
            "refused", f"The intake refuses the stream ({answer.status_code})",
            "Check its address and the token in REVIEWKIT_INTAKE_TOKEN.", answer.status_code,
        )  # fmt: skip
    if answer.status_code != 200:
        raise _PassingError(f"The intake answers {answer.status_code}")
