"""Who made the events of a shared document: the candidate's own browser, or one that joined. Pure.

A browser that joins says so (`document.joined`) and begins the operations made in it with its own id. Both are what that
browser says of itself: good enough to tell two people apart who mean well, and no proof against anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewkit.event import Event
from reviewkit.eventdata import Joined

NAMELESS: Final = "a guest"


def authors(events: Sequence[Event]) -> dict[str, str]:
    """Hash -> name, of the events that were made in a browser that joined; untrusted display text, never empty."""
    names: dict[str, str] = {}
    for event in events:
        if isinstance(joined := event.parsed, Joined):
            names.setdefault(joined.page, joined.name.strip() or NAMELESS)
    pages = ((event, event.op.partition(":")[0]) for event in events)
    return {event.hash: names[page] for event, page in pages if page in names}
