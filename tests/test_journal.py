"""Promises of the journal: what was confirmed stays, what could not be stored leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_records import CONSENT, RECORD, SAMPLES, blank_workbook, remark

from reviewkit import durable, journal
from reviewkit.errors import EventError, JournalError
from reviewkit.grants import issue
from reviewkit.journal import Journal, journal_path, kernel_recorder
from reviewkit.terms import Terms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path / "demo.ipynb", RECORD)


def filled(path: Path, n: int = 3) -> Journal:
    made = Journal(path, RECORD)
    for number in range(n):
        made.append(f"op-{number}", *remark(f"f{number}"))
    return made


def test_events_are_lines_beside_the_notebook(path: Path) -> None:
    made = Journal(path, RECORD)
    assert made.read().events == ()
    assert not path.parent.exists()
    for number, (kind, data) in enumerate(SAMPLES):
        assert made.append(f"op-{number}", kind, data).is_new
    assert path == path.parent.parent / ".reviewkit" / f"{RECORD}.jsonl"
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [(line["kind"], line["data"]) for line in lines] == SAMPLES
    view = Journal(path, RECORD).read()
    assert view.problems == ()
    assert (view.head.seq, view.head.hash) == (len(SAMPLES), lines[-1]["hash"])
    assert [e.seq for e in made.events(after=len(SAMPLES) - 2)] == [len(SAMPLES) - 1, len(SAMPLES)]
    assert path.stat().st_mode & 0o077 == 0


def test_the_same_operation_makes_one_event(path: Path) -> None:
    made = filled(path)
    first = made.append("op-1", *remark("f1"))
    assert not first.is_new
    assert first.event.data["id"] == "f1"
    assert not Journal(path, RECORD).append("op-1", *remark("f1")).is_new
    assert len(path.read_bytes().splitlines()) == 3


def test_an_operation_that_stands_for_something_else_is_refused(path: Path) -> None:
    made = filled(path)
    for kind, data in (remark("other"), ("finding.deleted", {"id": "f1"})):
        for one in (made, Journal(path, RECORD)):
            with pytest.raises(EventError, match="stands for event"):
                one.append("op-1", kind, data)
    assert len(path.read_bytes().splitlines()) == 3


def test_two_front_ends_open_one_record(path: Path) -> None:
    made = Journal(path, RECORD)
    for client in ("JupyterLab 4", "Jupyter Notebook 7"):
        opened = made.append("opened", "workbook.opened", {"slug": "demo", "version": "1.0.0", "client": client})
    assert opened.event.data["client"] == "JupyterLab 4"


def test_a_wrong_shape_writes_nothing(path: Path) -> None:
    with pytest.raises(EventError):
        Journal(path, RECORD).append("op", "finding.added", {"id": "f"})
    with pytest.raises(EventError):
        Journal(path, RECORD).append("op with spaces", *remark())
    assert not path.parent.exists()


def test_two_writers_continue_one_chain(path: Path) -> None:
    """Server and kernel each have a journal object of the same file."""
    server, kernel = filled(path), Journal(path, RECORD)
    kernel.append("k-1", "probe.run", {"probe": "p", "tree": "head", "verdict": ""})
    server.append("s-1", *remark("f9"))
    kernel.append("k-2", "probe.run", {"probe": "p", "tree": "head", "verdict": ""})
    view = server.read()
    assert [e.seq for e in view.events] == [1, 2, 3, 4, 5, 6]
    assert view.problems == ()


def test_many_threads_and_processes_lose_nothing(path: Path) -> None:
    path.parent.mkdir()
    code = (
        "import sys; from pathlib import Path; from reviewkit.journal import Journal\n"
        "made = Journal(Path(sys.argv[1]), 'abc123')\n"
        "for n in range(25): made.append(f'{sys.argv[2]}-{n}', 'review.closed', {})"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("x", "y")]
    made = Journal(path, RECORD)

    def work(name: str) -> None:
        for number in range(25):
            made.append(f"{name}-{number}", "review.closed", {})

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    view = made.read()
    assert view.problems == ()
    assert len(view.events) == 100
    assert len({e.op for e in view.events}) == 100


@pytest.mark.parametrize("fragment", [b'{"seq": 4, "t": "2026', b"\0" * 4096, b'{"a": 1}', b"\xff\xfe"])
def test_a_torn_line_is_cut_and_called_torn(path: Path, fragment: bytes) -> None:
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole + fragment)
    after = Journal(path, RECORD)
    view = after.read()
    assert [p.code for p in view.problems] == ["torn"]
    assert not view.problems[0].is_tampering
    assert len(view.events) == 3
    assert after.append("op-new", *remark("f4")).event.seq == 4
    assert path.read_bytes().startswith(whole + b'{"data"')
    assert [p.code for p in after.read().problems] == ["torn"], "still said by the process that cut it"
    assert Journal(path, RECORD).read().problems == ()


def test_a_fragment_with_a_line_break_is_torn_too(path: Path) -> None:
    """The chain goes on behind it, so nothing is missing."""
    filled(path)
    path.write_bytes(path.read_bytes() + b'{"seq": 4, "t"\n')
    after = Journal(path, RECORD)
    after.append("op-new", *remark("f4"))
    view = Journal(path, RECORD).read()
    assert [p.code for p in view.problems] == ["torn"]
    assert [e.seq for e in view.events] == [1, 2, 3, 4]


def test_an_event_that_lacks_only_its_line_break_stays(path: Path) -> None:
    filled(path)
    path.write_bytes(path.read_bytes()[:-1])
    after = Journal(path, RECORD)
    assert len(after.read().events) == 3
    after.append("op-new", *remark("f4"))
    view = Journal(path, RECORD).read()
    assert (len(view.events), view.problems) == (4, ())


def test_an_event_made_unreadable_is_not_called_torn_alone(path: Path) -> None:
    filled(path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"?" + lines[1], *lines[2:]]))
    codes = {p.code for p in Journal(path, RECORD).read().problems}
    assert {"missing", "broken_chain"} <= codes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 3000))
def test_cut_anywhere_the_confirmed_lines_before_it_stay(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = journal_path(tmp_path_factory.mktemp("cut") / "demo.ipynb", RECORD)
    filled(path, 4)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    kept = whole[: cut + 1].count(b"\n")  # one that lacks only its line break is whole
    after = Journal(path, RECORD)
    assert len(after.read().events) == kept
    assert after.append("op-new", *remark("f9")).event.seq == kept + 1
    view = Journal(path, RECORD).read()
    assert (len(view.events), view.problems) == (kept + 1, ())


def test_a_full_disk_leaves_nothing_and_recovers(path: Path) -> None:
    """A real limit of the system, met in the middle of a line."""
    filled(path)
    before = path.read_bytes()
    code = (
        "import resource, sys; from pathlib import Path; from reviewkit.journal import Journal\n"
        "from reviewkit.errors import JournalError\n"
        "path = Path(sys.argv[1]); made = Journal(path, 'abc123'); size = path.stat().st_size\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "for spare in (0, 1, 50):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size + spare, limits[1]))\n"
        "    try: made.append('late', 'review.closed', {}); print('stored')\n"
        "    except JournalError as error: print(error.reason)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        "print(made.append('late', 'review.closed', {}).event.seq)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["disk_full", "disk_full", "disk_full", "4"]
    assert path.read_bytes().startswith(before)
    assert Journal(path, RECORD).read().problems == ()


def test_a_disk_that_fails_to_confirm_stops_the_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second sync may report success for data that is lost."""
    made = filled(path)
    before = path.read_bytes()

    def failing(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "sync", failing)
        with pytest.raises(JournalError, match="failed to confirm"):
            made.append("op-x", *remark("f9"))
    assert path.read_bytes() == before
    with pytest.raises(JournalError) as caught:
        made.append("op-y", *remark("f9"))
    assert caught.value.reason == "stopped"
    assert Journal(path, RECORD).append("op-y", *remark("f9")).event.seq == 4


