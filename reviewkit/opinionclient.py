"""Asks an OpenAI-compatible endpoint: few at a time, in bounded time, and no failure is more than one pair's."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from reviewkit.errors import UsageError
from reviewkit.frozen import canonical
from reviewkit.opinion import Opinion
from reviewkit.opinionprompt import SCHEMA, AnswerError, Question, parse

KEY_VARIABLE: Final = "REVIEWKIT_OPINION_KEY"
"""The endpoint's key: sent in a header, written nowhere."""
ANSWER_BYTES: Final = 200_000
_PATH: Final = "/chat/completions"
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504, 529))
_ALL_REFUSED: Final = frozenset((401, 402, 403, 404, 405))
"""Statuses with which the endpoint would refuse any question."""
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True)
class Endpoint:
    """Where and what is asked."""

    url: str
    """Of the completions."""
    model: str

    @classmethod
    def of(cls, url: str, model: str) -> Endpoint:
        """
        Check what a user named.

        Args:
            url: Base such as `https://api.example.org/v1`, or the address of the completions itself.
            model: As the endpoint names it.

        Raises:
            UsageError: If one is missing, the address is none, carries a password or a query, or is plain http to another
                machine.
        """
        if not url or not model.strip():
            raise UsageError("A second opinion needs an endpoint and a model.", "Name both --second-opinion and --second-opinion-model.")
        if len(model) > 200 or not model.isprintable():
            raise UsageError("--second-opinion-model: is no name of a model.", "Name it as the endpoint does.")
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname or "", parts.port
            httpx.URL(url)
        except (ValueError, httpx.InvalidURL):
            host, parts = "", urlsplit("")
        if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
            raise UsageError("--second-opinion: is no address.", "Name one such as https://api.example.org/v1")
        if parts.username is not None or parts.query or parts.fragment:
            fact = "--second-opinion: the address holds a password or a query, which would be kept in files."
            raise UsageError(fact, f"Put the key into {KEY_VARIABLE}.")
        if parts.scheme == "http" and host not in _LOOPBACK:
            fact = f"--second-opinion: {host} would get remarks and key unencrypted."
            raise UsageError(fact, "Use https, or a tunnel to this machine.")
        base = url.rstrip("/")
        return cls(base if base.endswith(_PATH) else base + _PATH, model.strip())

    @property
    def host(self) -> str:
        """Host and port, for card and report."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Limits:
    """How long and how much is asked for one submission."""

    at_once: int = 2
    tries: int = 3
    seconds: float = 30.0
    """For one try."""
    budget: float = 150.0
    """Seconds for all questions."""
    pairs: int = 60
    pause: float = 0.5
    """First pause between tries, in seconds; it doubles."""
    longest_pause: float = 20.0
    failures: int = 3
    """Questions in a row without any answer after which nothing more is asked."""


def key_from_environment() -> str:
    """The key, empty where none is set.

    Raises:
        UsageError: If it cannot stand in a header.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(f"{KEY_VARIABLE} holds characters that no key has.", "Set it to the endpoint's key alone.")
    return key


