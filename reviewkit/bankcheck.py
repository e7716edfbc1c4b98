"""`reviewkit bank check`: every problem of a bank with its place. This half reads; `bankproof` runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ValidationError

from reviewkit.anchor import AnchorError, locate_in
from reviewkit.bank import Bank, Entry, yaml_words
from reviewkit.codetokens import is_script, prose
from reviewkit.exemplars import FILE, ExemplarSet
from reviewkit.harness.stage import Tree, find_driver
from reviewkit.live.guide import read_guide
from reviewkit.neutrality import key_runs, leaks, python_prose
from reviewkit.rubric import Rubric
from reviewkit.scenario import Scenario
from reviewkit.words import ExerciseKind, Judgement, Level, Severity
from reviewkit.yamlfile import read_yaml
from reviewkit.yamllines import YamlLines


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a bank."""

    file: str
    """Relative to the bank's root."""
    line: int
    text: str
    weight: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.weight}: {self.text}"


@dataclass(frozen=True)
class Sizes:
    """What a kind of scenario must hold: (least, most)."""

    lines: tuple[int, int]
    minutes: tuple[int, int]
    defects: tuple[int, int]
    decoys: int
    claims: int
    levels: int
    files: int


SIZES = {
    "interview": Sizes((150, 450), (30, 75), (8, 20), 3, 5, 4, 3),
    "practice": Sizes((40, 120), (10, 20), (4, 6), 1, 3, 2, 1),
}
LEAST_CHECKS, LEAST_MUTANTS = 6, 5
SENIOR_SHARE = 0.4
MOST_NITS = 2
BEHAVIOUR_SHARE = 0.8


def read_problems(entry: Entry) -> list[Problem]:
    """Everything that can be said without running code. Schema problems end the list early: the rest needs the models."""
    schema = [*_schema(Scenario, entry.folder / "scenario.yaml", f"scenarios/{entry.slug}/scenario.yaml")]
    if entry.rubric_folder is not None:
        schema += _schema(Rubric, entry.rubric_folder / "rubric.yaml", f"rubrics/{entry.slug}/rubric.yaml")
        if (entry.rubric_folder / FILE).is_file():
            schema += _schema(ExemplarSet, entry.rubric_folder / FILE, f"rubrics/{entry.slug}/{FILE}")
    if schema:
        return schema
    found = [*_files(entry), *_changed(entry)]
    if entry.rubric_folder is None:
        return [*found, Problem(f"rubrics/{entry.slug}", 1, "there is no rubric, so nothing can be proved", "warning")]
    found += [*_anchors(entry), *_sizes(entry), *_claims(entry), *_exercises(entry), *_neutral(entry), *_exemplars(entry), *_guide(entry)]
    return sorted(found)


def _exemplars(entry: Entry) -> Iterator[Problem]:
    """Exemplars of a defect that is gone do nothing."""
    known = {defect.id for defect in entry.rubric.defects}
    for exemplar in entry.exemplar_set.exemplars:
        if exemplar.defect not in known:
            text = f"{exemplar.name} is about {exemplar.defect!r}, which the rubric does not have"
            yield Problem(f"rubrics/{entry.slug}/{FILE}", 1, text, "warning")


def canary_problems(bank: Bank) -> list[Problem]:
    """Canaries must differ between rubrics and occur nowhere on the candidate's side."""
    found: list[Problem] = []
    seen: dict[str, str] = {}
    for entry in bank:
        if entry.rubric_folder is None:
            continue
        canary = entry.rubric.canary
        place = f"rubrics/{entry.slug}/rubric.yaml"
        if canary in seen:
            found.append(Problem(place, 1, f"has the canary of {seen[canary]}; draw its own"))
        seen[canary] = entry.slug
    for path in sorted(p for folder in ("scenarios", "notebooks") for p in (bank.root / folder).rglob("*") if p.is_file()):
        data = path.read_bytes()
        for canary, slug in seen.items():
            if canary.encode() in data:
                found.append(Problem(path.relative_to(bank.root).as_posix(), 1, f"holds the canary of rubric {slug!r}"))
    return found


def _schema(model: type[BaseModel], path: Path, name: str) -> Iterator[Problem]:
    try:
        data = read_yaml(path)
    except FileNotFoundError:
        yield Problem(name, 1, "there is no such file")
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        yield Problem(name, mark.line + 1 if mark else 1, yaml_words(error))
        return
    try:
        model.model_validate(data)
    except ValidationError as error:
        lines = YamlLines(path)
        for item in error.errors():
            where = ".".join(str(part) for part in item["loc"])
            yield Problem(name, lines.line(tuple(item["loc"])), f"{where + ': ' if where else ''}{item['msg']}")


