"""Old and new scores side by side: page, CSV, JSON and a table on the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewkit.collect import write_whole
from reviewkit.comparison import Change, Comparison, Side
from reviewkit.report import environment
from reviewkit.safe_text import cell, visible

_SIDE: Final = ("rubric", "scorer", "points", "over", "percent", "low", "high", "band", "gates", "waiting")
FIELDS: Final = (
    "candidate",
    "scenario",
    "sha256",
    *(f"{name}_{side}" for side in ("old", "new") for name in _SIDE),
    "moved",
    "changes",
    "why",
)


def write_comparison(
    folder: Path, comparisons: Sequence[Comparison], failed: Sequence[str], notes: Sequence[str]
) -> None:
    """Write `comparison.json`, `.csv` and `.html`; the same comparisons give the same bytes."""
    data = as_dict(comparisons, failed, notes)
    write_whole(
        folder / "comparison.json",
        (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"),
    )
    write_whole(folder / "comparison.csv", csv_text(comparisons).encode("utf-8", "backslashreplace"))
    page = environment().get_template("comparison.html.j2").render(comparisons=comparisons, failed=failed, notes=notes)
    write_whole(folder / "comparison.html", page.encode("utf-8", "backslashreplace"))


def as_dict(comparisons: Sequence[Comparison], failed: Sequence[str], notes: Sequence[str]) -> Mapping[str, Any]:
    """Plain values for JSON."""
    return {
        "schema_version": 1, "comparisons": [one.as_dict() for one in comparisons], "failed": list(failed), "notes": list(notes),
    }  # fmt: skip


def csv_text(comparisons: Sequence[Comparison]) -> str:
    """A line per submission, all cells quoted and none a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for one in comparisons:
        row: dict[str, Any] = {"candidate": one.candidate, "scenario": one.scenario, "sha256": one.sha256}
        for side, values in (("old", one.old), ("new", one.new)):
            row |= {f"{name}_{side}": getattr(values, name) for name in _SIDE}
        row |= {"moved": one.moved, "changes": len(one.changes), "why": " | ".join(sentence(c) for c in one.changes)}
        writer.writerow({key: cell(value) if isinstance(value, str) else f"{value}" for key, value in row.items()})
    return text.getvalue()


def sentence(change: Change) -> str:
    """One change in one sentence."""
    points = ""
    if change.points_before is not None or change.points_after is not None:
        points = f" ({_points(change.points_before)} -> {_points(change.points_after)} points)"
    moved = f"{change.before} -> {change.after}{points}" if change.before or change.after else ""
    head = " ".join(part for part in (change.kind, change.item, moved) if part)
    return f"{head}: {change.why}" if change.why else head


def _points(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def print_comparison(comparisons: Sequence[Comparison], console: Console) -> None:
    """The table: one line a submission."""
    table = Table(title="Old and new", title_justify="left")
    for column in (
        "candidate",
        "scenario",
        "old (90 % interval)",
        "new (90 % interval)",
        "moved",
        "band",
        "gates",
        "changes",
    ):
        table.add_column(column)
    for one in comparisons:
        cells = (
            one.candidate or one.sha256[:12], one.scenario, _total(one.old), _total(one.new), f"{one.moved:+.1f} %",
            _both(one.old.band, one.new.band), _both(one.old.gates, one.new.gates), str(len(one.changes)),
        )  # fmt: skip
        table.add_row(*(Text(visible(text)) for text in cells))
    console.print(table)


def _total(side: Side) -> str:
    return f"{side.points:.1f} of {side.over:g} ({side.low:.1f} to {side.high:.1f})"


def _both(old: str, new: str) -> str:
    return new if old == new else f"{old} -> {new}"
