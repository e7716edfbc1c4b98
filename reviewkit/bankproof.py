"""The running half of `reviewkit bank check`: proofs, hidden checks, mutants, traces, probes, linters."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from reviewkit.bank import Entry
from reviewkit.bankcheck import LEAST_MUTANTS, Problem
from reviewkit.bankisolates import handed_in_problems, isolate_problems, one_in
from reviewkit.harness.stage import find_driver
from reviewkit.linters import MOST_SHARE, LinterMissingError, linter_hits, senior_share
from reviewkit.proving import Suite, SuiteError, run_in_process, side_by_side
from reviewkit.words import ExerciseKind
from reviewkit.yamlfile import read_yaml

Tell = Callable[[str], None]


def run_problems(entry: Entry, tell: Tell = lambda _text: None, *, quick: bool = False, share: int = 1) -> list[Problem]:
    """Run everything a scenario can run and return what is wrong. Needs a rubric.

    Args:
        entry: The scenario.
        tell: Called with one line for each part done.
        quick: Ask of each isolate only that it shows its own defect, not that it shows no other: a tenth of the time. Where each
            run is a process of its own (trees in TypeScript), also leave out the mend as handed in, and probes on the reference.
            Where each is a Java with Spring, seconds of processor time, leave out all but proofs on head and reference, checks on
            the reference, traces, and probes on head.
        share: Make one in so many of the isolates and mutants, the same ones each time.
    """
    kind = find_driver(entry.folder).suffix
    isolates = partial(isolate_problems, quick=quick, share=share)
    short, least = quick and kind != ".py", quick and kind == ".java"
    whole = () if short else (handed_in_problems,)
    thorough = () if least else (partial(_mutants, share=share), isolates, partial(_runs, suite="load", short=short))
    parts = (_proofs, partial(_checks, least=least), *whole, *thorough, _traces, partial(_runs, suite="probes", short=short), _linters)
    found: list[Problem] = []
    # Each part waits for processes of its own, of which `proving` limits the number.
    for problems, lines in side_by_side(partial(_part, entry), parts, at_once=len(parts)):
        for line in lines:
            tell(line)
        found += problems
    return found


def _part(entry: Entry, part: Callable[[Entry, Tell], Iterator[Problem]]) -> tuple[list[Problem], list[str]]:
    lines: list[str] = []
    found: list[Problem] = []
    try:
        found.extend(part(entry, lines.append))
    except SuiteError as error:
        found.append(Problem(f"rubrics/{entry.slug}", 1, str(error)))
    return found, lines


def _reference(entry: Entry) -> Path:
    assert entry.rubric_folder is not None  # noqa: S101 - callers pass entries with a rubric
    return entry.rubric_folder / "reference"


def _proofs(entry: Entry, tell: Tell) -> Iterator[Problem]:
    place = f"rubrics/{entry.slug}/proofs.py"
    known = {d.id for d in entry.rubric.defects}
    for tree, wanted in ((entry.folder / "head", "shown"), (_reference(entry), "absent")):
        results = run_in_process(entry, tree, "proofs")
        for missing in sorted(known - {r.id for r in results}):
            yield Problem(place, 1, f"no proof for defect {missing!r}")
        for result in results:
            if result.id not in known:
                yield Problem(place, 1, f"a proof for {result.id!r}, which is no defect")
            elif result.outcome != wanted:
                yield Problem(place, 1, f"{result.id} on {tree.name}/: {result.outcome}, not {wanted} ({result.text})")
        good = sum(r.outcome == wanted for r in results)
        tell(f"{entry.slug}: {good} of {len(known)} proofs {wanted} on {tree.name}/")


def _keyed_checks(entry: Entry) -> set[str]:
    return {c for key in entry.rubric.exercises.values() for c in key.checks}


def _checks(entry: Entry, tell: Tell, *, least: bool = False) -> Iterator[Problem]:
    place = f"rubrics/{entry.slug}/checks.py"
    keyed = _keyed_checks(entry)
    if not keyed:
        return
    on_reference = run_in_process(entry, _reference(entry), "checks")
    for strange in sorted(keyed ^ {r.id for r in on_reference}):
        yield Problem(place, 1, f"{strange!r} is in {'the key' if strange in keyed else 'checks.py'} only")
    for result in on_reference:
        if result.outcome != "passed":
            yield Problem(place, 1, f"{result.id} on reference/: {result.outcome} ({result.text})")
    tell(f"{entry.slug}: {sum(r.outcome == 'passed' for r in on_reference)} hidden checks pass on reference/")
    if not least:
        yield from _rejections(entry, tell, place)
        yield from _public(entry)


def _public(entry: Entry) -> Iterator[Problem]:
    for exercise in (e for e in entry.scenario.exercises if e.kind is ExerciseKind.MEND):
        for tree in (entry.folder / "head", _reference(entry)):
            for result in run_in_process(entry, tree, "public"):
                if result.outcome != "passed":
                    file = f"scenarios/{entry.slug}/{exercise.public_checks}"
                    yield Problem(file, 1, f"{result.id} on {tree.name}/: {result.outcome} ({result.text})")


def _rejections(entry: Entry, tell: Tell, place: str) -> Iterator[Problem]:
    on_head = run_in_process(entry, entry.folder / "head", "checks")
    failed = sum(r.outcome != "passed" for r in on_head)
    if failed * 2 < len(on_head):
        yield Problem(place, 1, f"only {failed} of {len(on_head)} hidden checks fail on head/; at least half must")
    for result in (r for r in on_head if r.error):
        yield Problem(place, 1, f"{result.id} on head/ could not be judged ({result.text})")
    tell(f"{entry.slug}: {failed} of {len(on_head)} hidden checks reject head/")


def mutant_tree(entry: Entry, mutant: Path, scratch: Path) -> Path:
    """Lay a mutant's files over a copy of the reference; returns the copy's root."""
    tree = scratch / mutant.name
    shutil.copytree(_reference(entry), tree, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(mutant, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mutant.yaml", "__pycache__"))
    return tree


def _failures(entry: Entry, mutant: Path, reason: str) -> list[str]:
    """Hidden checks that reject a mutant: the one it is made for, or all that do where that one does not."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = mutant_tree(entry, mutant, Path(scratch))
        try:
            own = run_in_process(entry, tree, "checks", only=reason) if reason else []
            if any(r.outcome != "passed" for r in own):
                return [reason]
            return [r.id for r in run_in_process(entry, tree, "checks") if r.outcome != "passed"]
        except SuiteError as error:  # of this mutant alone; the others go on
            return [str(error)]


