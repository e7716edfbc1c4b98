"""The interviewer's notebook as nbformat JSON, from scenario, rubric and guide. Pure; cells call `reviewkit.guides.bench`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final

from reviewkit.anchor import Span
from reviewkit.live.guide import DefectGuide, read_guide
from reviewkit.rubric import ClaimKey, Defect, ExerciseKey, Rubric
from reviewkit.scenario import Exercise, Scenario
from reviewkit.words import ExerciseKind, Level

Cell = dict[str, Any]
_SECTION: Final = re.compile(r"^##\s+", re.MULTILINE)
_DEFECT: Final = re.compile(r"^###\s+[a-z0-9][a-z0-9-]*\s*\(", re.MULTILINE)
_FIRST: Final = """# For interviewers only: {title}

**This notebook is the answer key.** Keep it on the hiring side: never share the screen it is on, never put it into a folder,
an image or a repository that a candidate gets. `reviewkit publish` refuses a file with its mark: `{canary}`.

{summary}

For: {ideal_for}. Time box: {minutes} minutes. Rubric {version}.

| stage | what happens | where below |
| --- | --- | --- |
| Day 1, alone | the candidate reviews the change: remarks, claims, probes, mend, verdict | [Day 1](#Day-1:-the-review) |
| Day 3, together | architecture: their drawing of one request against what the running code does | [Day 3](#Day-3:-the-architecture) |
| Day 5, together | a degraded system: cause, evidence, remedy, trade-off | [Day 5](#Day-5:-the-degraded-system) |

Every code cell runs on this machine, on the bank's own files; nothing of a candidate is run. *Run all* takes a few minutes."""
_PARAMETERS: Final = """slug = {slug!r}
bank = {bank!r}  # folder with scenarios/; empty: REVIEWKIT_BANK, or from here upward
rubrics = {rubrics!r}  # folder of the rubrics; empty: REVIEWKIT_RUBRICS, or the bank's own
built_from = {sha!r}  # sha256 of the rubric that these words are from"""
_START: Final = """from reviewkit.guides.bench import open_guide

guide = open_guide(slug, bank, rubrics, built_from)"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a guide is made of."""

    slug: str
    scenario: Scenario
    rubric: Rubric
    guide: str
    """Text of `guide.md`; may be empty."""
    spans: Mapping[str, Sequence[Span]]
    """Lines in `head/` of each defect and decoy, the main place first."""
    quote: Callable[[Span], str]
    """Lines of `head/` as text."""
    bank: str = ""
    rubrics: str = ""
    """Folders to be written into the notebook; empty where they are found from it."""


def guide_notebook(sources: Sources) -> dict[str, Any]:
    """The whole notebook (nbformat 4.5), without outputs; equal for equal sources."""
    rubric, before, after = sources.rubric, *_around_defects(sources.guide)
    cells = [
        _markdown(_opening(sources)),
        _code(_PARAMETERS.format(slug=sources.slug, bank=sources.bank, rubrics=sources.rubrics, sha=rubric.sha256), "parameters"),
        _code(_START),
        *(_markdown(text) for text in before),
        _markdown("## Day 1: the review\n\n" + _overview(sources)),
        *_flaws(sources),
        _markdown(_right_code(sources)),
        _markdown(_claims(sources.scenario, rubric.claims)),
        *_exercises(sources, ExerciseKind.MEND),
        *_stage(sources, "Day 3: the architecture", _DAY_3, ExerciseKind.TRACE, ExerciseKind.EXPLAIN),
        *_stage(sources, "Day 5: the degraded system", _DAY_5, ExerciseKind.DIAGNOSE),
        _markdown("## Marks and gates\n\n" + _gates(rubric) + "\n\n" + _levels(rubric)),
        *(_markdown(text) for text in after),
    ]
    for index, cell in enumerate(cells):
        cell["id"] = f"guide-{index:03d}-" + hashlib.sha256(f"{sources.slug}:{index}".encode()).hexdigest()[:8]
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "reviewkit_guide": {"slug": sources.slug, "rubric": rubric.version, "rubric_sha256": rubric.sha256, "canary": rubric.canary},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


_DAY_3: Final = (
    "Open the candidate's drawing beside the truth (the cockpit shows both; `reviewkit playback` shows how it came about). Ask first "
    "why each mark stands where it stands; show the truth only then, and let them explain the difference."
)
_DAY_5: Final = (
    "Run the system under load with the candidate watching, or look at the recording they made. Ask for the evidence before the remedy, "
    "and for what it costs."
)


def _opening(sources: Sources) -> str:
    rubric = sources.rubric
    return _FIRST.format(
        title=sources.scenario.title, canary=rubric.canary, summary=rubric.summary.strip(), ideal_for=rubric.ideal_for,
        minutes=sources.scenario.minutes, version=rubric.version,
    )  # fmt: skip


def _around_defects(guide: str) -> tuple[list[str], list[str]]:
    """(sections before those about defects, sections after them); a section about defects keeps what stands before its first one."""
    starts = [match.start() for match in _SECTION.finditer(guide)]
    bounds = [0, *starts, len(guide)]
    before: list[str] = []
    after: list[str] = []
    has_met = False
    for start, end in pairwise(bounds):
        text = guide[start:end].strip()
        defects = _DEFECT.search(text)
        has_met |= defects is not None
        kept = text[: defects.start()].strip() if defects else text
        if kept.startswith("# "):  # the notebook has a title of its own
            kept = "## The idea\n\n" + kept.partition("\n")[2].strip()
        if kept.count("\n"):
            (after if has_met and defects is None else before).append(kept)
    return before, after


def _overview(sources: Sources) -> str:
    order = {level: rank for rank, level in enumerate(Level)}
    rows = [
        f"| [{_cell(d.title)}](#{d.id}) | {d.severity.value} | {d.level.value} | {d.domain.value} | `{_place(sources.spans[d.id][0])}` |"
        for d in sorted(sources.rubric.defects, key=lambda d: -order[d.level])
    ]
    table = "\n".join(["| planted flaw | severity | level | domain | place |", "| --- | --- | --- | --- | --- |", *rows])
    return f"{len(rows)} planted flaws, the highest level first. A hint used costs {sources.rubric.hint_cost:g} of a flaw's points.\n\n{table}"


def _flaws(sources: Sources) -> Iterable[Cell]:
    guide = read_guide(sources.guide)
    for defect in sources.rubric.defects:
        yield _markdown(_flaw(defect, sources, guide.get(defect.id)))
        yield _code(f'guide.prove("{defect.id}")', "proof")
        yield _code(f'guide.fix("{defect.id}")', "fix")


def _flaw(defect: Defect, sources: Sources, guide: DefectGuide | None) -> str:
    main, *others = sources.spans[defect.id]
    parts = [
        f'<a id="{defect.id}"></a>\n\n### {defect.title}',
        f"`{defect.id}` · **{defect.severity.value}** · {defect.level.value} · {defect.domain.value} · {defect.category.value} · proof by {defect.proof}",
        f"**Place:** `{_place(main)}`" + (", also " + ", ".join(f"`{_place(s)}`" for s in others) if others else ""),
        _fenced(dedent(sources.quote(main)), "python" if main.file.endswith(".py") else ""),
        "**Mechanism and consequence**\n\n" + _list(defect.understands),
    ]
    if guide is not None:
        parts += [f"**Know first:** {guide.about}"] * bool(guide.about) + [f"**Ask next:** {guide.ask}"] * bool(guide.ask)
        parts += ["**Hints, one rung at a time**\n\n" + "\n".join(f"{n}. {hint}" for n, hint in enumerate(guide.hints, 1))] * bool(guide.hints)
        parts += [f"**Listen for:** {guide.listen}"] * bool(guide.listen)
    parts += ["**More questions**\n\n" + _list(defect.follow_ups)] * bool(defect.follow_ups)
    parts += ["**Counts as seeing it**\n\n" + _list(defect.sees), "**Accepted remedies**\n\n" + _list(defect.mends)]
    parts += ["**Does not count**\n\n" + _list(defect.not_)] * bool(defect.not_)
    return "\n\n".join(parts) + "\n\nShow it now: the proof on the change and on the reference, then the reference's fix."


def _right_code(sources: Sources) -> str:
    rubric = sources.rubric
    decoys = [f"`{_place(sources.spans[d.id][0])}`: {d.why}" for d in rubric.decoys]
    valid = [f"{a.statement}" + (f" (`{a.file}`)" if a.file else "") for a in rubric.also_valid]
    parts = ["### Right, although it looks wrong", _list(decoys) if decoys else "Nothing is planted as such."]
    return "\n\n".join([*parts, *(["### True, though not planted", _list(valid)] if valid else [])])


def _claims(scenario: Scenario, keys: Sequence[ClaimKey]) -> str:
    texts = {claim.id: claim.text for claim in scenario.claims}
    rows = [f"| {_cell(texts.get(k.id, k.id))} | **{k.verdict.value}** | {_cell(k.why)} |" for k in keys]
    return "\n".join(["### The author's claims", "", "| claim | verdict | why |", "| --- | --- | --- |", *rows])


def _stage(sources: Sources, title: str, words: str, *kinds: ExerciseKind) -> list[Cell]:
    cells = [cell for kind in kinds for cell in _exercises(sources, kind)]
    none = "" if cells else "\n\nThis scenario has no exercise for this stage; use the questions of its flaws."
    return [_markdown(f"## {title}\n\n{words}{none}"), *cells]


def _exercises(sources: Sources, kind: ExerciseKind) -> list[Cell]:
    found: list[Cell] = []
    for exercise in sources.scenario.exercises:
        if exercise.kind is kind:
            found.append(_markdown(_exercise(exercise, sources.rubric.exercises.get(exercise.id, ExerciseKey()))))
            call = {
                ExerciseKind.MEND: f'guide.reference("{exercise.id}")',
                ExerciseKind.TRACE: f'guide.trace("{exercise.id}")',
                ExerciseKind.DIAGNOSE: f'await guide.degraded("{exercise.id}")',
            }.get(kind)
            found += [_code(call, kind.value)] if call else []
    return found


def _exercise(exercise: Exercise, key: ExerciseKey) -> str:
    parts = [f"### {exercise.title} ({exercise.kind.value})", _quoted(exercise.prompt)]
    for name in ("points", "cause", "evidence", "fix", "trade_off"):
        statements = getattr(key, name)
        parts += [f"**{name.replace('_', '-').capitalize()}**\n\n{_list(statements)}"] * bool(statements)
    if key.checks:
        parts.append("**Hidden checks:** " + ", ".join(f"`{check}`" for check in key.checks))
    return "\n\n".join(parts)


def _gates(rubric: Rubric) -> str:
    rows = [f"**{g.id}**: {g.statement} Evidence: {', '.join([*g.evidence.defects, *g.evidence.exercises])}." for g in rubric.gates]
    return "**Must explain**\n\n" + (_list(rows) if rows else "This rubric has no gates.")


def _levels(rubric: Rubric) -> str:
    return "\n\n".join(
        f"**{dimension.value}**\n\n" + "\n".join(f"- {mark}: {words}" for mark, words in marks.items()) for dimension, marks in rubric.levels.items()
    )


def _place(span: Span) -> str:
    return f"{span.file}:{span.first}" + (f"-{span.last}" if span.last != span.first else "")


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text}\n````"


def _markdown(source: str) -> Cell:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": source}


def _code(source: str, tag: str = "setup") -> Cell:
    return {"cell_type": "code", "id": "", "metadata": {"tags": [tag]}, "execution_count": None, "outputs": [], "source": source}