def _files(entry: Entry) -> Iterator[Problem]:
    scenario = entry.scenario
    wanted = ["brief.md", "pull_request.md", "base", "head", "harness/world.py"]
    wanted += [find_driver(entry.folder).relative_to(entry.folder).as_posix()]
    wanted += [p.file for p in scenario.probes]
    wanted += [f for e in scenario.exercises for f in (e.public_checks, e.run) if f]
    for name in wanted:
        if not (entry.folder / name).exists():
            yield Problem(f"scenarios/{entry.slug}/{name}", 1, "is missing")
    if entry.rubric_folder is None:
        return
    needed = ["guide.md", "reference", "proofs.py"]
    kinds = {e.kind for e in scenario.exercises}
    needed += ["checks.py", "mutants"] if ExerciseKind.MEND in kinds else []
    needed += ["traces.py"] if ExerciseKind.TRACE in kinds else []
    for name in needed:
        if not (entry.rubric_folder / name).exists():
            yield Problem(f"rubrics/{entry.slug}/{name}", 1, "is missing")


def _guide(entry: Entry) -> Iterator[Problem]:
    """What the cockpit reads of the guide: a next question and hints for each defect."""
    assert entry.rubric_folder is not None  # noqa: S101 - read_problems returned before
    path = entry.rubric_folder / "guide.md"
    if not path.is_file():
        return
    place, sections = f"rubrics/{entry.slug}/guide.md", read_guide(path.read_text("utf-8", "replace"))
    known = {defect.id for defect in entry.rubric.defects}
    for defect in sorted(known - sections.keys()):
        yield Problem(place, 1, f"has no section `### {defect} (…)`")
    for defect, section in sections.items():
        if defect not in known:
            yield Problem(place, section.line, f"has a section on {defect!r}, which the rubric does not have")
        elif not section.ask or not section.hints:
            lacks = "question (`Ask next: …`)" if not section.ask else "numbered hints"
            yield Problem(place, section.line, f"has no {lacks} for {defect!r}")


def changed_lines(base: str, head: str) -> int:
    """Added plus removed lines between two texts."""
    diff = difflib.unified_diff(base.split("\n"), head.split("\n"), n=0, lineterm="")
    return sum(line[:1] in "+-" and not line.startswith(("+++", "---")) for line in diff)


def _changed(entry: Entry) -> Iterator[Problem]:
    base, head = Tree(entry.folder / "base"), Tree(entry.folder / "head")
    texts = {
        file: tuple(tree.read(file) if (tree.root / file).is_file() else "" for tree in (base, head))
        for file in sorted({*base.files(), *head.files()})
    }
    changed = {file for file, (old, new) in texts.items() if old != new}
    place = f"scenarios/{entry.slug}/scenario.yaml"
    line = YamlLines(entry.folder / "scenario.yaml").line(("files",))
    for file in sorted(changed - set(entry.scenario.files)):
        yield Problem(place, line, f"files: {file} is changed but not listed")
    for file in sorted(set(entry.scenario.files) - changed):
        yield Problem(place, line, f"files: {file} is listed but not changed")
    total = sum(changed_lines(*texts[file]) for file in changed)
    least, most = SIZES[entry.scenario.kind].lines
    if not least <= total <= most:
        yield Problem(place, line, f"the change has {total} lines; {least} to {most} are asked for", "warning")


def _anchors(entry: Entry) -> Iterator[Problem]:
    assert entry.rubric_folder is not None  # noqa: S101 - read_problems returned before
    lines = YamlLines(entry.rubric_folder / "rubric.yaml")
    head, reference = entry.folder / "head", entry.rubric_folder / "reference"
    rubric = entry.rubric
    quoted = [("defects", d.id, a.file, a.anchor) for d in rubric.defects for a in d.places]
    quoted += [("decoys", d.id, d.file, d.anchor) for d in rubric.decoys]
    quoted += [("also_valid", a.id, a.file, a.anchor) for a in rubric.also_valid if a.file and a.anchor]
    for section, item_id, file, anchor in quoted:
        try:
            locate_in(head, file, anchor)
        except AnchorError as error:
            yield Problem(f"rubrics/{entry.slug}/rubric.yaml", lines.line_of(section, item_id), f"{item_id}: {error}")
    for decoy in rubric.decoys:
        kept = reference / decoy.file
        first = decoy.anchor.strip().split("\n")[0].strip()
        if kept.is_file() and first not in kept.read_text("utf-8"):
            text = f"{decoy.id}: the decoy's first line is no longer in reference/{decoy.file}"
            yield Problem(f"rubrics/{entry.slug}/rubric.yaml", lines.line_of("decoys", decoy.id), text, "warning")