def _mutants(entry: Entry, tell: Tell, share: int) -> Iterator[Problem]:
    if not _keyed_checks(entry):
        return
    assert entry.rubric_folder is not None  # noqa: S101 - callers pass entries with a rubric
    mutants = sorted(p.parent for p in (entry.rubric_folder / "mutants").glob("*/mutant.yaml"))
    place = f"rubrics/{entry.slug}/mutants"
    if len(mutants) < LEAST_MUTANTS:
        yield Problem(place, 1, f"{len(mutants)} mutants; {LEAST_MUTANTS} are asked for")
    mutants = one_in(share, mutants, lambda mutant: mutant.name)
    caught = 0
    reasons = [str(read_yaml(m / "mutant.yaml").get("caught_by") or "") for m in mutants]
    outcomes = side_by_side(lambda item: _failures(entry, *item), zip(mutants, reasons, strict=True))
    for mutant, reason, failed in zip(mutants, reasons, outcomes, strict=True):
        if reason in failed:
            caught += 1
        else:
            text = f"is not caught by {reason!r}; it fails {', '.join(failed) or 'nothing'}"
            yield Problem(f"{place}/{mutant.name}/mutant.yaml", 1, text)
    tell(f"{entry.slug}: {caught} of {len(mutants)} mutants rejected for their own reason")


def _traces(entry: Entry, tell: Tell) -> Iterator[Problem]:
    wanted = {e.id for e in entry.scenario.exercises if e.kind is ExerciseKind.TRACE}
    if not wanted:
        return
    place = f"rubrics/{entry.slug}/traces.py"
    results = {r.id: r for r in run_in_process(entry, entry.folder / "head", "traces")}
    for exercise in sorted(wanted):
        result, key = results.get(exercise), entry.rubric.exercises.get(exercise)
        if result is None or result.error or key is None:
            yield Problem(place, 1, f"{exercise}: not measured ({result.text if result else 'no instrumented run'})")
            continue
        keyed = json.dumps({"order": list(key.order), "marks": dict(key.marks)}, sort_keys=True)
        if result.outcome != keyed:
            yield Problem(place, 1, f"{exercise}: measured {result.outcome}, but the key says {keyed}")
        else:
            tell(f"{entry.slug}: trace {exercise!r} measured as the key says")


def _runs(entry: Entry, tell: Tell, *, suite: Suite, short: bool = False) -> Iterator[Problem]:
    """Probes or loads, which have to come to an end."""
    for tree in (entry.folder / "head", *(() if short else (_reference(entry),))):
        for result in run_in_process(entry, tree, suite):
            if result.error:
                yield Problem(f"scenarios/{entry.slug}", 1, f"{suite} {result.id} on {tree.name}/: {result.text}")
            elif suite == "probes":
                more = f" ({result.text})" if result.text else ""
                tell(f"{entry.slug}: probe {result.id} on {tree.name}/: {result.outcome}{more}")


def _linters(entry: Entry, tell: Tell) -> Iterator[Problem]:
    place = f"rubrics/{entry.slug}/rubric.yaml"
    try:
        hits = linter_hits(entry)
    except LinterMissingError as error:
        yield Problem(place, 1, f"linters not run: {error}", "warning")
        return
    share = senior_share(entry, hits)
    found = sorted({h.defect for h in hits})
    tell(f"{entry.slug}: linters point at {len(found)} of {len(entry.rubric.defects)} defects ({', '.join(found) or 'none'})")
    if share > MOST_SHARE:
        yield Problem(place, 1, f"linters point at {share:.0%} of the senior and staff defects: {', '.join(found)}", "warning")
