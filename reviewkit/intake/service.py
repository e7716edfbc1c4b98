"""What the routes of one running intake share: storage, keys, clocks, limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect, Request

from reviewkit.errors import IntakeError
from reviewkit.intake.access import Verified, bearer_text, is_hiring
from reviewkit.intake.checking import check_in_process, check_notebook
from reviewkit.intake.database import told_apart
from reviewkit.intake.limits import (
    ARRIVING_MAX,
    ASIDE_BYTES,
    BODY_SECONDS,
    FAILURE_BURST,
    FAILURE_PER_SECOND,
    FAILURE_WAIT_SECONDS,
    FAILURE_WAITING_MAX,
    LARGE,
    LARGE_BUDGET,
    LAST_BYTES_SECONDS,
    RATE_BURST,
    RATE_PER_SECOND,
    SMALL_BUDGET,
    SPOOL_BYTES,
    Buckets,
    Budget,
    BudgetError,
    Shares,
)
from reviewkit.intake.metrics import Metrics
from reviewkit.intake.rows import Bearer
from reviewkit.intake.storage import Storage
from reviewkit.invite import Invite

REFRESH_SECONDS: Final = 10.0
"""How late a change that another process made to an invite is noticed."""
SMALL_WORK: Final = 400_000
"""Bytes below which a body is read faster here than in another thread."""
T = TypeVar("T")


async def aside(work: Callable[[bytes], T], body: bytes) -> T:
    """Run work on a body; on a large one in another thread, so that others are served meanwhile."""
    return work(body) if len(body) < SMALL_WORK else await asyncio.to_thread(work, body)


@dataclass(frozen=True)
class Body:
    """A whole body, and the file that it waited in."""

    data: bytes
    file: SpooledTemporaryFile[bytes]


@dataclass
class Service:
    """One running intake."""

    storage: Storage
    verified: Verified
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    body_seconds: float = BODY_SECONDS
    failure_seconds: float = FAILURE_WAIT_SECONDS
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service stops; streams end then."""
    streams_n: int = 0
    large: Budget = field(default_factory=lambda: Budget(LARGE_BUDGET))
    arriving: Shares = field(default_factory=lambda: Shares(ARRIVING_MAX))
    small: Budget = field(default_factory=lambda: Budget(SMALL_BUDGET))
    rates: Buckets = field(default_factory=lambda: Buckets(RATE_BURST, RATE_PER_SECOND))
    failures: Buckets = field(default_factory=lambda: Buckets(FAILURE_BURST, FAILURE_PER_SECOND))
    held_n: int = 0
    """Answers to guessed tokens that wait."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _deadlines: set[asyncio.Timeout] = field(default_factory=set)

    def close(self) -> None:
        """Begin to stop: streams end, and bodies that are still arriving get little more time."""
        self.closing.set()
        until = asyncio.get_running_loop().time() + LAST_BYTES_SECONDS
        for deadline in self._deadlines:
            if (deadline.when() or 0) > until:
                deadline.reschedule(until)

    @property
    def arriving_n(self) -> int:
        """Bodies that are arriving."""
        return len(self._deadlines)

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
            found = self.verified.get(token, self.storage, self.clock())
        except IntakeError as error:
            host = request.client.host if request.client else ""
            # Only what is refused anyway is counted, so that a flood from one address locks out nobody behind it.
            if error.status in (401, 403) and self.failures.take(host, time.monotonic()):
                await self._hold()
                raise too_often() from None
            raise
        if self.rates.take(found.invite.id, time.monotonic()):
            raise too_often()
        return found

    async def _hold(self) -> None:
        """Let one who guesses wait, or until the service stops."""
        if self.held_n >= FAILURE_WAITING_MAX:
            return
        self.held_n += 1
        try:
            async with asyncio.timeout(self.failure_seconds):
                await self.closing.wait()
        except TimeoutError:
            pass
        finally:
            self.held_n -= 1

    @asynccontextmanager
    async def body(self, request: Request, owner: str) -> AsyncIterator[Body]:
        """The whole body of a request, within its deadline; it counts as in memory while the block runs.

        Raises:
            IntakeError: 408, 429, 507.
        """
        size = int(request.headers["content-length"])
        try:
            with self.arriving.hold(size, owner), self._spool() as file:
                await self._receive(request, file)
                async with (self.large if size > LARGE else self.small).hold(size):
                    self.metrics.in_memory.inc(size)
                    try:
                        file.seek(0)
                        yield Body(file.read(), file)
                    finally:
                        self.metrics.in_memory.dec(size)
        except BudgetError:
            fact = "The intake has too much to read at once"
            raise IntakeError("busy", fact, "Nothing was accepted. Please retry.", 429) from None

    def _spool(self) -> SpooledTemporaryFile[bytes]:
        folder = str(self.storage.database.file.parent) if self.storage.database.file else None
        return SpooledTemporaryFile(max_size=SPOOL_BYTES, dir=folder)

    async def _receive(self, request: Request, file: SpooledTemporaryFile[bytes]) -> None:
        try:
            async with asyncio.timeout(LAST_BYTES_SECONDS if self.closing.is_set() else self.body_seconds) as deadline:
                self._deadlines.add(deadline)
                try:
                    async for chunk in request.stream():
                        file.write(chunk)
                finally:
                    self._deadlines.discard(deadline)
        except (TimeoutError, ClientDisconnect):
            fact = "The body did not arrive in time"
            raise IntakeError("too_slow", fact, "Nothing was accepted. Please retry.", 408) from None
        except OSError as error:
            raise told_apart(error) from error

    async def check_notebook(self, body: Body, invite: Invite) -> None:
        """Refuse what no scorer could read; large ones one at a time, because they take much memory.

        Raises:
            IntakeError: 422; 503 when it took too long.
        """
        if len(body.data) < LARGE:
            await aside(lambda data: check_notebook(data, invite), body.data)
            return
        async with self._reading:
            if len(body.data) < ASIDE_BYTES:
                await aside(lambda data: check_notebook(data, invite), body.data)
            else:
                await check_in_process(body.file, invite)


def too_often() -> IntakeError:
    """The answer to too many requests."""
    return IntakeError("too_often", "These are too many requests at once", "Wait a moment, then retry.", 429)
