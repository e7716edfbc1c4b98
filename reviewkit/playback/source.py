"""Where a player's frames come from: a completed notebook, its scenario, the change under review, the key's drawings."""

from __future__ import annotations

from reviewkit.bank import Bank, Entry, UnknownScenarioError
from reviewkit.drawing import Drawing
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
