"""The live stream for the hiring side: server-sent events with ids from which a lost connection goes on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Final

from reviewkit.intake.reading import happenings
from reviewkit.intake.storage import Storage

BEAT_SECONDS: Final = 15.0
"""Between signs of life; also how late something that another process stored is noticed."""
_ID: Final = re.compile(r"(\d{1,18})\.(\d{1,18})")


def parse_id(text: str | None) -> tuple[int, int] | None:
    """Ids of the last record event and the last submission that a client has seen; None when it is no such id."""
    if not text:
        return (0, 0)
    found = _ID.fullmatch(text) if text.isascii() else None
    return (int(found[1]), int(found[2])) if found else None


async def follow(
    storage: Storage, after: tuple[int, int], closing: asyncio.Event, invite: str | None = None
) -> AsyncIterator[str]:
    """Lines of the stream: everything after the given ids, then what comes, until the service closes.

    Args:
        storage: Read from.
        after: As `parse_id` gives it.
        closing: Set when the service stops.
        invite: Only what was received with this one; None for everything.
    """
    event, submission = after
    yield "retry: 2000\n\n"
    while not closing.is_set():
        changed = storage.changed  # taken before reading, so that nothing falls between
        found = await storage.read(lambda c, e=event, s=submission: happenings(c, e, s, invite))  # type: ignore[misc]
        for event, submission, name, facts in found:
            data = json.dumps(facts, ensure_ascii=True, separators=(",", ":"))
            yield f"id: {event}.{submission}\nevent: {name}\ndata: {data}\n\n"
        if not found and not await _wait(changed, closing):
            yield ": still here\n\n"


async def _wait(changed: asyncio.Event, closing: asyncio.Event) -> bool:
    """Wait for a change or the end; False after a beat without either."""
    tasks = [asyncio.create_task(changed.wait()), asyncio.create_task(closing.wait())]
    try:
        done, _ = await asyncio.wait(tasks, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()
