"""The parts of a batch that need no notebook: its size, its limits, its pace, what it takes from before."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewkit.batch import Order
from reviewkit.batchlog import Done, batch_log
from reviewkit.batchrun import score_all
from reviewkit.cluster import cluster_runner, on_cluster
from reviewkit.clusterwork import Parcel, packed, score_there
from reviewkit.errors import ClusterError, DataError, UsageError
from reviewkit.leftovers import OLD_SECONDS, sweep
from reviewkit.limits import Deadline, hold_memory
from reviewkit.machine import MOST_JOBS, fitting, free_megabytes, usable_cores
from reviewkit.progress import Pace, shown_progress
from reviewkit.purge import purge_files
from reviewkit.row import Row
from reviewkit.scoringrun import Work


@pytest.mark.parametrize(
    ("cores", "megabytes", "jobs"), [(2, None, 2), (2, 8000, 2), (64, 64_000, MOST_JOBS), (8, 600, 2), (8, 10, 1), (1, None, 1)]
)
def test_jobs_fit_cores_and_memory(cores: int, megabytes: int | None, jobs: int) -> None:
    assert fitting(cores, megabytes) == jobs


@pytest.mark.parametrize(("text", "most"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", None), ("nonsense", None)])
def test_a_containers_share_counts(tmp_path: Path, text: str, most: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    here = usable_cores(tmp_path / "none")
    assert usable_cores(tmp_path) == (here if most is None else min(here, most))


def test_free_memory_is_read_where_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  2048000 kB\n")
    assert free_megabytes(tmp_path / "meminfo") == 2000
    assert free_megabytes(tmp_path / "none") is None


@pytest.mark.skipif(sys.platform != "linux", reason="no other system counts it")
def test_memory_beyond_the_limit_is_an_error_in_that_process_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    code = "from reviewkit.limits import hold_memory\nhold_memory(64)\nb'x' * 32_000_000\ntry: b'x' * 99_000_000\nexcept MemoryError: print('held')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "held\n", done.stderr
    hold_memory(0)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_deadline_is_one_for_all_cells() -> None:
    assert 0.1 <= Deadline(-5).left() == 0.1
    assert 99 < Deadline(100).left(object()) <= 100


def test_pace_counts_what_was_done_before_as_done_and_not_as_fast() -> None:
    now = [0.0]
    pace = Pace(100, lambda: now[0])
    for _ in range(40):
        pace.add(Done(Row("a", "1"), reused=True))
    now[0] = 50.0
    pace.add(Done(Row("a", "1"), reused=True))
    assert pace.words() == "41 done before  "
    for _ in range(5):
        now[0] += 0.5
        pace.add(Done(Row("a", "1")))
    assert (pace.told, pace.words()) == (46, "41 done before  2.0/s  0:27 left")
    now[0] += 97.5
    assert pace.words() == "41 done before  3.0/min  18:00 left"


def test_rows_come_as_lines_and_an_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), shown_progress(3, lines=True) as tell:
        tell(Done(Row("a.ipynb", "1" * 64, total=2.5)))
        raise KeyboardInterrupt
    said = capsys.readouterr()
    line = json.loads(said.out)
    assert (line["kind"], line["reused"], line["file"], line["total"]) == ("row", False, "a.ipynb", 2.5)
    assert said.err == "Interrupted. 1 of 3 files are done and kept; the same command goes on from there.\n"


def test_the_log_says_how_a_batch_ended(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), batch_log(tmp_path, files=2) as log:
        log.done(Done(Row("name", "1" * 64), seconds=1.23456))
        raise ValueError("x")
    text = (tmp_path / "batches.jsonl").read_text()
    begun, done, ended = map(json.loads, text.splitlines())
    assert (begun["kind"], begun["files"], bool(begun["host"])) == ("begun", 2, True)
    assert (done["seconds"], done["sha256"]) == (1.235, "1" * 64)
    assert (ended["by"], ended["scored"]) == ("ValueError", 1)
    assert '"name"' not in text


def test_a_purge_takes_a_candidates_lines_out_of_the_log(tmp_path: Path) -> None:
    with batch_log(tmp_path) as log:
        for digit in "12":
            log.done(Done(Row("name", digit * 64)))
    purge_files(tmp_path, "c-1", {"1" * 64})
    text = (tmp_path / "batches.jsonl").read_text()
    assert ("1" * 64 in text, "2" * 64 in text, len(text.splitlines())) == (False, True, 3)


def test_only_old_leftovers_are_swept(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    for name in (".tmp-old", "rows/.tmp-old", "rows/.tmp-new", "rows/a.json"):
        (tmp_path / name).touch()
    for name in (".tmp-old", "rows/.tmp-old"):
        os.utime(tmp_path / name, (0, (tmp_path / name).stat().st_mtime - OLD_SECONDS - 60))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".tmp-new", "a.json"]


@pytest.fixture
def order(tmp_path: Path) -> Iterator[Order]:
    yield Order(tmp_path, tmp_path, tmp_path)


def test_a_full_disk_is_one_sentence(order: Order) -> None:
    def full(_done: Done) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)\. Make room, .* the same command goes on\.$"):
        score_all([order.out / "none.ipynb"], order, full)


def test_a_scheduler_that_does_not_answer_is_one_sentence(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("reviewkit.cluster.ANSWER_SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "no address"):
        with pytest.raises(ClusterError, match=r"no Dask scheduler answers there. Start one with: dask scheduler") as refused, cluster_runner(address, order):
            pass
        assert refused.value.exit_code == 1


def test_what_a_cluster_lacks_is_wrong_usage(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    with pytest.raises(UsageError, match="--second-opinion cannot be used with --scheduler"), cluster_runner("tcp://x:1", replace(order, second_opinion="u")):
        pass
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"--scheduler needs the extra dask. Install it with: pip install 'reviewkit\[dask\]'"):
        on_cluster("tcp://x:1")


def test_a_worker_of_another_version_scores_nothing(order: Order) -> None:
    parcel = Parcel(Work(Path("x"), "1" * 64, "c", "stock", "1.0.0"), order, {}, (), (), versions=("0.0.1", "9"))
    with pytest.raises(ClusterError, match=r"A worker of the cluster has reviewkit \S+ \(scorer \S+\), this machine 0.0.1 \(scorer 9\)\. Install the same"):
        score_there(parcel, b"")


def test_what_is_sent_to_workers_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("scenarios/a/scenario.yaml", "scenarios/a/head/x.py", "keys/a/rubric.yaml", "keys/a/calibration/r.yaml", "keys/notice.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    first = packed(tmp_path, tmp_path / "keys")
    os.utime(tmp_path / "keys" / "notice.md", (0, 0))
    assert packed(tmp_path, tmp_path / "keys") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["scenarios/a/head/x.py", "scenarios/a/scenario.yaml", "rubrics/a/rubric.yaml", "rubrics/notice.md"]
