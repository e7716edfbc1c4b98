"""Builds `notebooks/<slug>.ipynb` from a scenario's files, and says when the two differ."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from reviewkit.bank import Bank, Entry
from reviewkit.codetokens import is_script
from reviewkit.forms import RECORDED, bundle, form
from reviewkit.scenario import Exercise
from reviewkit.words import ExerciseKind

NBFORMAT_MINOR = 5
Cell = dict[str, Any]

_FIRST = """# {title}

{role}

**How it works.** Read the brief, the author's description and the change. Remark on whatever you would raise in a review: select a line
(or a range) of the change and write. Run the code and the probes as you like; nothing you run can break the interview. Judge the author's claims.
When you are done reading, close the review part: the exercises open (you can still add remarks, marked as later). At the end give your verdict and submit.
The time box is {minutes} minutes. You may stop and come back: everything is kept.

**Keys inside the change**: `j` `k` lines, `n` `p` hunks, `Shift`+arrows a range, `c` comment, `Ctrl+Enter` save, `Esc` back. Everything also works by mouse.

**What is recorded**: {recorded}. Nothing else: no keystrokes, no screen, no camera, no network traffic. You can see and download the record at any time.

If a cell says that `rk` is not defined, run the next cell first."""

_SHOWN_SOURCES = ("probe",)
"""Forms whose cell a candidate may want to edit, to run a probe on another tree; the others show the form alone."""

_EVIDENCE = """%%evidence last
# `last` is your newest remark; its number works too. `kit` makes the world and `stage` runs the change as proposed:
# rk.driver() prints what both offer. A check that holds raises nothing; one that does not raises AssertionError. For example:
#
# async with stage.open(kit.<a world>()) as job:
#     answer = await job.call("<a function of the driver>")
#     assert answer.ok, answer.message"""


def workbook_cells(entry: Entry) -> list[Cell]:
    """All cells of a workbook, in order; ids follow from slug and position, so that a rebuild changes nothing."""
    cells = _opening(entry) + _change(entry) + _code(entry) + _probes(entry)
    cells += _exercises(entry) + _closing(entry)
    for index, cell in enumerate(cells):
        cell["id"] = f"rk-{index:03d}-" + hashlib.sha256(f"{entry.slug}:{index}".encode()).hexdigest()[:8]
    return cells


def _opening(entry: Entry) -> list[Cell]:
    s = entry.scenario
    first = _FIRST.format(title=s.title, role=s.role.strip(), minutes=s.minutes, recorded="; ".join(RECORDED))
    setup = f'from reviewkit.workbook import rk\n\nrk.start("{entry.slug}")'
    return [
        _markdown(first),
        _code_cell(setup, ["reviewkit-setup"]),
        _form_cell(entry, "status", "rk.status()"),
        _markdown("## The brief\n\n" + _demoted(entry.text("brief.md"))),
    ]


def _change(entry: Entry) -> list[Cell]:
    return [
        _markdown("## The pull request\n\n" + _demoted(entry.text("pull_request.md"))),
        _markdown("## The change\n\nRemark on anything you would raise before this ships."),
        _form_cell(entry, "change", "rk.change()"),
        _markdown("Do you work better without the diff view? This cell gives a plain form that records the same finding."),
        _code_cell("rk.plain()", ["reviewkit-plain"]),
        _markdown("## The author's claims\n\nJudge each by what the change really does, and say why: a judgement without a reason counts half."),
        _form_cell(entry, "claims", "rk.claims()"),
    ]


def _code(entry: Entry) -> list[Cell]:
    cells = [
        _markdown(
            "## The code\n\nThe files as proposed. Running a cell puts the file into your workspace, where probes and your own cells use it. "
            "Edit freely: the change under review stays what it is."
        )
    ]
    for file in entry.scenario.files:
        head = entry.folder / "head" / file
        if head.is_file() and (file.endswith(".py") or is_script(file)):
            cells.append(_code_cell(f"%%review {file}\n{_source(head)}", ["reviewkit-review"]))
    return cells


def _probes(entry: Entry) -> list[Cell]:
    cells = [_markdown("## Probes\n\nEach runs the code in your workspace and shows what happens.")]
    cells += [
        _form_cell(entry, "probe", f'await rk.probe("{probe.id}")', probe.id, ["probe"]) for probe in entry.scenario.probes
    ]
    cells.append(_markdown("### Prove it\n\nA check that fails on the change can be attached to a remark as evidence."))
    cells.append(_code_cell(_EVIDENCE, ["reviewkit-evidence"]))
    cells.append(_form_cell(entry, "close", "rk.close_review()"))
    return cells


