"""All submissions of a batch together: the cohort page, the CSV, and scorecards as a pandas frame."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from reviewkit.cohortgroup import groups_of
from reviewkit.cohorttable import csv_bytes, table_of
from reviewkit.collect import write_whole
from reviewkit.errors import DataError
from reviewkit.report import environment
from reviewkit.row import Row
from reviewkit.statsviews import MEANING
from reviewkit.totalbar import row_bar

if TYPE_CHECKING:
    import pandas as pd

FIRST_LINES: Final = 100
"""Of a table, that are drawn while the page loads; with the page's script the others are not drawn before they are asked for."""


def render_cohort(rows: Sequence[Row], agreement: Sequence[Mapping[str, Any]] = ()) -> str:
    """The cohort page: per scenario what was found and a table by total, then agreement and what could not be scored.

    The page's own script sorts, filters and compares; the policy lets no other run, as it names this one by its hash.
    Without it the page shows the same, in the order of the totals.

    Args:
        rows: The batch.
        agreement: From `statsviews.cohort_rows`; without any decision of a rater there is none.
    """
    unscored = sorted((row for row in rows if row.unscored), key=lambda r: (r.unscored, r.file))
    script = _script()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment().get_template("cohort.html.j2").render(
        groups=groups_of(rows), unscored=unscored, total=len(rows), agreement=agreement, meaning=MEANING, bar=row_bar, first_lines=FIRST_LINES,
        script=Markup(script), script_hash=f"'sha256-{digest}'",  # noqa: S704 - our own file
    )  # fmt: skip


@cache
def _script() -> str:
    return (files("reviewkit") / "templates" / "cohort" / "cohort.js").read_text("utf-8")


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Every row, all cells quoted and none a formula."""
    write_whole(path, csv_bytes(table_of(rows)))


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
