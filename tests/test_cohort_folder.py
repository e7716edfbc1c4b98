"""An output folder remembers: the cohort shows everything scored into it, the newest row of each content, whatever the order."""

from __future__ import annotations

import asyncio
import csv
import itertools
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import hostile_files as hostile
import pytest
from hostile_reports import bank
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from reviewkit import assess, batch, scoredfile
from reviewkit.cli import app
from reviewkit.cohorttable import export
from reviewkit.errors import DataError, UsageError
from reviewkit.outfolder import OutFolder
from reviewkit.purge import purge_files
from reviewkit.refresh import refresh
from reviewkit.row import Row, merged
from reviewkit.runs import keep
from reviewkit.store import stored
from reviewkit.submission import read_submission

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BODIES = (
    "The retry repeats a payment that has already been stored, because nothing identifies the report.",
    "The limit of the query is taken from the caller and has no upper bound, so one call reads the whole table.",
    "The amount is a float, so that a thousand payments no longer add up to what was really paid by the customers.",
)


def review(candidate: str, *bodies: str, record: str = "") -> bytes:
    steps = [hostile.finding(n, body=body, why="", fix="") for n, body in enumerate(bodies)]
    return hostile.stored(hostile.notebook(steps, candidate, record))


def score(out: Path, files: dict[str, bytes], order: int = 0) -> list[Row]:
    """What `score_all` and `publish` do, without kernel and sandbox."""
    inbox = out.parent / "inbox"
    inbox.mkdir(exist_ok=True)
    out.mkdir(exist_ok=True)
    names = list(itertools.permutations(files))[order]
    rows = []
    for name in names:
        (inbox / name).write_bytes(files[name])
        staged = batch.stage_file(inbox / name, out)
        if not isinstance(staged, Row):
            submission = read_submission(OutFolder(out).staged(staged.sha256))
            entry = assess.entry_of(submission, bank())
            state, _ = assess.within_change(submission.state, entry)
            runs = assess.run_all(state, entry, None, assess.match_state(state, entry))
            staged = scoredfile.write_result(OutFolder(out), submission, entry, runs, bank().rubrics, name)
        rows.append(staged)
    return batch.publish(rows, out, NOW)


