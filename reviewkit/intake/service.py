"""What the routes of one running intake share: storage, keys, clocks, limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from reviewkit.errors import IntakeError, SubmissionError
from reviewkit.intake.access import bearer_text, invited, is_hiring
from reviewkit.intake.limits import (
    BODY_SECONDS,
    FAILURE_BURST,
    FAILURE_PER_SECOND,
    LARGE,
    LARGE_BUDGET,
    LAST_BYTES_SECONDS,
    RATE_BURST,
    RATE_PER_SECOND,
    SMALL_BUDGET,
    Buckets,
    Budget,
    BudgetError,
)
from reviewkit.intake.metrics import Metrics
from reviewkit.intake.rows import Bearer
from reviewkit.intake.storage import Storage
from reviewkit.invite import Invite
from reviewkit.submission import parse_submission

REFRESH_SECONDS = 10.0
"""How late a change that another process made to an invite is noticed."""


@dataclass
class Service:
    """One running intake."""

    storage: Storage
    keys: Mapping[str, bytes]
    """Public keys of invites by id."""
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    body_seconds: float = BODY_SECONDS
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service stops; streams end then."""
    streams_n: int = 0
    large: Budget = field(default_factory=lambda: Budget(LARGE_BUDGET))
    small: Budget = field(default_factory=lambda: Budget(SMALL_BUDGET))
    rates: Buckets = field(default_factory=lambda: Buckets(RATE_BURST, RATE_PER_SECOND))
    failures: Buckets = field(default_factory=lambda: Buckets(FAILURE_BURST, FAILURE_PER_SECOND))
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _arriving: set[asyncio.Timeout] = field(default_factory=set)

    def close(self) -> None:
        """Begin to stop: streams end, and bodies that are still arriving get little more time."""
        self.closing.set()
        until = asyncio.get_running_loop().time() + LAST_BYTES_SECONDS
        for deadline in self._arriving:
            if (deadline.when() or 0) > until:
                deadline.reschedule(until)

    async def candidate(self, request: Request) -> Bearer:
        """The invite that a request shows.

        Raises:
            IntakeError: 401, 403 or 429.
        """
        who = await self.asker(request)
        if who is None:
            raise IntakeError("forbidden", "This address is for candidates", "Use an invite, not a hiring token.", 403)
        return who

    async def hiring(self, request: Request) -> None:
        """Let only the hiring side pass.

        Raises:
            IntakeError: 401, 403 or 429.
        """
        if await self.asker(request) is not None:
            raise IntakeError("forbidden", "This address is for the hiring side", "Use a hiring token.", 403)

    async def asker(self, request: Request) -> Bearer | None:
        """Who asks: an invite, or None for the hiring side.

        Raises:
            IntakeError: 401, 403 or 429.
        """
        try:
            token = bearer_text(request.scope["headers"])
            if await is_hiring(token, self.storage):
                return None
            found = invited(token, self.keys, self.storage, self.clock())
        except IntakeError as error:
            host = request.client.host if request.client else ""
            # Only what is refused anyway is counted, so that a flood from one address locks out nobody behind it.
            if error.status in (401, 403) and self.failures.take(host, time.monotonic()):
                raise too_often() from None
            raise
        if self.rates.take(found.invite.id, time.monotonic()):
            raise too_often()
        return found

    @asynccontextmanager
    async def body(self, request: Request, owner: str) -> AsyncIterator[bytes]:
        """The whole body of a request, within its deadline; it counts as in memory while the block runs.

        Raises:
            IntakeError: 408, 429.
        """
        size = int(request.headers["content-length"])
        budget = self.large if size > LARGE else self.small
        try:
            async with budget.hold(size, owner):
                self.metrics.in_flight.inc(size)
                try:
                    yield await self._read(request)
                finally:
                    self.metrics.in_flight.dec(size)
        except BudgetError:
            fact = "The intake has too much to read at once"
            raise IntakeError("busy", fact, "Nothing was accepted. Please retry.", 429) from None

    async def _read(self, request: Request) -> bytes:
        chunks = []
        try:
            async with asyncio.timeout(LAST_BYTES_SECONDS if self.closing.is_set() else self.body_seconds) as deadline:
                self._arriving.add(deadline)
                try:
                    async for chunk in request.stream():
                        chunks.append(chunk)  # noqa: PERF401 - what came before a time-out is dropped with the list
                finally:
                    self._arriving.discard(deadline)
        except (TimeoutError, ClientDisconnect):
            fact = "The body did not arrive in time"
            raise IntakeError("too_slow", fact, "Nothing was accepted. Please retry.", 408) from None
        return b"".join(chunks)

    async def check_notebook(self, body: bytes, invite: Invite) -> None:
        """Refuse what no scorer could read; one at a time, because a large file takes much memory.

        Raises:
            IntakeError: 422.
        """
        async with self._reading:
            await asyncio.to_thread(check_notebook, body, invite)


def check_notebook(body: bytes, invite: Invite) -> None:
    """Refuse a body that is no completed workbook of this invite; pure. The invite decides, never the body.

    Raises:
        IntakeError: 422 `unreadable` or `other_invite`.
    """
    try:
        submission = parse_submission(body, Path("submission.ipynb"))
    except SubmissionError as error:
        step = "Nothing was accepted. Save the workbook and hand it in again."
        raise IntakeError("unreadable", f"This is no completed workbook: {error.fact}", step, 422) from None
    if submission.slug != invite.slug or submission.candidate not in ("", invite.candidate):
        fact = "This workbook belongs to another invite"
        raise IntakeError("other_invite", fact, "Hand in the one that was opened with this invite.", 422)


def too_often() -> IntakeError:
    """The answer to too many requests."""
    return IntakeError("too_often", "These are too many requests at once", "Wait a moment, then retry.", 429)
