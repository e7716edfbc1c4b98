"""The forms of a workbook as data: what a stored output holds and what a widget is given. See docs/record.md, section 5."""

from __future__ import annotations

from html import escape
from typing import Any

from reviewkit.bank import Entry
from reviewkit.diff import change_files
from reviewkit.scenario import Exercise
from reviewkit.words import Category, ExerciseKind, Judgement, Severity

MIME = "application/vnd.reviewkit.form+json"
SCHEMA = 1
RECORDED = (
    "your remarks (text, place, severity, category, each edit with its time)",
    "your judgement of each claim",
    "which probes you ran and what they said",
    "your answers, the files you mended and the outcome of the public checks",
    "checks that you wrote as evidence, with their outcome",
    "your verdict and when you submitted",
)
"""What a record holds; the first screen names it, and nothing else is recorded."""


def form(entry: Entry, name: str, item_id: str | None = None) -> dict[str, Any]:
    """The specification of one form.

    Args:
        entry: The scenario.
        name: `status`, `change`, `claims`, `close`, `probe`, `task`, `exercise`, `verdict` or `submit`.
        item_id: Id of the probe or exercise.

    Raises:
        KeyError: If there is no such probe or exercise.
    """
    scenario = entry.scenario
    common: dict[str, Any] = {"schema": SCHEMA, "form": name, "slug": entry.slug, "version": scenario.version}
    if name == "status":
        return {**common, "minutes": scenario.minutes, "recorded": list(RECORDED)}
    if name == "change":
        return {**common, **_change(entry)}
    if name == "claims":
        claims = [{"id": c.id, "text": c.text} for c in scenario.claims]
        return {**common, "claims": claims, "judgements": [j.value for j in Judgement]}
    if name == "probe":
        probe = next((p for p in scenario.probes if p.id == item_id), None)
        if probe is None:
            raise KeyError(item_id)
        return {**common, "probe": {"id": probe.id, "title": probe.title, "text": probe.text}}
    if name == "task":
        exercise = scenario.exercise(str(item_id))
        return {**common, "exercise": {"id": exercise.id, "title": exercise.title, "prompt": exercise.prompt}}
    if name == "exercise":
        exercise = scenario.exercise(str(item_id))
        return {**common, "form": exercise.kind.value, "exercise": _exercise(exercise)}
    return common


def _change(entry: Entry) -> dict[str, Any]:
    return {
        "title": entry.scenario.title,
        "description": entry.text("pull_request.md"),
        "severities": [s.value for s in Severity],
        "categories": [c.value for c in Category],
        "files": change_files(entry.folder / "base", entry.folder / "head", entry.scenario.files),
    }


def _exercise(exercise: Exercise) -> dict[str, Any]:
    if exercise.kind is ExerciseKind.MEND:  # its prompt stands before its files, in the form `task`
        return {"id": exercise.id, "title": exercise.title, "files": list(exercise.files)}
    common: dict[str, Any] = {"id": exercise.id, "title": exercise.title, "prompt": exercise.prompt}
    if exercise.kind is ExerciseKind.TRACE:
        return {
            **common,
            "layers": [layer.model_dump() for layer in exercise.layers],
            "marks": [mark.model_dump() for mark in exercise.marks],
        }
    return common


def bundle(spec: dict[str, Any]) -> dict[str, Any]:
    """The MIME bundle of a stored output: the form, and what viewers without the extension show instead."""
    plain = f"reviewkit form: {spec['form']}"
    if spec["form"] == "change":
        return {MIME: spec, "text/html": static_diff(spec), "text/plain": plain}
    return {MIME: spec, "text/plain": plain}


def static_diff(spec: dict[str, Any]) -> str:
    """The change as plain HTML for viewers that know no forms; every text is escaped."""
    parts = []
    for file in spec["files"]:
        lines = []
        for hunk in file["hunks"]:
            lines.append(escape(hunk["head"]))
            lines += [escape(kind + "".join(tokens[1::2])) for kind, _old, _new, tokens in hunk["rows"]]
        parts.append(_file_html(file["path"], lines))
    return "".join(parts)


def _file_html(path: str, lines: list[str]) -> str:
    text = "\n".join(lines)
    return f"<details open><summary>{escape(path)}</summary><pre>{text}</pre></details>"
