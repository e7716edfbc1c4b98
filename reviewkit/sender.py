"""Sends one record on to its invite's intake, from the journal on the disk: in order, again after every failure.

The journal comes first and waits for nothing here. What the intake has confirmed is asked of it, never remembered, so a
server that was killed goes on where the intake stands, and nothing arrives twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from reviewkit import log
from reviewkit.errors import GrantError, IntakeError, JournalError
from reviewkit.event import Event
from reviewkit.grants import Granted
from reviewkit.intake.client import IntakeClient
from reviewkit.journal import Journal
from reviewkit.outgoing import HandIn, Outgoing, Outgoings
from reviewkit.sending import Delivery, Phase, Place, compare, completed, last_submit, other_name, pause

LOOK: Final = 2.0
"""Seconds between looks at the journal, which the kernel writes too."""
DOCUMENT_MAX: Final = 100_000_000
"""Bytes of a notebook on disk that is still read for handing in."""
MakeClient = Callable[[str, str], IntakeClient]
T = TypeVar("T")


def one_try(address: str, token: str) -> IntakeClient:
    """A client that leaves retrying to the sender."""
    return IntakeClient(address, token, patience=0)


class Sender:
    """Sends one record; runs until it is stopped.

    Args:
        granted: Notebook and grant.
        journal: The record on disk.
        kept: Where token and receipt are kept.
        make_client: Makes the client of an intake.
        draw: Uniform in [0, 1), for the jitter.
    """

    def __init__(
        self,
        granted: Granted,
        journal: Journal,
        kept: Outgoings,
        *,
        make_client: MakeClient = one_try,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.granted, self._journal, self._kept = granted, journal, kept
        self._make_client, self._draw = make_client, draw
        self.delivery = Delivery()
        self.aligned = asyncio.Event()
        """Set once the intake was asked how far it is, and what it had beyond this disk was put back."""
        self._changed, self._hurry = asyncio.Event(), asyncio.Event()
        self._stamp: tuple[int, int] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def record(self) -> str:
        """Id of the record."""
        return self.granted.grant.record

    def start(self) -> None:
        """Begin, in the running event loop; may be called again."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Something was recorded. After a failure the pause goes on all the same."""
        self._changed.set()

    def hurry(self) -> None:
        """Try again now, whatever failed before."""
        self._hurry.set()
        self._changed.set()

    async def stop(self) -> None:
        """End without waiting for the network."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        failures_n = 0
        while True:
            error = await self._session()
            failures_n = 1 if self.delivery.phase is Phase.SENT else failures_n + 1
            self._tell(error)
            is_refused = self.delivery.phase is Phase.REFUSED
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause(failures_n, self._draw(), is_refused=is_refused)):
                    await self._hurry.wait()

    async def _session(self) -> Exception:
        """Send until something fails; what it was."""
        try:
            outgoing = await self._aside(lambda: self._kept.get(self.record))
            if outgoing is None:
                raise GrantError("Nothing is known of this invite any more", "Open its link again.")
            async with self._make_client(outgoing.intake, outgoing.token) as client:
                outgoing = await self._align(client, outgoing)
                self.aligned.set()
                while True:
                    self._changed.clear()
                    outgoing = await self._send(client, outgoing)
                    await self._next_change()
        except Exception as error:  # whatever a proxy answers or a disk brings: it is told, logged and tried again
            return error

    async def _align(self, client: IntakeClient, outgoing: Outgoing) -> Outgoing:
        """Ask how far the intake is; put back what it has beyond this disk, or go on under another name there."""
        head = await client.resume(outgoing.there)
        events = await self._events()
        place = compare(events, head)
        if place is Place.BEHIND:
            there = await client.pull(outgoing.there)
            if await self._aside(lambda: self._journal.restore(there)):
                return outgoing
            place, events = Place.OTHER, await self._events()
        if place is Place.OTHER and events and outgoing.there == self.record:
            outgoing = outgoing.model_copy(update={"there": other_name(self.record, events)})
            await self._aside(lambda: self._kept.put(self.record, outgoing))
            return await self._align(client, outgoing)
        return outgoing

    async def _send(self, client: IntakeClient, outgoing: Outgoing) -> Outgoing:
        """Send all that the journal holds, then hand in what was submitted."""
        events = await self._events()
        self._report(Phase.SENDING if len(events) > self.delivery.sent_n else self.delivery.phase, events)
        if events:
            try:
                sent = await client.push(outgoing.there, events)
            except IntakeError as error:
                if error.reason != "conflict" or outgoing.there != self.record:
                    raise
                # The intake could not be asked when this record began, and holds another one of this invite.
                return await self._send(client, await self._align(client, outgoing))
            self.delivery = replace(self.delivery, sent_n=min(sent.head.seq, len(events)))
        outgoing = await self._hand_in(client, outgoing, events)
        self._report(Phase.SENT, events)
        return outgoing

    async def _hand_in(self, client: IntakeClient, outgoing: Outgoing, events: Sequence[Event]) -> Outgoing:
        seq, before = last_submit(events), outgoing.hand_in
        if before is not None and before.receipt:
            self.delivery = replace(self.delivery, receipt=before.receipt)
        if not seq or (before is not None and before.seq >= seq and before.receipt):
            return outgoing
        self.delivery = replace(self.delivery, phase=Phase.SENDING, receipt="")
        body = await self._aside(lambda: self._staged(seq, events))
        answer = await client.submit(body)
        done = HandIn(seq=seq, sha256=answer.sha256, receipt=answer.receipt, received_at=answer.received_at)
        outgoing = outgoing.model_copy(update={"hand_in": done})
        await self._aside(lambda: self._kept.put(self.record, outgoing))
        await self._aside(lambda: self._kept.unstage(self.record, seq))
        self.delivery = replace(self.delivery, receipt=done.receipt)
        log.get().info(log.WORKBOOK_DELIVERED, record=self.record, bytes_n=len(body))
        return outgoing

    def _staged(self, seq: int, events: Sequence[Event]) -> bytes:
        """Bytes to hand in, made once and kept: whatever fails, every try sends the same."""
        body = self._kept.staged(self.record, seq)
        if body is None:
            body = completed(self._document(), self.granted.grant, events)
            self._kept.stage(self.record, seq, body)
        return body

    def _document(self) -> object:
        try:
            if self.granted.notebook.stat().st_size > DOCUMENT_MAX:
                return None
            return json.loads(self.granted.notebook.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None  # gone, or being written: the record is complete without it

    async def _events(self) -> Sequence[Event]:
        self._stamp = self._look()
        return (await self._aside(self._journal.read)).events

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._journal.path)  # noqa: PTH116 - one call, no exception to translate
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    async def _next_change(self) -> None:
        """Wait until something was recorded, here or by the kernel."""
        while not self._changed.is_set() and self._look() == self._stamp:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()

    def _report(self, phase: Phase, events: Sequence[Event]) -> None:
        self.delivery = replace(self.delivery, phase=phase, recorded_n=len(events), reason="", message="")

    def _tell(self, error: Exception) -> None:
        """Turn a failure into what the page shows, and a line of the log."""
        self.aligned.set()
        reason = error.reason if isinstance(error, IntakeError | JournalError) else type(error).__name__
        is_refused = (
            isinstance(error, IntakeError) and error.status in range(400, 500) and error.status not in (408, 429)
        )
        phase = Phase.REFUSED if is_refused or isinstance(error, GrantError) else Phase.OFFLINE
        known = isinstance(error, IntakeError | JournalError | GrantError)
        message = str(error) if known else "The intake gave an answer that cannot be read. Nothing is lost."
        if self.delivery.phase is not phase:
            log.get().warning(log.SENDING_FAILED, record=self.record, reason=reason, phase=phase.value)
        self.delivery = replace(self.delivery, phase=phase, reason=reason, message=message)

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)
