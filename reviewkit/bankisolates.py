"""`reviewkit bank check`, the trees that are made from the reference: isolates, and the mend as it could be handed in."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from reviewkit.bank import ContentError, Entry
from reviewkit.bankcheck import Problem
from reviewkit.harness.stage import Tree
from reviewkit.isolates import FILE, Isolate, IsolateError, isolates_of, make
from reviewkit.proving import SuiteError, run_in_process, side_by_side
from reviewkit.scenario import Exercise
from reviewkit.words import ExerciseKind
from reviewkit.yamllines import YamlLines

Tell = Callable[[str], None]
Item = TypeVar("Item")


def one_in(share: int, items: Sequence[Item], name: Callable[[Item], str]) -> list[Item]:
    """One in so many of these, at least one, chosen by their names alone: what is added does not change what is taken of the others."""
    chosen = [item for item in items if zlib.crc32(name(item).encode()) % share == 0]
    return chosen or list(items[:1])


def isolate_problems(entry: Entry, tell: Tell, *, quick: bool = False, share: int = 1) -> Iterator[Problem]:
    """Each isolate shows its own defect and no other, and passes the public checks; a defect without one is no fault.

    Args:
        entry: The scenario.
        tell: Called with one line for each part done.
        quick: Look for the own defect only.
        share: Make one in so many of them.
    """
    assert entry.rubric_folder is not None  # noqa: S101 - callers pass entries with a rubric
    place = f"rubrics/{entry.slug}/{FILE}"
    try:
        isolates = isolates_of(entry)
    except ContentError as error:
        yield from (Problem(place, 1, text) for text in error.problems)
        return
    known = {d.id for d in entry.rubric.defects}
    for strange in sorted(set(isolates) - known):
        yield Problem(place, _line(entry, strange), f"{strange!r} is no defect")
    tell(
        f"{entry.slug}: {len(known & set(isolates))} of {len(known)} defects have an isolate; evidence for the others waits for a person"
    )
    work = [(d, way) for d, ways in sorted(isolates.items()) if d in known for way in ways]
    work = one_in(share, work, lambda item: item[0])
    faults = side_by_side(lambda item: isolate_faults(entry, *item, quick=quick), work)
    for (defect, _), texts in zip(work, faults, strict=True):
        for text in texts:
            yield Problem(place, _line(entry, defect), f"{defect}: {text}")
    good = sum(not texts for texts in faults)
    tell(f"{entry.slug}: {good} of {len(work)} isolates show their own defect{'' if quick else ' and no other'}")


def _line(entry: Entry, defect: str) -> int:
    assert entry.rubric_folder is not None  # noqa: S101 - as above
    return YamlLines(entry.rubric_folder / FILE).line((defect,))


def isolate_faults(entry: Entry, defect: str, isolate: Isolate, *, quick: bool = False) -> list[str]:
    """What is wrong with an isolate of a defect; `quick` looks for that defect only."""
    assert entry.rubric_folder is not None  # noqa: S101 - isolates come from a rubric
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "isolate"
        try:
            make(entry.rubric_folder, isolate, tree)
        except IsolateError as error:
            return [error.fact]
        try:
            proofs = run_in_process(entry, tree, "proofs", only=defect if quick else "")
            public = [] if quick else run_in_process(entry, tree, "public")
        except SuiteError as error:
            return [str(error)]
    faults = [] if any(result.id == defect for result in proofs) else ["no proof ran, so it shows nothing"]
    faults += [
        f"shows {result.id} as {result.outcome} ({result.text})"
        for result in proofs
        if result.outcome != ("shown" if result.id == defect else "absent")
    ]
    return faults + [f"public check {r.id}: {r.outcome} ({r.text})" for r in public if r.outcome != "passed"]


def handed_in_problems(entry: Entry, tell: Tell) -> Iterator[Problem]:
    """The hidden checks pass on head with the exercise's files from the reference: all that a candidate can hand in."""
    for exercise in (e for e in entry.scenario.exercises if e.kind is ExerciseKind.MEND):
        key = entry.rubric.exercises.get(exercise.id)
        wanted = set(key.checks if key is not None else ())
        with tempfile.TemporaryDirectory() as scratch:
            tree = handed_in(entry, exercise, Path(scratch))
            results = [r for r in run_in_process(entry, tree, "checks") if r.id in wanted]
        failed = [r for r in results if r.outcome != "passed"]
        for result in failed:
            text = (
                f"{result.id} on head/ with {exercise.id!r}'s files from reference/: {result.outcome} ({result.text})"
            )
            yield Problem(f"rubrics/{entry.slug}/reference", 1, text)
        passed = len(results) - len(failed)
        tell(f"{entry.slug}: {passed} of {len(wanted)} hidden checks pass on {exercise.id!r} as it can be handed in")


def handed_in(entry: Entry, exercise: Exercise, scratch: Path) -> Path:
    """Write head with the exercise's files as the reference has them; returns the root."""
    assert entry.rubric_folder is not None  # noqa: S101 - callers pass entries with a rubric
    tree, reference = scratch / "handed-in", Tree(entry.rubric_folder / "reference")
    shutil.copytree(entry.folder / "head", tree, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for file in exercise.files:
        if (reference.root / file).is_file():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_text(reference.read(file), "utf-8")
    return tree
