"""Stores as input and output: hostile listings, limits, going on after a break. With fsspec's own memory and local file systems."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hostile_files as hostile
import pytest
from hostile_reports import bank

from reviewkit import assess, completed, remote, scoredfile
from reviewkit.batch import Order, prepare, publish
from reviewkit.batchlog import Done
from reviewkit.batchrun import Runner, score_all
from reviewkit.errors import DataError, SubmissionError, UsageError
from reviewkit.outfolder import OutFolder
from reviewkit.remote import Inbox, RemoteOut, is_remote
from reviewkit.row import Row
from reviewkit.runs import keep
from reviewkit.sandbox import SandboxUnavailableError
from reviewkit.scoringrun import Outcome, Work
from reviewkit.submission import read_submission

fsspec = pytest.importorskip("fsspec")


def review(number: int) -> bytes:
    body = f"The amount is a float, so that {number} payments no longer add up to what was really paid by the customers."
    return bytes(hostile.stored(hostile.notebook([hostile.finding(0, body=body, why="", fix="")], f"c-{number}")))


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


class Plain:
    """Scores at once, in this process: what the scoring notebook does, without notebook and sandbox."""

    window = 2

    def __init__(self, order: Order) -> None:
        self._order, self.asked = order, list[str]()

    def submit(self, work: Work) -> Future[Outcome]:
        self.asked.append(work.candidate)
        folder, answer = OutFolder(self._order.out), Future[Outcome]()
        submission = read_submission(work.staged)
        entry = assess.entry_of(submission, bank())
        runs = assess.run_all(submission.state, entry, None, assess.match_state(submission.state, entry), [])
        keep(folder.runs_file(work.sha256), runs)
        answer.set_result(Outcome(scoredfile.write_result(folder, submission, entry, runs, bank().rubrics, work.staged.name), 0.1))
        return answer


def score(inbox: Inbox, paths: list[Path], out: RemoteOut, tell: Callable[[Done], None] = lambda _done: None) -> tuple[list[Row], Plain]:
    """What the command does."""
    rubrics = bank().rubrics
    assert rubrics is not None
    order = Order(out.path, bank().root, rubrics)
    prepare(order.out)
    runner = Plain(order)

    @contextmanager
    def where() -> Iterator[Runner]:
        yield runner

    def told(done: Done) -> None:
        out.keep(done)
        tell(done)

    rows = publish(score_all(paths, order, told, cluster=where(), read=inbox.read), out.path)
    out.finish()
    return rows, runner


def test_only_other_schemes_than_an_intakes_are_stores() -> None:
    assert [is_remote(place) for place in ("s3://b/x", "memory://x", "FILE:///x", "a/b", "https://intake", "HTTP://x")] == [True] * 3 + [False] * 3


def test_a_folder_gives_its_notebooks_in_order(memory: Any) -> None:
    for name in ("b.ipynb", "a.ipynb", "._a.ipynb", ".~b.ipynb", ".c.ipynb", "d.txt", "sub/e.ipynb"):
        memory.pipe_file(f"/in/{name}", review(1))
    inbox = Inbox()
    paths = inbox.add("memory://in")
    assert [path.name for path in paths] == [".c.ipynb", "a.ipynb", "b.ipynb"]
    assert inbox.read(paths[1]) == review(1)
    assert [path.name for path in inbox.add("memory://in/sub/e.ipynb")] == ["e.ipynb"]
    assert len(set(paths) | set(inbox.add("memory://in"))) == 6, "the same name twice is two files"


@pytest.mark.parametrize("url", ["memory://in", "memory://in/none.ipynb"])
def test_nothing_to_score_is_one_sentence(memory: Any, url: str) -> None:
    memory.pipe_file("/in/a.txt", b"")
    with pytest.raises(UsageError, match=r"^memory://in.*: (no notebooks in this folder|there is no such file)\. Name "):
        Inbox().add(url)


def test_names_of_a_listing_become_no_paths(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that leave the folder are not taken; of others the last part is kept, as long as a file name may be."""
    names = ["/in/../etc/x.ipynb", "/other/x.ipynb", "/in/sub/../x.ipynb", "/in/" + "n" * 400 + ".ipynb", "/in/a\0\\b\x1b[31m.ipynb", "/in/ok.ipynb"]
    entries: list[Any] = [{"name": name, "type": "file", "size": 3} for name in names] + [{"name": None}, {"type": "file"}]
    memory.pipe_file("/in/ok.ipynb", b"{}")
    monkeypatch.setattr(type(memory), "ls", lambda _self, *_args, **_options: entries)
    inbox = Inbox()
    paths = inbox.add("memory://in")
    assert sorted(path.name for path in paths) == ["a_b\x1b[31m.ipynb", "n" * 249 + ".ipynb", "ok.ipynb"]
    assert all(".." not in path.parts and not path.is_absolute() and len(path.parts) == 3 for path in paths)
    missing = next(path for path in paths if path.name.startswith("a_b"))
    with pytest.raises(SubmissionError, match=r"^a_b\\u001b\[31m.ipynb: there is no regular file"):
        inbox.read(missing)


