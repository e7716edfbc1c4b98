"""The store keeps one row per file, rubric and scorer, with its scorecard."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from reviewkit.row import Row
from reviewkit.store import save_rows, stored

SCORED = Row(
    file="a.ipynb", sha256="0" * 64, candidate="c-1", scenario="stock", scenario_version="1.0.0", rubric_version="1.0.0",
    total=61.5, over=96.0, low=55.0, high=68.0, band="middling", gates="1 pass", waiting=3, scorecard="scorecards/a.json",
)  # fmt: skip
BROKEN = Row(file="b\udc80.ipynb", sha256="", unscored="not_json", sentence="b: no JSON")


def run(tmp_path: Path, *batches: list[Row]) -> list[dict[str, object]]:
    (tmp_path / "scorecards").mkdir(exist_ok=True)
    (tmp_path / "scorecards" / "a.json").write_text(json.dumps({"schema": 1}), "utf-8")
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}"

    async def work() -> list[dict[str, object]]:
        for batch in batches:
            await save_rows(url, batch, tmp_path)
        return await stored(url)

    return asyncio.run(work())


def test_rows_come_back_with_their_scorecard(tmp_path: Path) -> None:
    first, second = run(tmp_path, [SCORED, BROKEN])
    assert (first["total"], first["scorecard"], first["candidate"]) == (61.5, {"schema": 1}, "c-1")
    assert (second["unscored"], second["total"], second["file"]) == ("not_json", None, "b\\udc80.ipynb")


def test_scoring_again_replaces_and_a_new_rubric_adds(tmp_path: Path) -> None:
    again = replace(SCORED, total=70.0)
    newer = replace(SCORED, rubric_version="1.1.0")
    rows = run(tmp_path, [SCORED], [again], [newer])
    assert [(r["rubric_version"], r["total"]) for r in rows] == [("1.0.0", 70.0), ("1.1.0", 61.5)]
