"""Where a player's frames come from: a completed notebook, its scenario, the change under review, the key's drawings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reviewkit.bank import Bank, Entry, UnknownScenarioError
from reviewkit.drawing import Drawing
from reviewkit.event import Event
from reviewkit.submission import Submission
from reviewkit.words import ExerciseKind


def entry_for(submission: Submission, bank: Bank) -> Entry | None:
    """The scenario of a submission in the version that it was made with, where the bank has it."""
    try:
        entry = bank.entry(submission.slug)
    except UnknownScenarioError:
        return None
    return entry if entry.scenario.version == submission.version else None


def head_texts(entry: Entry) -> dict[str, str]:
    """Texts of the files that a candidate may mend, as the change has them."""
    files = dict.fromkeys(file for exercise in entry.scenario.exercises for file in exercise.files)
    paths = {file: entry.folder / "head" / file for file in files}
    return {file: path.read_text("utf-8") for file, path in paths.items() if path.is_file()}


def truths(entry: Entry) -> dict[str, Drawing]:
    """What each trace exercise's instrumented run gave, by the key; empty without a rubric."""
    if entry.rubric_folder is None:
        return {}
    keys = entry.rubric.exercises
    return {
        e.id: Drawing(keys[e.id].order, keys[e.id].marks) for e in entry.scenario.exercises if e.kind is ExerciseKind.TRACE and e.id in keys
    }


def own_notes(out: Path, invite: str, rater: str, events: Sequence[Event]) -> tuple[tuple[float, str], ...]:
    """What one interviewer noted, hinted and marked in a live session, by seconds since the record's first event.

    The clocks are the interviewer's and the candidate's, which may differ by some seconds. What was noted before the first
    event stands at its time.

    Args:
        out: Output folder with the store.
        invite: Whose session.
        rater: Whose entries; those of others stay theirs.
        events: The record.
    """
    from reviewkit.blocking import finished
    from reviewkit.live.notes import LEDGER, NoteKind
    from reviewkit.outfolder import OutFolder

    if not events:
        return ()
    start = datetime.fromisoformat(events[0].t)
    held = finished(LEDGER.read(OutFolder(out).store_url, invite)).get(invite, ())
    found = []
    for note in held:
        if note.author == rater:
            about = "" if note.kind is NoteKind.NOTE else f"{note.kind.value} {note.item}: {note.outcome}. "
            found.append((max(0.0, (datetime.fromisoformat(note.time) - start).total_seconds()), about + note.text))
    return tuple(found)
