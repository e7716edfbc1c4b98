"""Client of an intake: for a candidate's server (events, submission) and for the hiring side (lists, files, changes).

Everything it sends may be sent again: events by number and hash, a submission under its key. So every failure that may
pass is retried, with growing pauses, until a time is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from reviewkit.errors import IntakeError
from reviewkit.event import Event, Head, canonical
from reviewkit.intake.limits import BATCH_MAX

HIRING_VARIABLE: Final = "REVIEWKIT_INTAKE_TOKEN"
"""Hiring-side token."""
BATCH_BYTES: Final = 1_000_000
"""Of one batch; a single larger event goes alone."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
PATIENCE: Final = 60.0
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504, 507))
_TIMEOUT: Final = httpx.Timeout(20.0, connect=10.0)
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record is stored at the intake up to its head."""

    head: Head
    receipt: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A submission is stored at the intake."""

    receipt: str
    sha256: str
    received_at: str


def submission_key(body: bytes) -> str:
    """The key under which these bytes are handed in: the same bytes always have the same, so a retry is one."""
    return f"s-{hashlib.sha256(body).hexdigest()[:40]}"


def batches(events: Sequence[Event]) -> list[list[Event]]:
    """Cut events into batches that the intake takes; pure."""
    found: list[list[Event]] = []
    size = 0
    for event in events:
        own = len(event.line())
        if not found or len(found[-1]) >= BATCH_MAX or size + own > BATCH_BYTES:
            found.append([])
            size = 0
        found[-1].append(event)
        size += own
    return found


