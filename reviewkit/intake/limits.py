"""Limits of the intake, and the pure parts that apply them: header rules, rate buckets, a budget of bytes."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

SUBMISSION_MAX: Final = 25_000_000
"""Bytes of a completed notebook."""
EVENTS_BODY_MAX: Final = 5_000_000
"""Bytes of one batch of events."""
SMALL_BODY_MAX: Final = 10_000
"""Bytes of any other body."""
BATCH_MAX: Final = 500
"""Events of one batch."""
RECORD_EVENTS_MAX: Final = 50_000
INVITE_BYTES_MAX: Final = 300_000_000
"""What one invite may store in all."""
RECORDS_MAX: Final = 50
"""Records of one invite."""

HEADER_SECONDS: Final = 10.0
"""From connecting, or the answer before, to the end of a request's headers."""
BODY_SECONDS: Final = 15.0
SEND_SECONDS: Final = 20.0
"""For a client to take one piece of an answer."""
STOP_SECONDS: Final = 7
"""For requests in flight when the service is told to stop."""
LAST_BYTES_SECONDS: Final = 2.0
"""For bodies that are still arriving then; the rest of the time is for storing them."""
CONNECTIONS_MAX: Final = 400
HEADER_BYTES_MAX: Final = 16_384
SPOOL_BYTES: Final = 32_768
"""Of a body that is still arriving, in memory; the rest waits in a file, so that slow bodies hold nothing up."""
ARRIVING_MAX: Final = 60_000_000
"""Bytes of bodies of one invite that may be arriving at once."""
LARGE: Final = 1_000_000
"""Bytes from which a body takes the budget of large ones, so that those never hold up events."""
LARGE_BUDGET: Final = 30_000_000
SMALL_BUDGET: Final = 30_000_000
ASIDE_BYTES: Final = 5_000_000
"""Bytes from which a notebook is read in a process of its own: its memory, and its time, are not the service's."""
WAIT_SECONDS: Final = 10.0
"""For a place in the budget; then 503."""
STREAMS_MAX: Final = 20

RATE_BURST: Final = 150
RATE_PER_SECOND: Final = 15.0
"""Requests of one invite."""
FAILURE_BURST: Final = 60
FAILURE_PER_SECOND: Final = 2.0
"""Refused tokens of one address, after which they are not even explained; valid tokens are never held up by it."""
FAILURE_WAIT_SECONDS: Final = 1.0
"""How long such an answer waits, so that whoever guesses as fast as they can takes no processor time from others."""
FAILURE_WAITING_MAX: Final = 500
"""Answers that wait at once; further ones come at once, so that waiting holds no memory."""
BUCKETS_MAX: Final = 10_000

_DIGITS: Final = re.compile(rb"[0-9]{1,12}")
_JSON: Final = re.compile(rb"application/json(\s*;\s*charset=\"?utf-8\"?)?\s*", re.IGNORECASE)

Headers = Sequence[tuple[bytes, bytes]]


class Refusal(NamedTuple):
    """Why a request is refused before its body is read."""

    status: int
    reason: str
    message: str


def body_limit(path: str) -> int:
    """Bytes that a body posted to a path may have."""
    if path == "/v1/submissions":
        return SUBMISSION_MAX
    return EVENTS_BODY_MAX if path.endswith("/events") else SMALL_BODY_MAX


def check_headers(method: str, path: str, headers: Headers) -> Refusal | None:
    """What is wrong with the headers of a request, if anything; pure.

    Args:
        method: In capitals.
        path: Without query.
        headers: Names in lower case, as ASGI has them.
    """
    if _all(headers, b"transfer-encoding"):
        return Refusal(411, "length_required", "Send the body with a Content-Length, not in chunks.")
    lengths = _all(headers, b"content-length")
    if len(lengths) > 1 or (lengths and not _DIGITS.fullmatch(lengths[0])):
        return Refusal(411, "length_required", "Send exactly one Content-Length, a number.")
    length = int(lengths[0]) if lengths else 0
    if method != "POST":
        return Refusal(413, "too_large", "This address takes no body.") if length else None
    if not lengths:
        return Refusal(411, "length_required", "Send the body with a Content-Length.")
    limit = body_limit(path)
    if length > limit:
        return Refusal(
            413, "too_large", f"This is larger than the {limit:,} bytes that are taken here. Send less at once."
        )
    if any(value.lower() != b"identity" for value in _all(headers, b"content-encoding")):
        return Refusal(415, "wrong_type", "Send the body uncompressed.")
    types = _all(headers, b"content-type")
    if len(types) != 1 or not _JSON.fullmatch(types[0]):
        return Refusal(415, "wrong_type", "Send the body as application/json.")
    return None


def _all(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


class Buckets:
    """Token buckets by key; the least recently used are forgotten.

    Args:
        burst: Requests at once.
        per_second: Requests in the long run.
    """

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst, self._rate = burst, per_second
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """Take one request; seconds to wait when there is none left, 0 when it may go on."""
        level, at = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        wait = 0.0 if level >= 1 else (1 - level) / self._rate
        self._levels[key] = (level - 1 if level >= 1 else level, now)
        self._levels.move_to_end(key)
        if len(self._levels) > BUCKETS_MAX:
            self._levels.popitem(last=False)
        return wait


class BudgetError(Exception):
    """No place in time."""


@dataclass
class Budget:
    """Bytes that may be in memory at once; who finds none left waits, first come first served."""

    size: int
    used: int = 0

    def __post_init__(self) -> None:
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def hold(self, bytes_n: int) -> AsyncIterator[None]:
        """Hold a share as long as the block runs.

        Raises:
            BudgetError: After `WAIT_SECONDS` without one.
        """
        share = min(bytes_n, self.size)
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._turn:
                while self.used + share > self.size:
                    self._freed.clear()
                    await self._freed.wait()
                self.used += share
        except TimeoutError:
            raise BudgetError from None
        try:
            yield
        finally:
            self.used -= share
            self._freed.set()


class Shares:
    """Bytes that each owner has under way.

    Args:
        size: Of one owner; a single larger piece still passes alone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken: dict[str, int] = {}

    @contextmanager
    def hold(self, bytes_n: int, owner: str) -> Iterator[None]:
        """Count as under way while the block runs.

        Raises:
            BudgetError: If the owner has too much under way.
        """
        taken = self._taken.get(owner, 0)
        if taken and taken + bytes_n > self._size:
            raise BudgetError
        self._taken[owner] = taken + bytes_n
        try:
            yield
        finally:
            self._taken[owner] -= bytes_n
            if not self._taken[owner]:
                del self._taken[owner]
