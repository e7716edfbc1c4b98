"""A batch: every file is one row, bad ones with their reason, and plain papermill gives the same scorecard."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import made_submissions as made
import pytest
from engine_cells import comparable
from test_cli import reviewkit

import reviewkit as package
from reviewkit.bank import find_bank
from reviewkit.sandbox import probe_level
from reviewkit.scoringrun import scoring_notebook

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
TRACE = "was-here"


def bad_files(folder: Path) -> dict[str, str]:
    """Files that cannot be scored, with their reason codes."""
    good = made.completed(made.review(), folder)
    text = json.dumps(good)
    (folder / "empty.ipynb").write_bytes(b"")
    (folder / "truncated.ipynb").write_text(text[:5000], "utf-8")
    made.write(folder / "foreign.ipynb", {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    old = json.loads(text)
    old["metadata"]["reviewkit"]["schema"] = 0
    made.write(folder / "older.ipynb", old)
    with (folder / "huge.ipynb").open("wb") as huge:
        huge.truncate(40 * 1024 * 1024)
    return {
        "empty.ipynb": "empty", "truncated.ipynb": "not_json", "foreign.ipynb": "foreign", "older.ipynb": "older_schema",
        "huge.ipynb": "too_large",
    }  # fmt: skip


def with_cells_that_leave(trace: Path, folder: Path) -> dict[str, object]:
    """A submission of which each cell would leave a file behind."""
    finding = {**made.SEEN, "file": "txservice/api.py", "line": 12, "end_line": 12, "body": "The amount is a float, so cents get lost in sums.", "why": "", "fix": ""}
    notebook = made.completed(made.review(findings=[finding]), folder, candidate="c-3")
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = f"open({str(trace)!r}, 'w')"
    return notebook


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[dict[str, object]]]:
    """An inbox with three good and five bad files, scored once."""
    inbox, out = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("out")
    reasons = bad_files(inbox)
    made.write(inbox / "leaving.ipynb", with_cells_that_leave(inbox / TRACE, inbox))
    made.write(inbox / "good.ipynb", made.completed(made.review(), inbox, candidate="+cmd-1"))
    other = {**made.SEEN, "body": "When the row is there already nothing is written, and the answer says that it was.", "why": "", "fix": ""}
    tampered = made.completed(made.review(findings=[other]), inbox, candidate="c-2")
    tampered["metadata"]["reviewkit"]["record"]["events"][1]["data"]["body"] += " And more."
    made.write(inbox / "tampered.ipynb", tampered)
    done = reviewkit("score", str(inbox), "--out", str(out), "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    rows = json.loads(done.stdout)
    assert {r["file"]: r["unscored"] for r in rows} == {**reasons, "good.ipynb": "", "leaving.ipynb": "", "tampered.ipynb": ""}
    return inbox, out, rows


def test_each_bad_file_names_itself_its_fault_and_the_next_step(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    for row in batch[2]:
        if row["unscored"]:
            sentence = str(row["sentence"])
            assert sentence.startswith(str(row["file"]))
            assert sentence.count(". ") >= 1
            assert "\n" not in sentence


def test_good_files_have_report_scorecard_notebook_and_row(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    _inbox, out, rows = batch
    good = next(r for r in rows if r["file"] == "good.ipynb")
    assert (out / str(good["report"])).is_file()
    card = json.loads((out / str(good["scorecard"])).read_text("utf-8"))
    assert card["sandbox"] == good["sandbox"] == probe_level()
    assert f"in the sandbox (level {probe_level()})" in (out / str(good["report"])).read_text("utf-8")
    assert json.loads((out / str(good["scorecard"])).read_text("utf-8"))["about"]["candidate"] == "+cmd-1"
    executed = json.loads((out / "notebooks" / f"{str(good['sha256'])[:12]}.ipynb").read_text("utf-8"))
    assert all(c["execution_count"] for c in executed["cells"] if c["cell_type"] == "code")
    assert str(out) not in json.dumps(executed["metadata"])
    tampered = next(r for r in rows if r["file"] == "tampered.ipynb")
    assert (tampered["marks"], tampered["tampering"], tampered["flags"]) == ("edited", 1, 1)
    card = json.loads((out / str(tampered["scorecard"])).read_text("utf-8"))
    assert [(flag["code"], flag["tampering"]) for flag in card["flags"]] == [("edited", True)]


def test_no_canary_in_anything_that_scoring_writes(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    """Rows, scorecards, reports, executed notebooks, baselines, store and the log of the kernels."""
    canaries = [entry.rubric.canary.encode() for entry in find_bank(made.ROOT)]
    files = [path for path in batch[1].rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"scoring.log", "cohort.html", "store.sqlite"}
    kept = {path for path in files if path.parent == batch[1] / "keys"}  # the hiring side's own copy of the rubric, for `rescore`
    assert [path for path in files if path not in kept and any(canary in path.read_bytes() for canary in canaries)] == []


def test_csv_and_cohort_are_safe_and_complete(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    _inbox, out, rows = batch
    with (out / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        cells = list(csv.DictReader(stream))
    assert len(cells) == len(rows)
    assert "'+cmd-1" in {c["candidate"] for c in cells}
    page = (out / "cohort.html").read_text("utf-8")
    assert "too_large" in page
    assert page.count("<script") == 1, "our own; browser/test_hostile_reports.py shows that no other runs"


def test_scorecards_load_as_a_frame(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    frame = package.load_scorecards(batch[1])
    assert len(frame) == 3
    assert set(frame["scenario"]) == {"transactions"}
    assert {"detection", "mending", "percent"} <= set(frame.columns)
    assert package.load_scorecards(batch[1] / "baselines" / "..").equals(frame)


def test_a_second_batch_adds_to_the_first(batch: tuple[Path, Path, list[dict[str, object]]], tmp_path: Path) -> None:
    """The same folder again: the cohort holds both, and a copy of an earlier submission is marked on both sides."""
    inbox, out, rows = batch
    both = shutil.copytree(out, tmp_path / "out")
    copy = json.loads((inbox / "good.ipynb").read_text("utf-8"))
    copy["metadata"]["reviewkit"]["record"]["candidate"] = "c-9"
    done = reviewkit("score", str(made.write(tmp_path / "copy.ipynb", copy)), "--out", str(both), COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert "copied text, same record" in " ".join(done.stdout.split()) and "under another candidate" in done.stdout
    with (both / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        cells = {c["file"]: c for c in csv.DictReader(stream)}
    assert set(cells) == {str(r["file"]) for r in rows} | {"copy.ipynb"}
    assert {name for name, c in cells.items() if c["batch_marks"]} == {"good.ipynb", "copy.ipynb"}
    good = next(r for r in rows if r["file"] == "good.ipynb")
    assert "same record" in (both / str(good["report"])).read_text("utf-8")
    assert (both / str(good["scorecard"])).read_bytes() == (out / str(good["scorecard"])).read_bytes()


def test_plain_papermill_alone_gives_the_same_scorecard_row_and_notebook(
    batch: tuple[Path, Path, list[dict[str, object]]], tmp_path: Path
) -> None:
    """Neither how a file is run nor its bad neighbours change anything."""
    _inbox, out, rows = batch
    good = next(r for r in rows if r["file"] == "good.ipynb")
    command = [sys.executable, "-m", "papermill", str(scoring_notebook()), str(tmp_path / "run.ipynb")]
    staged = out / "staged" / f"{good['sha256']}.ipynb"  # a row names its file
    command += ["-p", "submission", str(staged), "-p", "out", str(tmp_path), "-p", "bank", str(made.ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / str(good["scorecard"])).read_bytes() == (out / str(good["scorecard"])).read_bytes()
    row = Path("rows") / f"{good['sha256']}.json"
    assert (tmp_path / row).read_bytes() == (out / row).read_bytes()
    by_kernel = json.loads((tmp_path / "run.ipynb").read_text("utf-8"))["cells"]
    by_fork = json.loads((out / "notebooks" / f"{str(good['sha256'])[:12]}.ipynb").read_text("utf-8"))["cells"]
    kept = [cell for cell in by_kernel if "injected-parameters" not in cell["metadata"].get("tags", [])]
    assert [comparable(cell) for cell in by_fork] == [comparable(cell) for cell in kept]


def test_a_candidates_cells_are_never_run(batch: tuple[Path, Path, list[dict[str, object]]]) -> None:
    """Those of a submission that was scored, and would have left a file behind, left none."""
    inbox, _out, rows = batch
    assert next(r for r in rows if r["file"] == "leaving.ipynb")["total"] is not None
    assert not (inbox / TRACE).exists()
