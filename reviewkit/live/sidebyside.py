"""Marks and gates of several interviewers of one session, side by side: another's only where one's own is kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.live.notes import Note, NoteKind, standing
from reviewkit.scorecard import WITHDRAWN

_JUDGED: Final = (NoteKind.MARK, NoteKind.GATE)


@dataclass(frozen=True, slots=True)
class Beside:
    """One dimension or gate that somebody judged."""

    item: str
    own: Note | None
    own_first: str
    """The first word of this interviewer on it, which was said blind; empty without one."""
    others: tuple[Note, ...]
    """What counts of each other interviewer, by id; empty as long as there is no own word: who knows another's mark follows it."""
    hidden: int
    """How many others have judged it and are not shown."""


def side_by_side(entries: Sequence[Note], rater: str) -> tuple[Beside, ...]:
    """Rows in the order in which items were first judged by anybody; no notes, which are private.

    Args:
        entries: Of all interviewers of the session, in order.
        rater: Who looks.
    """
    judged = [entry for entry in entries if entry.kind in _JUDGED]
    by_author = {author: _words([entry for entry in judged if entry.author == author]) for author in sorted({e.author for e in judged})}
    rows = []
    for item in dict.fromkeys(entry.item or "" for entry in judged):
        own = by_author.get(rater, {}).get(item)
        others = tuple(words[item] for author, words in by_author.items() if author != rater and item in words)
        first = next((e.outcome or "" for e in judged if e.author == rater and e.item == item and e.outcome != WITHDRAWN), "")
        if own is not None or others:
            rows.append(Beside(item, own, first, others if own is not None else (), 0 if own is not None else len(others)))
    return tuple(rows)


def _words(entries: Sequence[Note]) -> dict[str, Note]:
    """Item -> what counts of one interviewer."""
    now = standing(entries)
    return {**now.marks, **now.gates}