def test_nothing_is_confirmed_before_the_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(journal, "sync", lambda file: done.append(f"synced {os.fstat(file).st_size > 0}"))
    Journal(path, RECORD).append("op", *remark())
    assert done == ["synced True"]


def test_a_lock_that_is_held_gives_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = filled(path)
    monkeypatch.setattr(journal, "lock", lambda file: durable.lock(file, patience=0.05))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match="another process") as caught:
            made.append("op-x", *remark("f9"))
    assert caught.value.reason == "locked"
    assert made.append("op-x", *remark("f9")).is_new


def test_a_link_or_a_pipe_is_no_journal(path: Path, tmp_path: Path) -> None:
    """A folder that came from elsewhere cannot point the writer at another file."""
    target = tmp_path / "precious"
    target.write_bytes(b"keep")
    path.parent.mkdir()
    path.symlink_to(target)
    with pytest.raises(JournalError):
        Journal(path, RECORD).append("op", *remark())
    assert target.read_bytes() == b"keep"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(JournalError):
        Journal(path, RECORD).append("op", *remark())


def test_a_folder_that_is_gone_gives_a_sentence_without_a_path(tmp_path: Path) -> None:
    path = journal_path(tmp_path / "away" / "demo.ipynb", RECORD)
    with pytest.raises(JournalError) as caught:
        Journal(path, RECORD).append("op", *remark())
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_was_replaced_is_read_anew(path: Path, tmp_path: Path) -> None:
    made = filled(path)
    other = journal_path(tmp_path / "other" / "demo.ipynb", RECORD)
    other.parent.parent.mkdir()
    filled(other, 1)
    other.replace(path)
    assert len(made.read().events) == 1
    assert made.append("op-new", *remark("f9")).event.seq == 2