class IntakeClient:
    """One intake, asked with one token. Use it as an async context manager.

    Args:
        address: Such as `https://intake.example.org`.
        token: An invite, or a hiring-side token; sent in the header only, and shown nowhere.
        patience: Seconds to go on trying one call; 0 tries once.
        transport: Replaces the network in tests.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.address, self._patience, self._sleep = address.rstrip("/"), patience, sleep
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(headers=headers, timeout=_TIMEOUT, transport=transport, follow_redirects=False)
        self._heads: dict[str, Head] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    # --- candidate's side ---------------------------------------------------------------------------------------------

    async def push(self, record: str, events: Sequence[Event]) -> Sent:
        """Send what the intake lacks of a record.

        Args:
            record: Its id.
            events: The whole record so far, or at least all that was not sent yet, in order.

        Raises:
            IntakeError: `unreachable` when the time is over; else what the intake refused with, such as `expired`,
                `revoked` or `conflict`. Nothing is lost: call again with the same events.
        """
        head = self._heads.get(record, Head())
        sent = Sent(head, "")
        waiting = [event for event in events if event.seq > head.seq]
        resent = False
        while waiting:
            batch = batches(waiting)[0]
            try:
                sent = await self._send(record, batch)
            except IntakeError as error:
                if error.reason != "gap" or resent:
                    raise
                resent = True  # the intake was restored from a backup, or another server of this invite went ahead
                head = await self.head(record)
                waiting = [event for event in events if event.seq > head.seq]
                continue
            self._heads[record] = sent.head
            waiting = [event for event in waiting if event.seq > sent.head.seq]
        return sent

    async def _send(self, record: str, batch: Sequence[Event]) -> Sent:
        body = canonical({"events": [event.model_dump(mode="json") for event in batch]})
        facts = (await self._ask("POST", f"/v1/records/{record}/events", body)).json()
        return Sent(Head(facts["count"], facts["head"]), facts["receipt"])

    async def head(self, record: str) -> Head:
        """Where the stored record ends; the empty head when nothing of it is there."""
        try:
            facts = (await self._ask("GET", f"/v1/records/{record}?after={2**53}")).json()
        except IntakeError as error:
            if error.status == 404:
                return Head()
            raise
        return Head(facts["count"], facts["head"])

    async def resume(self, record: str) -> Head:
        """Ask where the stored record ends; the next `push` sends from there."""
        self._heads[record] = await self.head(record)
        return self._heads[record]

    async def pull(self, record: str) -> list[Event]:
        """All stored events of a record, such as for a server that was started afresh."""
        events: list[Event] = []
        more = True
        while more:
            after = events[-1].seq if events else 0
            try:
                facts = (await self._ask("GET", f"/v1/records/{record}?after={after}")).json()
            except IntakeError as error:
                if error.status == 404:
                    return []
                raise
            events += [Event.model_validate(item) for item in facts["events"]]
            more = facts["more"]
        return events

    async def submit(self, notebook: bytes, key: str | None = None) -> HandedIn:
        """Hand in a completed notebook.

        Args:
            notebook: The bytes of the .ipynb.
            key: Idempotency key; by default one that follows from the bytes.

        Raises:
            IntakeError: As `push`; `unreadable` or `other_invite` when it is not the workbook of this invite.
        """
        headers = {"Idempotency-Key": key or submission_key(notebook)}
        facts = (await self._ask("POST", "/v1/submissions", notebook, headers)).json()
        return HandedIn(facts["receipt"], facts["sha256"], facts["received_at"])

    async def invite(self) -> Facts:
        """What the intake knows of the invite that asks: `invite, exp, records, submissions`.

        Raises:
            IntakeError: `revoked`, `expired` and so on, when it is not valid now.
        """
        facts: Facts = (await self._ask("GET", "/v1/invite")).json()
        return facts

    # --- hiring side --------------------------------------------------------------------------------------------------

    async def submissions(self, after: int = 0) -> list[Facts]:
        """All submissions after an id, oldest first, without bodies."""
        found: list[Facts] = []
        while True:
            page = (await self._ask("GET", f"/v1/submissions?after={after}")).json()["submissions"]
            if not page:
                return found
            found += page
            after = page[-1]["id"]

    async def notebook(self, receipt: str) -> bytes:
        """The bytes of a submission."""
        return (await self._ask("GET", f"/v1/submissions/{quote(receipt, safe='')}")).content

    async def invites(self) -> list[Facts]:
        """Every invite that something was received with."""
        found: list[Facts] = (await self._ask("GET", "/v1/invites")).json()["invites"]
        return found

    async def change_invite(self, invite: str, change: str, exp: int = 0) -> None:
        """Withdraw (`revoked`) or prolong (`extended`) an invite."""
        await self._ask("POST", f"/v1/invites/{invite}", canonical({"change": change, "exp": exp}))

    async def purge(self, candidate: str) -> dict[str, int]:
        """Delete everything of a candidate; how many invites, events, submissions and bytes went."""
        facts: dict[str, int] = (await self._ask("DELETE", f"/v1/candidates/{quote(candidate, safe='')}")).json()[
            "deleted"
        ]
        return facts

    # --- one call -----------------------------------------------------------------------------------------------------

    async def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        own = {"Content-Type": "application/json"} if body is not None else {}
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            try:
                answer = await self._http.request(
                    method, self.address + path, content=body, headers={**own, **(headers or {})}
                )
                if answer.is_success:
                    return answer
                error, wait = _refused(answer), _retry_after(answer)
            except (httpx.HTTPError, httpx.InvalidURL) as problem:
                fact = f"The intake cannot be reached ({type(problem).__name__})"
                error, wait = IntakeError("unreachable", fact, "Nothing is lost; try again later."), 0.0
            if error.status not in _PASSING and error.reason != "unreachable":
                raise error
            # Full jitter keeps clients that lost the same server from coming back at the same moment.
            wait = min(LONGEST_PAUSE, max(wait, random.uniform(0, pause)))
            if waited + wait > self._patience:
                raise error
            await self._sleep(wait)
            waited, pause = waited + wait, min(LONGEST_PAUSE, 2 * pause)


def _refused(answer: httpx.Response) -> IntakeError:
    """What an answer says that is no success; whoever gave it may be a proxy."""
    try:
        facts = answer.json()
        reason, message = str(facts["reason"])[:40], str(facts["message"])[:500]
    except (ValueError, KeyError, TypeError):
        reason, message = "failed", f"The intake answered {answer.status_code}. Try again later."
    fact, _, step = message.partition(". ")
    return IntakeError(reason, fact.rstrip("."), step, answer.status_code)


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0.0