def cells(out: Path) -> list[dict[str, str]]:
    with (out / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_second_batch_adds_to_the_cohort(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = score(out, {"a.ipynb": review("c-1", BODIES[0]), "b.ipynb": b"{", "gone.ipynb": b""})
    assert [row.unscored for row in first] == ["", "not_json", "empty"]
    assert all(row.sha256 for row in first), "what could be read has its hash beside it"
    second = score(out, {"b.ipynb": review("d-2", BODIES[1]), "c.ipynb": review("e-3", BODIES[2])})
    assert [row.file for row in second] == ["b.ipynb", "c.ipynb"], "the command still answers for its own files"
    assert [(c["file"], c["candidate"], c["unscored"]) for c in cells(out)] == [
        ("gone.ipynb", "", "empty"), ("a.ipynb", "c-1", ""), ("b.ipynb", "d-2", ""), ("c.ipynb", "e-3", ""),
    ]  # fmt: skip
    page = (out / "cohort.html").read_text("utf-8")
    assert "4 submissions, 1 of them unscored" in page
    for cell in cells(out):
        assert not cell["report"] or f'href="{cell["report"]}"' in page
    kept = asyncio.run(stored(OutFolder(out).store_url))
    assert len(kept) == 5, "the store keeps what the cohort no longer shows"


def test_the_same_file_again_is_one_row_with_the_newest_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = review("c-1", BODIES[0])
    score(out, {"a.ipynb": data, "copy.ipynb": data})
    assert [(c["file"], c["batch_marks"]) for c in cells(out)] == [("a.ipynb", "same_bytes"), ("copy.ipynb", "same_bytes")]
    score(out, {"renamed.ipynb": data})
    assert [(c["file"], c["batch_marks"]) for c in cells(out)] == [("renamed.ipynb", "")]
    assert [cell["received"] for cell in cells(out)] == ["1"], "a file that comes again was received when it first came"


def test_one_candidate_twice_keeps_both_and_says_which_counts(tmp_path: Path) -> None:
    """In rows, CSV, cohort page and the heads of both reports; the scorecards stay as they were."""
    out = tmp_path / "out"
    (old,) = score(out, {"old.ipynb": review("c-1", BODIES[0])})
    card, report = (out / old.scorecard).read_bytes(), (out / old.report).read_bytes()
    assert (old.batch_marks, old.batch_words) == ("", "")
    (new,) = score(out, {"new.ipynb": review("c-1", BODIES[0], BODIES[1], record="second")})
    assert new.batch_marks == "candidate_twice"
    by_file = {cell["file"]: cell for cell in cells(out)}
    assert "a newer one came in later and counts" in by_file["old.ipynb"]["batch_words"]
    assert "came in last and counts" in by_file["new.ipynb"]["batch_words"]
    assert by_file["old.ipynb"]["total"], "kept and scored"
    page = (out / "cohort.html").read_text("utf-8")
    assert page.count(">candidate twice</span>") == 2
    after = (out / old.report).read_bytes()
    assert b"a newer one came in later and counts" in after
    begin, end = after.index(b"<!--marks of the batch-->"), after.index(b"<!--end of marks-->")
    assert after[:begin] + b"<!--marks of the batch-->" + after[end:] == report, "all other bytes stay"
    assert (out / old.scorecard).read_bytes() == card
    assert b"came in last and counts" in (out / new.report).read_bytes()


def test_marks_go_when_their_reason_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (old,) = score(out, {"a.ipynb": review("c-1", BODIES[0])})
    before = (out / old.report).read_bytes()
    (copy,) = score(out, {"b.ipynb": review("d-2", BODIES[0])})
    assert copy.batch_marks == "copied_text"
    assert b"word for word" in (out / old.report).read_bytes()
    rows = [row for row in OutFolder(out).cohort() if row.sha256 != copy.sha256]
    batch.show_cohort(rows, out, NOW)
    assert (out / old.report).read_bytes() == before


@pytest.mark.parametrize("order", range(1, 6))
def test_the_order_of_files_changes_nothing(tmp_path: Path, order: int) -> None:
    files = {"a.ipynb": review("c-1", BODIES[0]), "b.ipynb": review("C-1", BODIES[0]), "x.ipynb": b"{"}
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one, other = tmp_path / "one" / "out", tmp_path / "other" / "out"
    score(one, files)
    score(other, files, order)
    for name in ("cohort.csv", "cohort.html", "cohort.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert {c["batch_marks"] for c in cells(one)} == {"copied_text, lookalike_candidate", ""}


def test_a_cohort_is_exported_or_it_is_said_what_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("a.ipynb", "1" * 64, "c-1", shares=(("domain", "security", 1, 2, 0), ("level", "senior", 0, 3, 1))), Row("b", "")]
    OutFolder(tmp_path).write_cohort(rows)
    assert OutFolder(tmp_path).cohort() == rows, "as JSON, and back"
    done = CliRunner().invoke(app, ["export", str(tmp_path), str(tmp_path / "x.csv")])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'x.csv'}: 2 rows\n")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    assert list(first)[-6:] == [f"{key}_{name}" for key in ("level_senior", "domain_security") for name in ("found", "planted", "open")]
    assert (list(first.values())[-6:], set(list(second.values())[-6:])) == (["0", "3", "1", "1", "2", "0"], {""})
    for name in ("pyarrow", "openpyxl"):
        monkeypatch.setitem(sys.modules, name, None)
    for file, said in (
        ("x.parquet", r"\.parquet needs pyarrow\. .*'reviewkit\[export\]'"), ("x.xlsx", r"\.xlsx needs openpyxl\."), ("x.pdf", r"x\.pdf: is of no format .* \.csv, \.parquet, \.xlsx")
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            export(rows, tmp_path / file)
        assert not (tmp_path / file).exists()


def test_two_unread_files_of_one_name_are_two_rows() -> None:
    """Two folders may hold a file of the same name."""
    rows = [Row("a.ipynb", "", unscored="not_a_file", sentence=f"{n}.") for n in range(2)]
    assert [row.sentence for row in merged([], rows)] == ["0.", "1."]
    assert [row.sentence for row in merged(merged([], rows), rows[:1])] == ["0."]


ROWS = st.builds(
    Row, st.sampled_from(["a", "b", "c\udc80"]), st.sampled_from(["", "1" * 64, "2" * 64]), st.sampled_from(["", "c-1", "c-2"]),
    unscored=st.sampled_from(["", "not_json"]), sentence=st.sampled_from(["", "x."]),
)  # fmt: skip


@given(st.lists(st.lists(ROWS, max_size=4), max_size=4))
def test_rows_come_together_whatever_the_order(batches: list[list[Row]]) -> None:
    """Every row of the latest batch is there, no content has rows of two batches, and receipts only grow."""
    forward: list[Row] = []
    backward: list[Row] = []
    for batch_rows in batches:
        before = {row.sha256: row.received for row in forward}
        forward, backward = merged(forward, batch_rows), merged(backward, batch_rows[::-1])
        assert forward == backward
        assert {replace(row, received=0) for row in forward} >= set(batch_rows)
        for row in forward:
            if row.sha256 and row.sha256 in before:
                assert row.received == before[row.sha256]
            assert row.received >= 1


def test_a_row_that_is_none_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cohort.json").write_text('[{"file": "a"}]', "utf-8")
    with pytest.raises(DataError, match=r"cohort.json: does not hold the rows of a batch"):
        OutFolder(tmp_path).cohort()
    (tmp_path / "cohort.json").write_text('[{"file": "a", "sha256": "", "from_another_version": 1}]', "utf-8")
    assert OutFolder(tmp_path).cohort() == [Row("a", "")]


def test_scoring_again_after_a_decision_keeps_receipt_marks_and_others(tmp_path: Path) -> None:
    """What raters decide rewrites a report; the marks of the batch come back into it, and nobody else's row goes."""
    out = tmp_path / "out"
    (old,) = score(out, {"a.ipynb": review("c-1", BODIES[0])})
    score(out, {"b.ipynb": review("d-2", BODIES[0]), "x.ipynb": b"{"})
    before = {path.name: path.read_bytes() for path in (out / "reports").iterdir()}
    submission = read_submission(OutFolder(out).staged(old.sha256))
    found = assess.assess(submission, bank(), None)
    keep(OutFolder(out).runs_file(old.sha256), found.runs)
    refresh(OutFolder(out), bank(), [old.sha256])
    assert {path.name: no_time(path.read_bytes()) for path in (out / "reports").iterdir()} == {k: no_time(v) for k, v in before.items()}
    assert [(c["file"], c["received"], c["batch_marks"]) for c in cells(out)] == [
        ("x.ipynb", "2", ""), ("a.ipynb", "1", "copied_text"), ("b.ipynb", "2", "copied_text"),
    ]  # fmt: skip


def no_time(html: bytes) -> bytes:
    return re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d UTC", b"", html)


def test_a_purged_candidate_is_gone_from_the_cohort_and_others_are_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = score(out, {"a.ipynb": review("c-1", BODIES[0]), "b.ipynb": review("c-17", BODIES[0]), "c-1.ipynb": b"{", "c-17.ipynb": b""})
    gone = purge_files(out, "c-1", {rows[0].sha256})
    assert "cohort.json" in gone
    assert not [path for path in out.rglob("*") if path.is_file() and (rows[0].sha256[:12] in path.name)]
    left = [path for path in out.rglob("*.json") if rows[0].sha256[:12] in path.read_text("utf-8")]
    assert left == []
    score(out, {"d.ipynb": review("e-3", BODIES[2])})
    assert [(c["file"], c["batch_marks"]) for c in cells(out)] == [("c-17.ipynb", ""), ("b.ipynb", ""), ("d.ipynb", "")]
