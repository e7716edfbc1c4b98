"""The same submission gets the same verdicts and the same bytes each time, also while others keep the machine busy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_submissions as made
import pytest

from reviewkit.assess import assess
from reviewkit.bank import find_bank
from reviewkit.checks import check_tree
from reviewkit.harness.stage import find_driver
from reviewkit.harness.world import World
from reviewkit.runtimes.guests import lacking_for
from reviewkit.sandbox import open_launcher
from reviewkit.submission import Submission, read_submission
from reviewkit.words import ExerciseKind

pytestmark = pytest.mark.sandbox
BANK = find_bank(start=Path(__file__).parent)
COMPLETED = [
    pytest.param(path, id=f"{entry.slug}-{path.stem}")
    for entry in BANK
    if entry.rubric_folder is not None
    for path in sorted((entry.rubric_folder / "calibration").glob("*.ipynb"))
]
FEW = ("stock-weak-1",)
"""In CI: one whose checks race, and fail."""
OFTEN = "-weak-1"
"""With `--full` twenty times: of each scenario one whose mend fails. The others twice: an hour would not do for all."""
SLOW_TURNS = 1_000
SETTLE = ("directory", "fulfilment")
"""Their drivers wait until nothing more comes of an answer."""


@contextlib.contextmanager
def load(times: int) -> Iterator[None]:
    """So many busy processes for each core."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(times * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def cards(submission: Submission, times: int) -> set[str]:
    """Scorecards of so many scorings, those of the unmended change included, by their bytes; all but the first under load."""
    with open_launcher() as launcher:

        def scored() -> str:
            assessment = assess(submission, BANK, launcher)
            return assessment.card.canonical_json() + repr(assessment.runs.baseline)

        found = {scored()}
        with load(2 if times > 2 else 1):  # in CI the other tests are load, too
            return found | {scored() for _ in range(times - 1)}


@pytest.mark.parametrize("path", COMPLETED)
def test_a_completed_notebook_gets_the_same_bytes(path: Path, request: pytest.FixtureRequest) -> None:
    full, name = request.config.getoption("--full"), request.node.callspec.id
    if not full and name not in FEW:
        pytest.skip("with --full")
    assert len(cards(read_submission(path), 20 if full and name.endswith(OFTEN) else 2)) == 1


@pytest.mark.parametrize("slug", BANK.slugs)
def test_a_scorer_that_is_slow_to_answer_changes_no_verdict(
    slug: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Code in a guest goes round its loop again and again before an answer comes, as where the scorer gets no processor."""
    if slug not in SETTLE and not request.config.getoption("--full"):
        pytest.skip("with --full")
    entry = BANK.entry(slug)
    if lacking_for(find_driver(entry.folder)) is not None:
        pytest.skip("no Node here")
    assert entry.rubric_folder is not None
    handle = World.handle

    async def slowly(world: World, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        for _ in range(SLOW_TURNS):
            await asyncio.sleep(0)
        return await handle(world, op, payload)

    monkeypatch.setattr(World, "handle", slowly)
    (exercise,) = (item.id for item in entry.scenario.exercises if item.kind == ExerciseKind.MEND)
    with open_launcher() as launcher:
        results = asyncio.run(check_tree(entry, exercise, entry.rubric_folder / "reference", launcher, seed=1))
    assert {result.check for result in results if result.outcome != "passed"} == set()


def test_a_mend_that_races_gets_the_same_bytes(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The warm-up has no completed notebook: its change as proposed stands for a mend that fails."""
    submission = read_submission(made.write(tmp_path / "one.ipynb", made.completed(made.review(), tmp_path)))
    assert len(cards(submission, 20 if request.config.getoption("--full") else 2)) == 1
