"""Suites of a bank run in processes of their own: each is fresh, says why it failed, and is ended when nobody waits any more."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reviewkit import proving
from reviewkit.bank import Bank, Entry
from reviewkit.bankproof import run_problems
from reviewkit.proving import Result, SuiteError, run_in_process, side_by_side

ROOT = Path(__file__).resolve().parent.parent
SLUG = "transactions"
HEADER = """
import asyncio, os, sys
from pathlib import Path

from reviewkit.harness.results import Seen, proof

HERE = Path({here!r})
"""


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, tmp_path / part / SLUG)
    return Bank(tmp_path, tmp_path / "rubrics").entry(SLUG)


@pytest.fixture
def proofs(entry: Entry, tmp_path: Path) -> Callable[[str], list[Result]]:
    """Run proofs of this text on the change as proposed."""

    def run(text: str) -> list[Result]:
        assert entry.rubric_folder is not None
        (entry.rubric_folder / "proofs.py").write_text(HEADER.format(here=str(tmp_path)) + text, "utf-8")
        return run_in_process(entry, entry.folder / "head", "proofs")

    return run


def test_each_suite_has_a_process_of_its_own(proofs: Callable[[str], list[Result]]) -> None:
    text = """
@proof("own")
async def own(stage):
    left, sys.left = getattr(sys, "left", "nothing"), "something"
    print("nobody reads this")
    return Seen(True, f"{left} {os.getpid()}")
"""
    (first,), (second,) = proofs(text), proofs(text)
    assert first.text.split()[0] == second.text.split()[0] == "nothing"
    assert first.text != second.text


def test_one_that_ends_early_says_what_it_printed(proofs: Callable[[str], list[Result]]) -> None:
    with pytest.raises(SuiteError, match="proofs on head/ ended without results: the last word"):
        proofs("sys.stderr.write('the last word'); sys.stderr.flush(); os._exit(3)")


def test_files_that_cannot_be_loaded_are_problems_with_their_fault(entry: Entry) -> None:
    """Each part says its own; none ends the others."""
    assert entry.rubric_folder is not None
    for name in ("proofs.py", "checks.py"):
        path = entry.rubric_folder / name
        path.write_text(path.read_text("utf-8") + "\ndef (\n", "utf-8")
    texts = [problem.text for problem in run_problems(entry, quick=True)]
    assert "proofs on head/ ended without results: SyntaxError: invalid syntax" in texts
    assert "checks on reference/ ended without results: SyntaxError: invalid syntax" in texts
    assert sum("is not caught by" in text and "SyntaxError" in text for text in texts) == 10
    assert not [text for text in texts if "it said nothing" in text]


@pytest.mark.timeout(50)
def test_when_one_fails_what_runs_is_ended_and_nothing_more_is_begun(entry: Entry, tmp_path: Path) -> None:
    """Each proof would take until its time limit of a minute."""
    assert entry.rubric_folder is not None
    text = """
@proof("endless")
async def endless(stage):
    (HERE / f"begun-{os.getpid()}").touch()
    await asyncio.sleep(3600)
"""
    (entry.rubric_folder / "proofs.py").write_text(HEADER.format(here=str(tmp_path)) + text, "utf-8")
    begun = threading.Event()

    def work(number: int) -> list[Result]:
        if number == 0:
            while len(list(tmp_path.glob("begun-*"))) < 2:
                begun.wait(0.05)
            raise KeyboardInterrupt
        return run_in_process(entry, entry.folder / "head", "proofs")

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(20), at_once=3)
    assert not proving._running
    assert len(list(tmp_path.glob("begun-*"))) <= 4, "two that ran, and at most those that took their place before the rest was given up"