def _sizes(entry: Entry) -> Iterator[Problem]:
    sizes, rubric, scenario = SIZES[entry.scenario.kind], entry.rubric, entry.scenario
    place = f"rubrics/{entry.slug}/rubric.yaml"
    defects = rubric.defects
    senior = sum(d.level in (Level.SENIOR, Level.STAFF) for d in defects) / len(defects)
    behaviour = sum(d.proof == "behaviour" for d in defects) / len(defects)
    rules = [
        (sizes.defects[0] <= len(defects) <= sizes.defects[1], f"{len(defects)} defects; {sizes.defects[0]} to {sizes.defects[1]} are asked for"),
        (len({d.level for d in defects}) >= sizes.levels, f"defects over {len({d.level for d in defects})} levels; {sizes.levels} are asked for"),
        (senior >= SENIOR_SHARE, f"{senior:.0%} of the defects are senior or staff; {SENIOR_SHARE:.0%} are asked for"),
        (sum(d.severity is Severity.NIT for d in defects) <= MOST_NITS, f"more than {MOST_NITS} nits"),
        (len({d.file for d in defects}) >= sizes.files, f"defects in fewer than {sizes.files} files"),
        (len(rubric.decoys) >= sizes.decoys, f"fewer than {sizes.decoys} decoys"),
        (behaviour >= BEHAVIOUR_SHARE, f"{behaviour:.0%} of the proofs are of behaviour; {BEHAVIOUR_SHARE:.0%} are asked for"),
        (len(scenario.claims) >= sizes.claims, f"fewer than {sizes.claims} claims"),
        (sizes.minutes[0] <= scenario.minutes <= sizes.minutes[1], f"a time box of {scenario.minutes} minutes; {sizes.minutes[0]} to {sizes.minutes[1]} are asked for"),
    ]  # fmt: skip
    for fine, text in rules:
        if not fine:
            yield Problem(place, 1, text)


def _claims(entry: Entry) -> Iterator[Problem]:
    place = f"rubrics/{entry.slug}/rubric.yaml"
    asked, keyed = {c.id for c in entry.scenario.claims}, {c.id for c in entry.rubric.claims}
    for claim in sorted(asked ^ keyed):
        yield Problem(place, 1, f"claims: {claim} is in {'scenario.yaml' if claim in asked else 'the key'} only")
    verdicts = {c.verdict for c in entry.rubric.claims}
    if not {Judgement.TRUE, Judgement.FALSE} <= verdicts:
        yield Problem(place, 1, "claims: at least one must be true and one false")


_KEY_FIELDS = {
    ExerciseKind.MEND: ("checks",),
    ExerciseKind.TRACE: ("order", "marks"),
    ExerciseKind.DIAGNOSE: ("cause", "evidence", "fix", "trade_off"),
    ExerciseKind.EXPLAIN: ("points",),
}


def _exercises(entry: Entry) -> Iterator[Problem]:
    place = f"rubrics/{entry.slug}/rubric.yaml"
    keys = entry.rubric.exercises
    for exercise in entry.scenario.exercises:
        key = keys.get(exercise.id)
        missing = [f for f in _KEY_FIELDS[exercise.kind] if key is None or not getattr(key, f)]
        if missing:
            yield Problem(place, 1, f"exercises: the key of {exercise.id!r} lacks {', '.join(missing)}")
        if exercise.kind is ExerciseKind.TRACE and key is not None:
            known = {layer.id for layer in exercise.layers}
            strange = sorted({*key.order, *key.marks.values()} - known | set(key.marks) - {m.id for m in exercise.marks})
            if strange:
                yield Problem(place, 1, f"exercises: {exercise.id!r} names unknown layers or marks: {', '.join(strange)}")
        if exercise.kind is ExerciseKind.MEND and key is not None and len(key.checks) < LEAST_CHECKS:
            yield Problem(place, 1, f"exercises: {exercise.id!r} has {len(key.checks)} hidden checks; {LEAST_CHECKS} are asked for")
    for strange_id in sorted(set(keys) - {e.id for e in entry.scenario.exercises}):
        yield Problem(place, 1, f"exercises: {strange_id!r} is no exercise of the scenario")


PROSE = (".py", ".md", ".yaml", ".yml", ".toml", ".sql", ".txt")


def _passages(name: str, text: str) -> Iterable[tuple[int, str]]:
    """What reads as prose in a file: (line, text)."""
    if is_script(name):
        return prose(name, text)
    return python_prose(text) if name.endswith(".py") else [(1, text)]


def _neutral(entry: Entry) -> Iterator[Problem]:
    key = key_runs(entry.rubric)
    for path in sorted(p for p in entry.folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        name = path.relative_to(entry.folder).as_posix()
        if name == "pull_request.md" or not (is_script(name) or path.suffix in PROSE):
            continue
        text = path.read_text("utf-8")
        passages = _passages(name, text)
        for first, passage in passages:
            for leak in leaks(passage, key, first):
                yield Problem(f"scenarios/{entry.slug}/{name}", leak.line, leak.text)