def test_a_kernel_finds_its_record_by_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_STATE", str(tmp_path / "state"))
    granted = issue(blank_workbook(tmp_path), tmp_path)
    for name in ("", "demo.ipynb", str(tmp_path / "notebooks" / "demo.ipynb")):
        monkeypatch.setenv("JPY_SESSION_NAME", name)
        assert kernel_recorder() is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(granted.notebook))
    recorder = kernel_recorder()
    assert recorder is not None
    assert (recorder.record, recorder.slug, recorder.preview) == (granted.grant.record, "demo", False)
    event = recorder.add("probe.run", {"probe": "rush", "tree": "head", "verdict": "5 of 5"})
    assert recorder.events() == (event,)
    assert Journal(journal_path(granted.notebook, recorder.record), "x").read().events == (event,)


def test_a_preview_shows_events_and_stores_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_STATE", str(tmp_path / "state"))
    granted = issue(blank_workbook(tmp_path), tmp_path, preview=True)
    recorder = kernel_recorder(str(granted.notebook))
    assert recorder is not None
    assert recorder.preview
    first, second = recorder.add(*remark("f1")), recorder.add("review.closed", {})
    assert recorder.events() == (first, second)
    assert second.prev == first.hash
    assert not (tmp_path / ".reviewkit").exists()
    with pytest.raises(EventError):
        recorder.add("review.closed", {"x": 1})


def test_a_kernel_records_nothing_before_the_candidate_agreed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_STATE", str(tmp_path / "state"))
    terms = Terms(minutes=60, policy_text="ai-none-1", policy="None.", retention_days=90)
    made = issue(blank_workbook(tmp_path), tmp_path, candidate="c-1", record="invite-1", terms=terms)
    recorder = kernel_recorder(str(made.notebook))
    assert recorder is not None
    probe = ("probe.run", {"probe": "rush", "tree": "head", "verdict": "5 of 5"})
    with pytest.raises(JournalError) as refused:
        recorder.add(*probe)
    assert refused.value.reason == "not_agreed"
    assert "agree" in str(refused.value)
    assert recorder.events() == ()
    Journal(journal_path(made.notebook, "invite-1"), "invite-1").append("c", *CONSENT)
    assert recorder.add(*probe).seq == 2