def _exercises(entry: Entry) -> list[Cell]:
    cells: list[Cell] = [_markdown("## Exercises\n\nThey open when you close the review part.")]
    for exercise in entry.scenario.exercises:
        if exercise.kind is ExerciseKind.MEND:
            cells.append(_form_cell(entry, "task", f'rk.task("{exercise.id}")', exercise.id))
            cells += _mend(entry, exercise)
        elif exercise.kind is ExerciseKind.DIAGNOSE:
            cells.append(_code_cell(f'load = await rk.load("{exercise.id}")', ["reviewkit-load"]))
            look = "# What was recorded, as pandas frames: load.metrics and load.events\nload.metrics.tail()"
            cells.append(_code_cell(look, ["nbval-ignore-output"]))
            cells.append(_form_cell(entry, "exercise", f'rk.exercise("{exercise.id}")', exercise.id))
        else:
            cells.append(_form_cell(entry, "exercise", f'rk.exercise("{exercise.id}")', exercise.id))
    return cells


def _mend(entry: Entry, exercise: Exercise) -> list[Cell]:
    cells = []
    for file in exercise.files:
        source = f"%%mend {exercise.id} {file}\n{_source(entry.folder / 'head' / file)}"
        cell = _code_cell(source, ["reviewkit-mend"])
        cell["metadata"]["reviewkit"] = {"mend": exercise.id, "file": file}
        cells.append(cell)
    cells.append(_form_cell(entry, "exercise", f'await rk.check("{exercise.id}")', exercise.id))
    return cells


def _closing(entry: Entry) -> list[Cell]:
    return [
        _markdown("## The end"),
        _form_cell(entry, "verdict", "rk.verdict()"),
        _form_cell(entry, "submit", "rk.submit()"),
        _markdown("### Your record\n\nEverything that is kept of your work, on a time line: run the cell, then play it, step through it, or jump to a remark."),
        _code_cell("rk.playback()", ["reviewkit-playback"]),
    ]


def _source(path: Path) -> str:
    return path.read_text("utf-8").rstrip("\n")


def _demoted(text: str) -> str:
    """The text with its headings two levels down, so that the workbook keeps one outline."""
    fenced = False
    lines = []
    for line in text.strip().split("\n"):
        fenced ^= line.startswith("```")
        lines.append("##" + line if line.startswith("#") and not fenced else line)
    return "\n".join(lines)


def _markdown(source: str) -> Cell:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": source}


def _code_cell(source: str, tags: list[str]) -> Cell:
    return {
        "cell_type": "code",
        "id": "",
        "metadata": {"tags": tags},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _form_cell(entry: Entry, name: str, source: str, item_id: str | None = None, tags: list[str] | None = None) -> Cell:
    spec = form(entry, name, item_id)
    cell = _code_cell(source, ["reviewkit-form", *(tags or [])])
    cell["metadata"]["reviewkit"] = {"form": spec["form"]} | ({"id": item_id} if item_id else {})
    if name not in _SHOWN_SOURCES:
        cell["metadata"]["jupyter"] = {"source_hidden": True}
    cell["outputs"] = [{"output_type": "display_data", "data": bundle(spec), "metadata": {}}]
    return cell


def workbook(entry: Entry) -> dict[str, Any]:
    """The whole workbook as notebook JSON (nbformat 4.5)."""
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "reviewkit": {"schema": 1, "slug": entry.slug, "version": entry.scenario.version},
    }
    return {"cells": workbook_cells(entry), "metadata": metadata, "nbformat": 4, "nbformat_minor": NBFORMAT_MINOR}


def essence(notebook: dict[str, Any]) -> list[tuple[str, str, tuple[str, ...], str]]:
    """What makes two workbooks the same: type, source, tags and form data of each cell, not ids."""
    found = []
    for cell in notebook["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        data = [o.get("data", {}) for o in cell.get("outputs", [])]
        tags = tuple(cell["metadata"].get("tags", []))
        found.append((cell["cell_type"], source, tags, json.dumps(data, sort_keys=True, ensure_ascii=False)))
    return found


def build(bank: Bank, slugs: tuple[str, ...], *, check: bool = False) -> list[str]:
    """Write the workbooks of a bank that are not up to date.

    Args:
        bank: Where `scenarios/` and `notebooks/` lie.
        slugs: Which scenarios; empty means all.
        check: Write nothing.

    Returns:
        Slugs whose notebook differed from its sources.
    """
    changed = []
    for slug in slugs or bank.slugs:
        notebook = workbook(bank.entry(slug))
        path = bank.root / "notebooks" / f"{slug}.ipynb"
        if path.is_file() and _same(path, notebook):
            continue
        changed.append(slug)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    return changed


def _same(path: Path, notebook: dict[str, Any]) -> bool:
    try:
        return essence(json.loads(path.read_text("utf-8"))) == essence(notebook)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
