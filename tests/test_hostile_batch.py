"""Hostile files scored beside honest ones, all the way through papermill: the honest ones notice nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hostile_files as hostile
import made_submissions as made
import pytest
from hostile_reports import make
from test_hostile_files import MEGABYTES, SECONDS, digests, hidden

pytestmark = pytest.mark.kernel

SAMPLE = (
    "text-closes-script.ipynb", "mend-below-file.ipynb", "remarks-300.ipynb", "clock-last-year.ipynb", "edited.ipynb",
    os.fsdecode(b"\xff\xfe\x80.ipynb"), os.fsdecode(b"a\nunscored (x): b\n.ipynb"), "events-only-wrong.ipynb", "..ipynb.ipynb",
)  # fmt: skip
"""Scored in each run; with --full, all are."""
GENERATED = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


@dataclass(frozen=True)
class Batch:
    """What one run of the command left."""

    out: Path
    done: subprocess.CompletedProcess[str]
    rows: dict[str, dict[str, Any]]
    seconds: float
    peak: int
    """Megabytes of the largest process that any of it needed."""

    def reports(self) -> dict[str, bytes]:
        """Reports by name, times aside."""
        return {path.name: GENERATED.sub(b"", path.read_bytes()) for path in (self.out / "reports").iterdir()}


def honest(folder: Path) -> list[str]:
    """Two reviews by different people, about different things."""
    one = {**made.SEEN, "body": "When the row is there already nothing is written, and yet the answer says that it was stored."}
    other = {**made.SEEN, "file": "txservice/api.py", "line": 12, "end_line": 12, "body": "The amount is a float, so cents get lost in sums."}
    for name, finding in (("a-honest", {**one, "why": "", "fix": ""}), ("z-honest", {**other, "why": "", "fix": ""})):
        made.write(folder / f"{name}.ipynb", made.completed(made.review(findings=[finding]), folder, candidate=name))
    return ["a-honest.ipynb", "z-honest.ipynb"]


MEASURED = (
    "import resource, subprocess, sys; code = subprocess.call(sys.argv[2:])\n"
    "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
)
"""Runs a command from a process of its own: this one has had other children, and is large itself."""


def run(inbox: Path, out: Path, timeout: int) -> Batch:
    peak = out.with_suffix(".peak")
    command = [sys.executable, "-c", MEASURED, str(peak), sys.executable, "-m", "reviewkit.cli", "score", str(inbox), "--out", str(out), "--bank", str(made.ROOT), "--jobs", "2", "--json"]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=inbox.parent, check=False)
    assert done.returncode in (0, 1), done.stderr
    rows = json.loads(done.stdout)
    megabytes = int(peak.read_text()) // (1024 if sys.platform == "linux" else 1024**2)
    peak.unlink()
    return Batch(out, done, {row["file"]: row for row in rows}, time.monotonic() - begun, megabytes)


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Batch, Batch, list[hostile.Hostile]]:
    """The honest files alone, then among hostile ones."""
    folder = tmp_path_factory.mktemp("batch")
    everything = hostile.corpus()
    items = everything if request.config.getoption("--full") else [i for i in everything if i.reason or i.name in SAMPLE]
    (folder / "alone").mkdir()
    (folder / "among").mkdir()
    honest(folder / "alone")
    honest(folder / "among")
    make(folder / "among", items)
    before = set(folder.iterdir()) | set(Path("/tmp").glob("outside*"))
    alone = run(folder / "alone", folder / "out-alone", 300)
    inbox = digests(folder / "alone")
    among = run(folder / "among", folder / "out-among", 300 + 30 * len(items))
    assert set(folder.iterdir()) | set(Path("/tmp").glob("outside*")) == before | {folder / "out-alone", folder / "out-among"}
    assert digests(folder / "alone") == inbox
    return alone, among, items


def test_every_file_has_one_row(batches: tuple[Batch, Batch, list[hostile.Hostile]]) -> None:
    _alone, among, items = batches
    assert set(among.rows) == {item.name for item in items} | {"a-honest.ipynb", "z-honest.ipynb"}
    for item in items:
        row = among.rows[item.name]
        assert row["unscored"] == item.reason, (ascii(item.name), row["sentence"])
        assert (row["total"] is None) == bool(item.reason), ascii(item.name)
        assert item.marks <= set(row["marks"].split(", ")), ascii(item.name)


def test_neighbours_are_the_same_bytes(batches: tuple[Batch, Batch, list[hostile.Hostile]]) -> None:
    alone, among, _items = batches
    assert among.done.returncode == 1
    reports = among.reports()
    for name in ("a-honest.ipynb", "z-honest.ipynb"):
        row = alone.rows[name]
        assert not row["unscored"], row["sentence"]
        assert among.rows[name] == row
        assert (among.out / row["scorecard"]).read_bytes() == (alone.out / row["scorecard"]).read_bytes()
        assert reports[Path(row["report"]).name] == alone.reports()[Path(row["report"]).name]


def test_there_is_no_traceback_anywhere(batches: tuple[Batch, Batch, list[hostile.Hostile]]) -> None:
    _alone, among, items = batches
    texts = {"stdout": among.done.stdout, "stderr": among.done.stderr}
    texts |= {path.name: path.read_text("utf-8", "replace") for path in among.out.glob("*.log")}
    shown = {path.name: json.loads(path.read_text("utf-8")) for path in (among.out / "notebooks").iterdir()}
    for name, text in texts.items():
        assert "Traceback" not in text, (name, text[-2000:])
    for name, notebook in shown.items():
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        assert all(output["output_type"] in ("execute_result", "display_data") for output in outputs), name
        assert not hidden("".join(json.dumps(o["data"].get("text/plain", "")) for o in outputs)), name
    assert not hidden(among.done.stdout + among.done.stderr)
    assert len(shown) == 2 + sum(1 for item in items if not item.reason or item.reason in ("unknown_scenario", "other_version"))


def test_each_file_costs_little(batches: tuple[Batch, Batch, list[hostile.Hostile]]) -> None:
    """The largest process that any of it needed; the time of all of them, shared out."""
    _alone, among, _items = batches
    assert 50 < among.peak < MEGABYTES
    assert among.seconds < SECONDS * len(among.rows)


def test_nothing_is_left_half_written(batches: tuple[Batch, Batch, list[hostile.Hostile]]) -> None:
    _alone, among, _items = batches
    assert not list(among.out.rglob(".tmp-*"))
    names = {path.name for path in among.out.iterdir()}
    assert names <= {
        "staged", "rows", "done", "batches.jsonl", "runs", "keys", "identities", "baselines", "notebooks", "reports", "scorecards", ".lock", "scoring.log",
        "store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "cohort.csv", "cohort.html", "cohort.json",
    }  # fmt: skip