def test_no_more_is_read_than_a_notebook_may_hold(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size that the store says, and where that is a lie by what it sends."""
    monkeypatch.setattr(remote, "SIZE_MAX", 1000)
    memory.pipe_file("/in/a.ipynb", b"x" * 1001)
    inbox = Inbox()
    (path,) = inbox.add("memory://in")
    with monkeypatch.context() as honest:
        honest.setattr(type(memory), "open", lambda *_args, **_options: pytest.fail("read although it is too large"))
        with pytest.raises(SubmissionError) as refused:
            inbox.read(path)
    assert refused.value.reason_code == "too_large"
    for size in (10, None):
        monkeypatch.setattr(type(memory), "ls", lambda *_a, _size=size, **_o: [{"name": "/in/a.ipynb", "type": "file", "size": _size}])
        (path,) = (lying := Inbox()).add("memory://in")
        with pytest.raises(SubmissionError) as refused:
            lying.read(path)
        assert refused.value.reason_code == "too_large"


def test_a_store_that_fails_is_a_row_or_a_sentence(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/in/a.ipynb", review(1))
    inbox = Inbox()
    (path,) = inbox.add("memory://in")
    tries = []

    def fail(*_args: object, **_options: object) -> None:
        tries.append(1)
        raise OSError("secret of the driver")

    monkeypatch.setattr(type(memory), "open", fail)
    with pytest.raises(SubmissionError) as refused:
        inbox.read(path)
    assert (refused.value.reason_code, len(tries)) == ("unreadable", 2)
    monkeypatch.setattr(type(memory), "ls", fail)
    with pytest.raises(DataError, match=r"^memory://in: the store does not answer as it should \(OSError\)\. Check ") as silent:
        Inbox().add("memory://in")
    assert "secret" not in str(silent.value)


@pytest.mark.parametrize(
    ("url", "words"), [("nothing://x", r"^nothing://x: cannot be used \(Protocol not known"), ("s3://b/x", r"^s3://b/x: its driver is missing")]
)
def test_an_unknown_store_is_wrong_usage(url: str, words: str) -> None:
    if url.startswith("s3") and importlib.util.find_spec("s3fs") is not None:
        pytest.skip("s3fs is installed")
    with pytest.raises(UsageError, match=words):
        Inbox().add(url)
    with pytest.raises(UsageError, match=words):
        RemoteOut(url)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"needs the extra remote. Install it with: pip install 'reviewkit\[remote\]'"):
        Inbox().add("memory://in")
    with pytest.raises(UsageError, match=r"^https://x: nothing can be written there"):
        RemoteOut("https://x")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(review(1))
    (tmp_path / "in" / "a.ipynb").symlink_to(tmp_path / "secret")
    inbox = Inbox()
    (path,) = inbox.add(f"file://{tmp_path}/in")
    with pytest.raises(SubmissionError) as refused:
        inbox.read(path)
    assert refused.value.reason_code == "not_a_file"


def no_sandbox() -> None:
    raise SandboxUnavailableError("none here")


def files(memory: Any, root: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{root}/"): memory.cat_file(name) for name in memory.find(root)}


def test_a_batch_in_a_store_goes_on_where_it_broke_off(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was brought there before counts; at the end it is what an unbroken batch leaves, and nothing of it stays here."""
    monkeypatch.setattr(completed, "probe_level", no_sandbox)  # otherwise the one that is here would do better than `Plain`
    for number in range(5):
        memory.pipe_file(f"/in/{number}.ipynb", review(number) if number != 3 else b"{")

    def once(out: str, tell: Callable[[Done], None] = lambda _done: None) -> tuple[list[Row], Plain]:
        inbox = Inbox()
        paths = inbox.add("memory://in")
        with RemoteOut(f"memory://{out}") as place:
            try:
                return score(inbox, paths, place, tell)
            finally:
                local.append(place.path)

    local: list[Path] = []
    told: list[Done] = []

    def breaks(done: Done) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once("torn", breaks)
    memory.pipe_file("/torn/rows/../../evil", b"x")
    memory.pipe_file("/torn/unknown.txt", b"x")
    rows, runner = once("torn")
    assert runner.asked == ["c-2", "c-4"]
    whole, all_of_them = once("whole")
    assert all_of_them.asked == ["c-0", "c-1", "c-2", "c-4"]
    assert rows == whole
    assert [row.file for row in rows] == [f"{number}.ipynb" for number in range(5)]
    one, other = files(memory, "/torn"), files(memory, "/whole")
    kept = {name for name in other if not name.startswith(("reports/", "done/", "batches", "store"))}
    assert {name: one[name] for name in kept} == {name: other[name] for name in kept}
    assert {"cohort.csv", "cohort.html", "store.sqlite", "batches.jsonl"} < set(other)
    assert len([name for name in other if name.startswith("reports/")]) == 4
    assert not any(path.exists() for path in local)


def test_an_output_folder_takes_only_what_is_its_own(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["rows/a.json", "rows/../x", "rows/.hidden", "rows/a/b.json", "../rows/a.json", "bin/a", "cohort.json", "reports/" + "x" * 300]
    found = [remote._ours("/out", {"name": f"/out/{name}", "type": "file", "size": 1}) for name in names]
    assert [name for name in found if name] == ["rows/a.json", "cohort.json"]
    assert remote._ours("/out", {"name": "/elsewhere/rows/a.json", "type": "file", "size": 1}) is None
    memory.pipe_file("/out/rows/a.json", b"x" * 10)
    monkeypatch.setattr(remote, "FILE_MAX", 5)
    with pytest.raises(DataError, match="is larger than any file that reviewkit writes"), RemoteOut("memory://out"):
        pass