async def ask_all(
    endpoint: Endpoint,
    questions: Sequence[Question],
    key: str,
    limits: Limits = Limits(),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[Opinion]:
    """
    Ask every question; what fails is an opinion that says so.

    Args:
        endpoint: Where.
        questions: Those beyond `limits.pairs` are not asked.
        key: Sent as bearer token; empty sends none.
        limits: Time, tries and number.
        sleep: Waits between tries.

    Returns:
        An opinion per question, in their order.
    """
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    done: dict[int, Opinion] = {}
    async with httpx.AsyncClient(headers=headers, timeout=limits.seconds, follow_redirects=False) as http:
        asking = _Asking(http, endpoint, limits, sleep, asyncio.Semaphore(limits.at_once))

        async def one(at: int, question: Question) -> None:
            done[at] = await asking.ask(question)

        try:
            async with asyncio.timeout(limits.budget), asyncio.TaskGroup() as group:
                for at, question in enumerate(questions[: limits.pairs]):
                    group.create_task(one(at, question))
        except TimeoutError:
            pass
    return [
        done.get(at) or failed(endpoint, question, "time_over" if at < limits.pairs else "over_limit")
        for at, question in enumerate(questions)
    ]


def failed(endpoint: Endpoint, question: Question, failure: str) -> Opinion:
    """An opinion that is none."""
    sha256 = question.sha256(endpoint.url, endpoint.model)
    return Opinion(finding=question.finding, defect=question.defect, says=None, failure=failure, question=sha256)


class _FailureError(Exception):
    """A try that brought no usable answer."""

    def __init__(self, code: str, *, passing: bool = False, pause: float = 0.0) -> None:
        super().__init__(code)
        self.code, self.passing, self.pause = code, passing, pause


@dataclass
class _Asking:
    """One round of questions to one endpoint."""

    http: httpx.AsyncClient
    endpoint: Endpoint
    limits: Limits
    sleep: Callable[[float], Awaitable[None]]
    free: asyncio.Semaphore
    in_a_row: int = 0
    stopped: bool = False
    plain: bool = False
    """The endpoint knows none of the optional fields of a request."""

    async def ask(self, question: Question) -> Opinion:
        async with self.free:
            if self.stopped:
                return failed(self.endpoint, question, "stopped")
            try:
                body = await self._body(question)
                self.in_a_row = 0
                answer = parse(body, question)
            except _FailureError as failure:
                return failed(self.endpoint, question, failure.code)
            except AnswerError as error:
                return failed(self.endpoint, question, str(error))
        return Opinion(
            finding=question.finding, defect=question.defect, says=answer.says, quote=answer.quote, why=answer.why,
            question=question.sha256(self.endpoint.url, self.endpoint.model), date=datetime.now(UTC).date().isoformat(),
        )  # fmt: skip

    async def _body(self, question: Question) -> bytes:
        """The answer's bytes after as many tries as are allowed."""
        pause = self.limits.pause
        for attempt in range(1, self.limits.tries + 1):
            try:
                return await self._try(question)
            except _FailureError as failure:
                if not failure.passing or attempt == self.limits.tries:
                    self._count(failure)
                    raise
                wait = max(failure.pause, random.uniform(pause / 2, pause))
            await self.sleep(min(wait, self.limits.longest_pause))
            pause *= 2
        raise AssertionError("at least one try is made")

    def _count(self, failure: _FailureError) -> None:
        """Nothing more is asked once it is clear that nothing will come."""
        self.in_a_row += failure.passing
        self.stopped |= failure.code == "refused_all" or self.in_a_row >= self.limits.failures
        failure.code = "refused" if failure.code == "refused_all" else failure.code

    async def _try(self, question: Question) -> bytes:
        """One request; a second one without optional fields where the endpoint does not know them."""
        status, pause, body = await self._post(question)
        if status in (400, 422) and not self.plain:
            self.plain = True
            status, pause, body = await self._post(question)
        if status in _PASSING:
            raise _FailureError("busy" if status in (429, 503, 529) else "server_error", passing=True, pause=pause)
        if status != 200:
            raise _FailureError("refused_all" if status in _ALL_REFUSED else "refused")
        return body

    async def _post(self, question: Question) -> tuple[int, float, bytes]:
        request: dict[str, object] = {"model": self.endpoint.model, "messages": question.messages()}
        if not self.plain:
            form = {"type": "json_schema", "json_schema": {"name": "opinion", "strict": True, "schema": SCHEMA}}
            request |= {"temperature": 0, "max_tokens": 400, "response_format": form}
        body = b""
        try:  # the time holds for the whole answer: a server that sends a byte a second is slow, too
            async with asyncio.timeout(self.limits.seconds):
                async with self.http.stream("POST", self.endpoint.url, content=canonical(request).encode("utf-8", "replace")) as answer:
                    if answer.headers.get("content-encoding", "identity") != "identity":
                        raise _FailureError("garbage")
                    async for part in answer.aiter_raw():
                        body += part
                        if len(body) > ANSWER_BYTES:
                            raise _FailureError("too_long")
        except (TimeoutError, httpx.TimeoutException):
            raise _FailureError("timeout", passing=True) from None
        except httpx.HTTPError:
            raise _FailureError("unreachable", passing=True) from None
        return answer.status_code, _retry_after(answer), body


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0.0
