"""What the command line shows of a bank: facts as plain data, and their form as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewkit.bank import Bank, Entry
from reviewkit.errors import UsageError
from reviewkit.harness.stage import find_driver
from reviewkit.imageparts import runs_in


def bank_rows(bank: Bank) -> list[dict[str, Any]]:
    """One dict per scenario: slug, version, title, stack, languages, what its code runs in, minutes."""
    return [
        {
            "slug": entry.slug,
            "version": entry.scenario.version,
            "title": entry.scenario.title,
            "stack": entry.scenario.stack,
            "languages": list(entry.scenario.languages),
            "runs_in": runs_in(find_driver(entry.folder)).value,
            "minutes": entry.scenario.minutes,
        }
        for entry in bank
    ]


def scenario_facts(entry: Entry, *, key: bool) -> dict[str, Any]:
    """Facts of one scenario; with `key` also the defects of its rubric."""
    scenario = entry.scenario
    facts: dict[str, Any] = {
        "slug": entry.slug, "version": scenario.version, "kind": scenario.kind, "title": scenario.title,
        "stack": scenario.stack, "minutes": scenario.minutes, "files": list(scenario.files),
        "claims": len(scenario.claims), "probes": [p.title for p in scenario.probes],
        "exercises": [f"{e.id} ({e.kind.value})" for e in scenario.exercises],
    }  # fmt: skip
    if entry.rubric_folder is not None:
        rubric = entry.rubric
        facts |= {
            "summary": rubric.summary, "assesses": list(rubric.assesses), "ideal_for": rubric.ideal_for,
            "domains": [d.value for d in rubric.domains], "defects": len(rubric.defects), "decoys": len(rubric.decoys),
        }  # fmt: skip
        if key:
            facts["key"] = [
                {"id": d.id, "severity": d.severity.value, "level": d.level.value, "file": d.file, "title": d.title}
                for d in rubric.defects
            ]
    return facts


def scenario_text(facts: Mapping[str, Any]) -> str:
    """Facts as lines of text."""
    lines = []
    for name, value in facts.items():
        if name == "key":
            lines.append("key:")
            lines += [f"  {d['severity']:8} {d['level']:7} {d['id']:32} {d['file']}: {d['title']}" for d in value]
        else:
            shown = ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
            lines.append(f"{name + ':':12} {shown.strip()}")
    return "\n".join(lines)


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows on the terminal; cells are text, never markup."""
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(", ".join(v) if isinstance(v, list) else str(v)) for v in row.values()))
    Console().print(table)


def schema(which: str) -> dict[str, Any]:
    """JSON Schema of a file format.

    Raises:
        UsageError: If there is no such format.
    """
    from reviewkit.rubric import Rubric
    from reviewkit.scenario import Scenario
    from reviewkit.scorecard import Scorecard

    models: dict[str, type[BaseModel]] = {"scenario": Scenario, "rubric": Rubric, "scorecard": Scorecard}
    if which not in models:
        raise UsageError(f"No schema {which!r}.", "Use one of: " + ", ".join(models))
    return models[which].model_json_schema(by_alias=True)
