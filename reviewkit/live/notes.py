"""What an interviewer says during a live session: private notes, hints given, marks, gates. Only ever added to the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from reviewkit.frozen import Frozen, Ident
from reviewkit.ledger import Ledger
from reviewkit.scorecard import WITHDRAWN, Decision, DecisionKind


class NoteKind(StrEnum):
    """What an interviewer did."""

    NOTE = "note"
    """`text`."""
    HINT = "hint"
    """`item` = defect, `outcome` = rung from 1, or `withdrawn` for all hints on it."""
    MARK = "mark"
    """`item` = dimension, `outcome` = "1" to "4" or `withdrawn`, `text` = why."""
    GATE = "gate"
    """`item` = gate, `outcome` = `pass`, `fail` or `withdrawn`, `text` = why."""


class Note(Frozen):
    """One entry of an interviewer; a later one on the same item counts, the first stays on record."""

    candidate: Ident
    """Whose session it was: what is deleted with a person's data."""
    author: Ident
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
    """UTC, ISO 8601 with Z."""
    kind: NoteKind
    item: Ident | None = None
    outcome: Ident | None = None
    text: str = Field(default="", max_length=4000)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind is NoteKind.NOTE:
            if not self.text.strip():
                raise ValueError("a note has a text")
        elif self.item is None or self.outcome is None:
            raise ValueError(f"a {self.kind} names an item and an outcome")
        elif self.kind in (NoteKind.MARK, NoteKind.GATE) and not self.text.strip():
            raise ValueError("say why: a mark or a gate without a reason is worth nothing to a panel")
        return self


LEDGER: Final = Ledger("live_notes", Note, key="invite")


@dataclass(frozen=True, slots=True)
class Standing:
    """What an interviewer's entries come to."""

    hints: dict[str, tuple[str, ...]]
    """Defect -> rungs given, each once, in order."""
    marks: dict[str, Note]
    """Dimension -> the last mark."""
    gates: dict[str, Note]
    notes: tuple[Note, ...]


def standing(entries: Iterable[Note]) -> Standing:
    """What entries come to; pure."""
    hints: dict[str, tuple[str, ...]] = {}
    said: dict[NoteKind, dict[str, Note]] = {NoteKind.MARK: {}, NoteKind.GATE: {}}
    notes: list[Note] = []
    for entry in entries:
        item, outcome = entry.item or "", entry.outcome or ""
        if entry.kind is NoteKind.NOTE:
            notes.append(entry)
        elif entry.kind is NoteKind.HINT:
            given = hints.pop(item, ())
            if outcome != WITHDRAWN:
                hints[item] = given if outcome in given else (*given, outcome)
        else:
            said[entry.kind].pop(item, None)
            if outcome != WITHDRAWN:
                said[entry.kind][item] = entry
    return Standing(hints, said[NoteKind.MARK], said[NoteKind.GATE], tuple(notes))


_KINDS: Final = {NoteKind.MARK: DecisionKind.RATING, NoteKind.GATE: DecisionKind.GATE}


def decisions(entries: Sequence[Note], stored: Sequence[Decision]) -> list[Decision]:
    """What is still to be stored so that an interviewer's decisions about a submission say what the entries say; pure.

    Args:
        entries: Of one interviewer, in order.
        stored: All decisions about the submission so far.
    """
    now = standing(entries)
    wanted: dict[tuple[str, str, str, str], Decision] = {}
    for entry in (*now.marks.values(), *now.gates.values()):
        decision = Decision(
            kind=_KINDS[entry.kind], item=entry.item, outcome=entry.outcome or "", author=entry.author, time=entry.time, reason=entry.text,
        )  # fmt: skip
        wanted[decision.key] = decision
    for defect, rungs in now.hints.items():
        last = [entry for entry in entries if entry.kind is NoteKind.HINT and entry.item == defect][-1]
        words = f"In the live session: {'rung' if len(rungs) == 1 else 'rungs'} {', '.join(rungs)} of the ladder."
        decision = Decision(
            kind=DecisionKind.HINT, defect=defect, outcome="given", author=last.author, time=last.time, reason=words
        )
        wanted[decision.key] = decision
    authors = {entry.author for entry in entries}
    own = {decision.key: decision for decision in stored if decision.author in authors}
    found = [new for key, new in wanted.items() if not _says_the_same(own.get(key), new)]
    return found + _taken_back(entries, wanted.keys(), own)


def _says_the_same(old: Decision | None, new: Decision) -> bool:
    return old is not None and (old.outcome, old.reason) == (new.outcome, new.reason)


def _taken_back(
    entries: Sequence[Note], wanted: Iterable[tuple[str, str, str, str]], own: dict[tuple[str, str, str, str], Decision]
) -> list[Decision]:
    """Decisions handed over before that the interviewer has withdrawn since, in this very session."""
    keep, found = set(wanted), []
    for entry in {(e.kind, e.item): e for e in entries if e.outcome == WITHDRAWN}.values():
        kind = _KINDS.get(entry.kind, DecisionKind.HINT)
        about = {"defect": entry.item} if kind is DecisionKind.HINT else {"item": entry.item}
        gone = Decision(
            kind=kind, **about, outcome=WITHDRAWN, author=entry.author, time=entry.time, reason=entry.text or "Withdrawn in the live session.",
        )  # fmt: skip
        old = own.get(gone.key)
        if gone.key not in keep and old is not None and old.outcome != WITHDRAWN:
            found.append(gone)
    return found
