"""All submissions of a batch together: the cohort page, the CSV, and scorecards as a pandas frame."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reviewkit.collect import write_whole
from reviewkit.errors import DataError
from reviewkit.harness.results import bars
from reviewkit.plot import svg
from reviewkit.report import environment
from reviewkit.row import Row
from reviewkit.safe_text import cell
from reviewkit.statsviews import MEANING
from reviewkit.totalbar import row_bar

if TYPE_CHECKING:
    import pandas as pd

BINS = tuple(range(0, 100, 10))
MANY = 8
"""Submissions from which a distribution says more than the rows themselves."""


def render_cohort(rows: Sequence[Row], agreement: Sequence[Mapping[str, Any]] = ()) -> str:
    """The cohort page: per scenario the distribution and a table by total, then agreement and what could not be scored.

    Args:
        rows: The batch.
        agreement: From `statsviews.cohort_rows`; without any decision of a rater there is none.
    """
    by_scenario: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.unscored:
            by_scenario[row.scenario].append(row)
    groups = [
        (name, sorted(found, key=lambda r: (-(r.total or 0.0), r.candidate, r.sha256)), _distribution(found))
        for name, found in sorted(by_scenario.items())
    ]
    unscored = sorted((row for row in rows if row.unscored), key=lambda r: (r.unscored, r.file))
    page = environment().get_template("cohort.html.j2")
    return page.render(groups=groups, unscored=unscored, total=len(rows), agreement=agreement, meaning=MEANING, bar=row_bar)


def percent(row: Row) -> float:
    """Total in percent of what could be had."""
    return 100 * (row.total or 0.0) / row.over if row.over else 0.0


def _distribution(rows: Sequence[Row]) -> Markup:
    if len(rows) < MANY:
        return Markup("")
    counts = {f"{low}–{low + 10}": sum(low <= percent(r) < low + 10 or (low == 90 and percent(r) >= 100) for r in rows) for low in BINS}
    return Markup(svg(bars("Submissions by percent of the points", counts)))  # noqa: S704 - our own SVG


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Every row, all cells quoted and none a formula."""
    text = io.StringIO(newline="")
    fields = list(Row("", "").as_dict())
    writer = csv.DictWriter(text, fields, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        plain = row.as_dict()
        writer.writerow({k: _csv_value(v) for k, v in plain.items()})
    write_whole(path, text.getvalue().encode("utf-8", "backslashreplace"))


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    return cell(value) if isinstance(value, str) else f"{value}"


def load_scorecards(folder: str | Path) -> pd.DataFrame:
    """Scorecards of an output folder as a frame, one row each, one column per dimension.

    Args:
        folder: What `reviewkit score --out` wrote, or its `scorecards/`.

    Returns:
        Columns candidate, scenario, total, over, percent, interval_low, interval_high, band, waiting, gates, found,
        planted, and one per dimension (points, NaN when unscored); sorted by scenario and candidate. An empty folder
        gives an empty frame.

    Raises:
        DataError: If a file there is no scorecard.
    """
    import pandas as pd

    root = Path(folder)
    inside = root / "scorecards"
    cards = sorted((inside if inside.is_dir() else root).glob("*.json"))
    frame = pd.DataFrame([_flat(path) for path in cards])
    return frame if frame.empty else frame.sort_values(["scenario", "candidate"], ignore_index=True)


def _flat(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text("utf-8"))
        total = card["total"]
        return {
            "candidate": card["about"]["candidate"], "scenario": card["about"]["slug"], "total": total["points"],
            "over": total["over"], "percent": total["percent"], "interval_low": total["interval_low"],
            "interval_high": total["interval_high"], "band": total["band"], "waiting": len(card["queue"]),
            "gates": card["gates_outcome"], "found": sum(d["state"] == "credited" for d in card["defects"]),
            "planted": len(card["defects"]),
        } | {d["dimension"]: d["points"] if d["scored"] else float("nan") for d in card["dimensions"]}  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(path.name, "is no scorecard", "Name the folder that reviewkit score wrote.") from error
