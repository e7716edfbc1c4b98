"""A batch of many, some broken, some hanging: killed and gone on with, and on a cluster that loses a worker, it ends as if nothing had been.

In CI a dozen submissions; with --full 2,000, 1 % of them broken and 1 % hanging, killed five times.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import made_batch as made
import made_submissions
import pytest
from engine_cells import comparable
from test_hostile_batch import GENERATED

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]


@dataclass
class Batch:
    """A command that ran to its end, or was killed."""

    out: Path
    lines: list[dict[str, Any]]
    code: int

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows in the order of the files."""
        assert self.lines[-1]["kind"] == "end", self.out.with_suffix(".stderr").read_text("utf-8")[-3000:]
        return list(self.lines[-1]["rows"])

    @property
    def reused(self) -> set[str]:
        return {line["sha256"] for line in self.lines if line["kind"] == "row" and line["reused"]}


def ended(process: subprocess.Popen[str], out: Path) -> Batch:
    assert process.stdout is not None
    lines = [json.loads(line) for line in process.stdout]
    return Batch(out, lines, process.wait())


def killed(process: subprocess.Popen[str], out: Path, after: int, mark: str) -> Batch:
    """The command, killed once so many files are done; nothing that it started lives on."""
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(after)]
    before = [os.pidfd_open(pid) for pid in made.marked(mark)]
    process.kill()
    for handle in before:
        assert select.select([handle], [], [], 60)[0], "a process outlives its batch"
        os.close(handle)
    return Batch(out, lines, process.wait())


@dataclass
class Size:
    count: int
    share: int
    """Broken ones, and hanging ones."""
    kills: int


@pytest.fixture(scope="module")
def size(request: pytest.FixtureRequest) -> Size:
    count = int(os.environ.get("REVIEWKIT_BATCH_SIZE", "2000"))
    return Size(count, max(1, count // 100), 5) if request.config.getoption("--full") else Size(12, 1, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


@pytest.fixture(scope="module")
def expected(place: Path, size: Size) -> dict[str, str]:
    return made.fill(place / "inbox", size.count, size.share, size.share, greedy=1)


@pytest.fixture(scope="module")
def both(place: Path, expected: dict[str, str], size: Size) -> tuple[Batch, list[Batch]]:
    """One batch left alone, beside it another that is killed, torn, and gone on with."""
    whole, torn = place / "whole", place / "torn"
    first = made.start(place / "inbox", whole)
    parts, told = [], 0
    for number in range(size.kills):
        mark, after = uuid.uuid4().hex, 4 + number * size.count // 6
        parts.append(killed(made.start(place / "inbox", torn, mark=mark), torn, after, mark))
        told += after
    some = next(line for line in parts[0].lines if line["kind"] == "row" and line["scorecard"])
    card = torn / some["scorecard"]
    card.write_bytes(card.read_bytes()[:-100])
    parts.append(ended(made.start(place / "inbox", torn), torn))
    return ended(first, whole), parts


def test_everything_is_accounted_for(both: tuple[Batch, list[Batch]], expected: dict[str, str]) -> None:
    for batch in (both[0], both[1][-1]):
        assert batch.code == 1
        assert {row["file"]: row["unscored"] for row in batch.rows} == expected
        assert [row["file"] for row in batch.rows] == list(expected)
        by_code = {row["unscored"]: row["sentence"] for row in batch.rows}
        assert f"took longer than {made.TIME_LIMIT} s" in by_code["time_limit"]
        assert f"needed more than {made.MEMORY_LIMIT} MB" in by_code["memory_limit"]
        assert all(row["sentence"].startswith(row["file"]) for row in batch.rows if row["unscored"])
        assert Counter(line["file"] for line in batch.lines[:-1]) == Counter(list(expected)), "each is told once, as it comes"
        assert (batch.out.with_suffix(".stderr")).read_text("utf-8") == "", "no bar, no log where there is no terminal"


def test_killed_and_gone_on_with_it_is_the_same(both: tuple[Batch, list[Batch]]) -> None:
    """Bytes of rows, scorecards, CSV; of notebooks and reports all but times."""
    whole, torn = both[0].out, both[1][-1].out
    assert made.compared(torn) == made.compared(whole)
    for path in (whole / "notebooks").iterdir():
        one, other = (json.loads((out / "notebooks" / path.name).read_text("utf-8")) for out in (whole, torn))
        assert comparable(one) == comparable(other)
    for path in (whole / "reports").iterdir():
        one, other = (GENERATED.sub(b"", (out / "reports" / path.name).read_bytes()) for out in (whole, torn))
        assert one == other, path.name
    assert {path.name for path in (whole / "notebooks").iterdir()} == {path.name for path in (torn / "notebooks").iterdir()}


def test_what_was_done_and_whole_is_not_done_again(both: tuple[Batch, list[Batch]]) -> None:
    _whole, parts = both
    told = {line["sha256"] for part in parts[:-1] for line in part.lines if line["kind"] == "row" and line["scorecard"]}
    first = next(line["sha256"] for line in parts[0].lines if line["kind"] == "row" and line["scorecard"])
    assert told - {first} <= parts[-1].reused
    assert first not in parts[-1].reused, "its scorecard was torn"
    log = [json.loads(line) for line in (parts[-1].out / "batches.jsonl").read_text("utf-8").splitlines()]
    assert [line["kind"] for line in log if line["kind"] != "done"] == ["begun"] * len(parts) + ["ended"]


def test_a_cluster_that_loses_a_worker_loses_nothing(both: tuple[Batch, list[Batch]], place: Path, size: Size) -> None:
    """A scheduler and two workers, one of them killed while it scores; the scorecards are the same bytes."""
    pytest.importorskip("distributed")
    pytest.importorskip("fsspec")
    some, out = place / "some", place / "cluster"  # given as addresses of stores: the whole way through fsspec as well
    some.mkdir()
    wanted = [row for row in both[0].rows if not row["unscored"]][: max(5, size.count // 20)]
    for row in wanted:
        shutil.copy(place / "inbox" / row["file"], some)
    with Cluster(place / "scheduler.json") as cluster:
        process = made.start(some, out, "--scheduler", cluster.address, stores=True)
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        cluster.workers[0].kill()
        batch = ended(process, out)
        assert cluster.workers[1].poll() is None
    assert batch.code == 0, out.with_suffix(".stderr").read_text("utf-8")
    assert [row["file"] for row in batch.rows] == [row["file"] for row in wanted]
    assert first["file"] in {row["file"] for row in wanted}
    for row in batch.rows:
        assert (out / row["scorecard"]).read_bytes() == (both[0].out / row["scorecard"]).read_bytes()
    assert not list(out.glob("staged/.tmp-*"))


class Cluster:
    """A scheduler and two workers, each a process as on a machine of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(made_submissions.ROOT), os.environ.get("PYTHONPATH", "")])}
        common = ["--scheduler-file", str(file)]
        self._scheduler = self._start("scheduler", [*common, "--port", "0", "--host", "127.0.0.1", "--no-dashboard"], env)
        self.workers = [self._start("worker", [*common, "--nthreads", "1", "--no-nanny", "--no-dashboard"], env) for _ in range(2)]

    def _start(self, what: str, options: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        log = self._file.with_name("cluster.log").open("ab")
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        return subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=self._file.parent, start_new_session=True)

    @property
    def address(self) -> str:
        from distributed import Client

        with Client(scheduler_file=str(self._file), timeout=120, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            return str(client.scheduler.address)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self._scheduler):
            process.send_signal(signal.SIGTERM)
        for process in (*self.workers, self._scheduler):
            process.wait(60)
