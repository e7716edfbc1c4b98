"""The edge of the fairness report: reads scorecards and an outside table, writes to a terminal or a file that was named.

The table is held in memory while the report is made. No value of it goes into the output folder, a log or an error.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewkit import fairness
from reviewkit.archive import read_archive
from reviewkit.bank import find_bank
from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError
from reviewkit.fairness import Comparison, Group, Scored
from reviewkit.safe_text import visible

CANDIDATE = "candidate"
FILE_WIDTH = 160
"""Columns of a report in a file."""


def read_groups(path: Path, columns: Sequence[str], id_column: str = CANDIDATE) -> dict[str, dict[str, str]]:
    """
    Read the columns asked for; others are not kept.

    Args:
        path: CSV with a header, UTF-8.
        columns: Columns that hold groups.
        id_column: Column that holds the candidates' ids, as in the scorecards.

    Returns:
        Column -> candidate -> group; cells without text are left out.

    Raises:
        UsageError: If the file or a column is not there.
        DataError: If the file is no such table, or two lines give one candidate two groups.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = csv.DictReader(stream, strict=True)
            head = list(lines.fieldnames or ())
            missing = [name for name in (id_column, *columns) if name not in head]
            if missing:
                raise UsageError(f"{path}: has no column {missing[0]!r}.", f"It has: {', '.join(head) or 'none'}.")
            return _groups(lines, columns, id_column, path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).", "Name a CSV file with --groups.") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(path.name, "is not a CSV table in UTF-8", "Export it again as CSV, UTF-8.") from None


def _groups(
    lines: csv.DictReader[str], columns: Sequence[str], id_column: str, path: Path
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {column: {} for column in columns}
    for number, line in enumerate(lines, start=2):
        candidate = (line[id_column] or "").strip()
        for column in columns:
            group = (line[column] or "").strip()
            if candidate and group and found[column].setdefault(candidate, group) != group:
                fact = f"line {number} gives a candidate another {column!r} than a line before"
                raise DataError(path.name, fact, "Keep one line per candidate.")
    return found


def fairness_report(
    out: Path, table: Path, columns: Sequence[str], pass_from: str = "", id_column: str = CANDIDATE,
    bank: Path | None = None, rubrics: Path | None = None,
) -> tuple[list[Comparison], list[str]]:  # fmt: skip
    """
    Compare groups of an outside table by what `reviewkit score` wrote.

    Args:
        out: Output folder; only its scorecards are read, nothing is written.
        table: CSV outside of `out`.
        columns: Groupings, each reported by itself.
        pass_from: Name of a band, or percent of the points; empty for the highest band.
        id_column: Column with candidates' ids.
        bank: Bank folder, for the limits of bands.
        rubrics: Folder of the rubrics.

    Returns:
        The comparisons, and notes on what was compared and left out.

    Raises:
        UsageError: If the table lies in the output folder, or a column or band is not there.
        DataError: If the table or a scorecard cannot be read.
    """
    keep_apart(table, out, "--groups")
    cards = [one.card for one in read_archive(out)]
    groups = read_groups(table, columns, id_column)
    scored = [Scored(card.about.candidate, card.about.slug, card.total.percent) for card in cards]
    limits = _limits({one.scenario for one in scored}, pass_from, bank, rubrics)
    notes = [f"{name}: a result passes from {limit:g} % of the points." for name, limit in sorted(limits.items())]
    comparisons: list[Comparison] = []
    for column in columns:
        comparisons += fairness.compare(scored, groups[column], column, limits)
        without = sum(one.candidate not in groups[column] for one in scored)
        if without:
            notes.append(f"{without} of {len(scored)} results have no {column} in the table and are left out.")
    return comparisons, notes


def keep_apart(path: Path, out: Path, option: str) -> None:
    """Refuse a file inside the output folder, which is archived.

    Raises:
        UsageError: If `path` lies in `out`.
    """
    if path.resolve().is_relative_to(out.resolve()):
        raise UsageError(
            f"{option} {path}: lies in {out}, where nothing about groups may be kept.", "Name a place outside."
        )


def _limits(slugs: set[str], pass_from: str, bank: Path | None, rubrics: Path | None) -> dict[str, float]:
    try:
        percent = float(pass_from.rstrip(" %")) if pass_from else None
    except ValueError:
        percent = None
    if percent is not None:
        if not 0 <= percent <= 100:
            raise UsageError(f"--pass-from {pass_from}: is not between 0 and 100.", "Name a percentage or a band.")
        return dict.fromkeys(slugs, percent)
    found = find_bank(bank, rubrics)
    limits: dict[str, float] = {}
    for slug in sorted(slugs):
        bands = {band.name: band.from_ for band in found.entry(slug).rubric.bands}
        if pass_from and pass_from not in bands:
            raise UsageError(f"--pass-from {pass_from}: {slug} has no such band.", f"It has: {', '.join(bands)}.")
        limits[slug] = bands[pass_from] if pass_from else max(bands.values())
    return limits


def write_report(comparisons: Sequence[Comparison], notes: Sequence[str], to: Path | None, *, as_json: bool) -> None:
    """Print the report, or write it to the one file that was named.

    Raises:
        UsageError: If the file cannot be written.
    """
    text = _json(comparisons, notes) if as_json else _text(comparisons, notes, None if to is None else FILE_WIDTH)
    if to is None:
        print(text)
        return
    try:
        write_whole(to, (text + "\n").encode())
    except OSError as error:
        raise UsageError(f"--to {to}: cannot be written ({error.strerror}).", "Name another file.") from None


def _json(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    return json.dumps({**fairness.as_dict(comparisons), "notes": list(notes)}, ensure_ascii=True, allow_nan=False)


def _text(comparisons: Sequence[Comparison], notes: Sequence[str], width: int | None) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        for one in comparisons:
            _print(one, console)
        for words in (*notes, fairness.MEANING):
            console.print(Text(visible(words)))
    return capture.get().rstrip("\n")


def _print(one: Comparison, console: Console) -> None:
    name = f"{one.column}, {one.scenario}"
    if one.small:
        console.print(
            Text(f"{visible(name)}: {one.small} groups of fewer than {fairness.LEAST_GROUP} people are left out.")
        )
    if not one.groups:
        console.print(Text(f"{visible(name)}: {one.words}."))
        return
    table = Table(title=Text(visible(name)), title_justify="left")
    for column in (
        "group",
        "people",
        "pass",
        "rate",
        "impact ratio",
        "p (Fisher)",
        "standardised difference",
        "what it says",
    ):
        table.add_column(column)
    for group in one.groups:
        table.add_row(*(Text(visible(cell)) for cell in _cells(group)))
    console.print(table)


def _cells(group: Group) -> tuple[str, ...]:
    ratio = p = apart = ""
    if group.ratio is not None and group.ratio_low is not None:
        top = "no limit" if group.ratio_high is None else f"{group.ratio_high:.2f}"
        ratio = f"{group.ratio:.2f} ({group.ratio_low:.2f} to {top})"
    if group.p is not None:
        p = f"{group.p:.3f}"
    if group.difference is not None:
        apart = f"{group.difference:+.2f} ({group.difference_low:+.2f} to {group.difference_high:+.2f})"
    return (group.name, str(group.n), str(group.passed), f"{100 * group.rate:.0f} %", ratio, p, apart, group.words)
