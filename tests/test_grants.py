"""Promises of grants: only what this machine made is granted, and the list of grants is never half written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from made_records import blank_workbook

from reviewkit.errors import DataError, GrantError, UsageError
from reviewkit.grants import Grant, Grants, cell_hashes, find_session_grant, issue, state_folder
from reviewkit.terms import Terms


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("REVIEWKIT_STATE", str(folder))
    return folder


def test_a_fresh_copy_is_stamped_and_granted(tmp_path: Path, state: Path) -> None:
    workbook = blank_workbook(tmp_path)
    before = workbook.read_bytes()
    first = issue(workbook, tmp_path, candidate="c-17")
    second = issue(workbook, tmp_path)
    assert workbook.read_bytes() == before
    assert first.grant.record != second.grant.record
    made = json.loads(first.notebook.read_bytes())
    assert made["metadata"]["reviewkit"]["record"] == {
        "id": first.grant.record,
        "candidate": "c-17",
        "head": "0" * 64,
        "count": 0,
        "events": [],
    }
    assert first.grant.cells == cell_hashes(made)
    assert list(first.grant.cells) == ["c1"]
    grants = Grants()
    assert grants.of(first.notebook) == first.grant
    assert grants.of(workbook) is None
    assert grants.of_record(second.grant.record) == second
    assert grants.of_record("unknown") is None
    assert set(json.loads((state / "grants.json").read_bytes())) == {str(first.notebook), str(second.notebook)}


def test_the_list_is_for_its_owner_only(tmp_path: Path, state: Path) -> None:
    issue(blank_workbook(tmp_path), tmp_path)
    assert state.stat().st_mode & 0o077 == 0
    assert (state / "grants.json").stat().st_mode & 0o077 == 0


def test_a_link_to_a_notebook_is_the_notebook(tmp_path: Path) -> None:
    granted = issue(blank_workbook(tmp_path), tmp_path)
    link = tmp_path / "link.ipynb"
    link.symlink_to(granted.notebook)
    assert Grants().of(link) == granted.grant


def test_a_copy_of_a_granted_notebook_is_not_granted(tmp_path: Path) -> None:
    """Neither its metadata nor a file beside it decides."""
    granted = issue(blank_workbook(tmp_path), tmp_path)
    copy = tmp_path / "elsewhere" / granted.notebook.name
    copy.parent.mkdir()
    copy.write_bytes(granted.notebook.read_bytes())
    (copy.parent / "grants.json").write_text(json.dumps({str(copy): granted.grant.model_dump()}))
    assert Grants().of(copy) is None
    assert find_session_grant(str(copy)) is None


def test_many_writers_keep_all_grants(tmp_path: Path) -> None:
    grant = Grant(record="r", slug="demo", version="1.0.0")

    def put(name: str) -> None:
        for number in range(8):
            Grants().put(tmp_path / f"{name}-{number}.ipynb", grant)

    threads = [threading.Thread(target=put, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(Grants().of(tmp_path / f"{name}-{n}.ipynb") is not None for name in "abcd" for n in range(8)) == 32


def test_a_damaged_list_is_an_error_and_is_kept(tmp_path: Path, state: Path) -> None:
    """Treating it as empty would silently stop all recording."""
    state.mkdir()
    (state / "grants.json").write_text('{"/x": {"record":')
    for attempt in (lambda: Grants().of(tmp_path), lambda: issue(blank_workbook(tmp_path), tmp_path)):
        with pytest.raises(GrantError, match="damaged"):
            attempt()
    assert (state / "grants.json").read_text() == '{"/x": {"record":'


def test_a_failed_replacement_leaves_the_old_list(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = issue(blank_workbook(tmp_path), tmp_path)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reviewkit.durable.sync", full)
    with pytest.raises(GrantError, match="No space left"):
        Grants().put(tmp_path / "other.ipynb", granted.grant)
    assert Grants().of(granted.notebook) == granted.grant
    assert {p.name for p in state.iterdir()} == {"grants.json", "grants.lock"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "another version"),
        ({"slug": "../x"}, "cannot be granted"),
        ({"version": 1}, "cannot be granted"),
        ({"slug": None}, "cannot be granted"),
        ({"record": {"id": "x"}}, "somebody's record"),
    ],
)
def test_only_a_blank_workbook_is_issued(tmp_path: Path, change: dict[str, object], words: str) -> None:
    workbook = blank_workbook(tmp_path)
    content = json.loads(workbook.read_bytes())
    content["metadata"]["reviewkit"].update(change)
    workbook.write_text(json.dumps(content))
    with pytest.raises(DataError, match=words):
        issue(workbook, tmp_path)
    assert Grants().of_record("x") is None


@pytest.mark.parametrize("candidate", ["Ann Other", "a\nb", "c-17\n", "x" * 81, "=1+1"])
def test_a_candidate_is_an_opaque_id(tmp_path: Path, candidate: str) -> None:
    with pytest.raises(UsageError, match="no names"):
        issue(blank_workbook(tmp_path), tmp_path, candidate=candidate)
    assert list(tmp_path.glob("*.ipynb")) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"metadata": {"reviewkit": 1}}', b"\xff", b"[" * 100_000])
def test_what_is_no_workbook_gives_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(DataError, match="reviewkit build"):
        issue(path, tmp_path)


def test_without_the_variable_the_state_lies_in_jupyters_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVIEWKIT_STATE")
    monkeypatch.setenv("JUPYTER_DATA_DIR", "/somewhere/data")
    assert state_folder() == Path("/somewhere/data/reviewkit")


def test_a_copy_for_an_invite_names_its_record_and_its_time_box(tmp_path: Path) -> None:
    blank = blank_workbook(tmp_path)
    content = json.loads(blank.read_text())
    content["cells"][0]["source"] = ["# Demo\n", "The time box is 15 minutes. Keep 15 minutes for the end."]
    blank.write_text(json.dumps(content))
    terms = Terms(minutes=90, policy_text="ai-none-1", policy="None.", retention_days=90)
    made = issue(blank, tmp_path, candidate="c-1", record="invite-1", terms=terms, grants=Grants(tmp_path / "state"))
    assert made.notebook.name == f"{made.grant.slug}-invite-1.ipynb"
    assert "The time box is 90 minutes. Keep 15 minutes for the end." in made.notebook.read_text()
    assert Grants(tmp_path / "state").of_record("invite-1") == made
    assert made.grant.terms == terms
