"""A batch of many, some broken, some hanging: on a cluster that loses a worker, and killed and gone on with, it ends the same.

In CI nine submissions; with --full 2,000, 1 % of them broken and 1 % hanging, killed five times.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import subprocess
import sys
import threading
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

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox, pytest.mark.timeout(7_200)]


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
    return Size(count, max(1, count // 100), 5) if request.config.getoption("--full") else Size(9, 1, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


@pytest.fixture(scope="module")
def expected(place: Path, size: Size) -> dict[str, str]:
    return made.fill(place / "inbox", size.count, size.share, size.share, greedy=1)


@pytest.fixture(scope="module")
def whole(place: Path, expected: dict[str, str]) -> Batch:
    """Everything scored at once, from and to stores, on a cluster that loses a worker in the middle: the reference for the others."""
    inbox, out = place / "inbox", place / "whole"
    assert expected
    if importlib.util.find_spec("distributed") is None or importlib.util.find_spec("fsspec") is None:
        return ended(made.start(inbox, out), out)
    with Cluster(place) as cluster:
        first = cluster.worker(threads=2)
        process = made.start(inbox, out, "--scheduler", cluster.address, stores=True)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]  # there are more than it has scored, so it is at some of them
        first.kill()
        cluster.worker(threads=2)
        batch = ended(process, out)
        return Batch(out, [*map(json.loads, lines), *batch.lines], batch.code)


def scored(parts: list[Batch]) -> list[dict[str, Any]]:
    """Rows with a scorecard, in the order in which they were told; the first of a batch may all be of hanging ones."""
    return [line for part in parts for line in part.lines if line["kind"] == "row" and line["scorecard"]]


@pytest.fixture(scope="module")
def parts(place: Path, expected: dict[str, str], size: Size) -> list[Batch]:
    """The same on this machine, killed, torn, and gone on with."""
    assert expected
    torn, found = place / "torn", list[Batch]()
    for number in range(size.kills):
        mark, after = uuid.uuid4().hex, 4 + number * size.count // 6
        found.append(killed(made.start(place / "inbox", torn, mark=mark), torn, after, mark))
    card = torn / scored(found)[0]["scorecard"]
    card.write_bytes(card.read_bytes()[:-100])
    return [*found, ended(made.start(place / "inbox", torn), torn)]


def test_everything_is_accounted_for(whole: Batch, parts: list[Batch], expected: dict[str, str]) -> None:
    for batch in (whole, parts[-1]):
        assert batch.code == 1
        assert {row["file"]: row["unscored"] for row in batch.rows} == expected
        assert [row["file"] for row in batch.rows] == list(expected)
        by_code = {row["unscored"]: row["sentence"] for row in batch.rows}
        assert f"took longer than {made.TIME_LIMIT} s" in by_code["time_limit"]
        assert f"needed more than {made.MEMORY_LIMIT} MB" in by_code["memory_limit"]
        assert all(row["sentence"].startswith(row["file"]) for row in batch.rows if row["unscored"])
        assert Counter(line["file"] for line in batch.lines[:-1]) == Counter(list(expected)), "each is told once, as it comes"
        assert (batch.out.with_suffix(".stderr")).read_text("utf-8") == "", "no bar, no log where there is no terminal"


def test_a_cluster_and_a_killed_batch_give_the_same(whole: Batch, parts: list[Batch]) -> None:
    """Bytes of rows, scorecards, CSV; of notebooks and reports all but times."""
    one_out, torn = whole.out, parts[-1].out
    assert made.compared(torn) == made.compared(one_out)
    for path in (one_out / "notebooks").iterdir():
        one, other = (json.loads((out / "notebooks" / path.name).read_text("utf-8")) for out in (one_out, torn))
        assert comparable(one) == comparable(other)
    for path in (one_out / "reports").iterdir():
        one, other = (GENERATED.sub(b"", (out / "reports" / path.name).read_bytes()) for out in (one_out, torn))
        assert one == other, path.name
    assert {path.name for path in (one_out / "notebooks").iterdir()} == {path.name for path in (torn / "notebooks").iterdir()}


def test_what_was_done_and_whole_is_not_done_again(parts: list[Batch]) -> None:
    done = [line["sha256"] for line in scored(parts[:-1])]
    told, first = set(done), done[0]
    assert told - {first} <= parts[-1].reused
    assert first not in parts[-1].reused, "its scorecard was torn"
    log = [json.loads(line) for line in (parts[-1].out / "batches.jsonl").read_text("utf-8").splitlines()]
    assert [line["kind"] for line in log if line["kind"] != "done"] == ["begun"] * len(parts) + ["ended"]


class Cluster:
    """A scheduler and workers, each a process as on a machine of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(made_submissions.ROOT), os.environ.get("PYTHONPATH", "")])}
        self._processes = [self._start("scheduler", "--port", "0", "--host", "127.0.0.1", log=subprocess.PIPE)]
        said = self._processes[0].stderr
        assert said is not None
        self.address = next(found[0] for line in said if (found := re.search(r"tcp://127.0.0.1:\d+", line.decode())))
        threading.Thread(target=said.read, daemon=True).start()

    def worker(self, threads: int) -> subprocess.Popen[bytes]:
        """One more; it joins as soon as it is up."""
        with (self._folder / "workers.log").open("ab") as log:
            self._processes.append(self._start("worker", self.address, "--nthreads", str(threads), "--no-nanny", log=log))
        return self._processes[-1]

    def _start(self, what: str, *options: str, log: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *options]
        return subprocess.Popen(command, env=self._env, stdout=subprocess.DEVNULL, stderr=log, cwd=self._folder)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # Dask's own shutdown was seen to stop half-way on a machine with far too much to do
                process.kill()
                process.wait()
