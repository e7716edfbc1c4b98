"""Kept results of the sandbox are used again only for the very files that they were made with."""

from __future__ import annotations

import shutil
from pathlib import Path

import made_submissions as made
import pytest

from reviewkit.bank import find_bank
from reviewkit.clusterwork import packed
from reviewkit.runs import NO_MATTER, NOT_RUN, Runs, content_of, keep, kept, versions_of

SLUG = "transactions"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    for part in ("scenarios", "rubrics"):
        shutil.copytree(made.ROOT / part / SLUG, tmp_path / part / SLUG, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("file", ["rubrics/transactions/checks.py", "rubrics/transactions/isolates.yaml", "scenarios/transactions/harness/driver.py"])
def test_a_changed_file_makes_kept_results_unusable(bank: Path, tmp_path: Path, file: str) -> None:
    entry = find_bank(bank).entry(SLUG)
    keep(tmp_path / "runs.json", Runs(versions=versions_of(entry)))
    assert kept(tmp_path / "runs.json", entry) is not None
    with (bank / file).open("a") as text:
        text.write("\n# mended\n")
    assert kept(tmp_path / "runs.json", find_bank(bank).entry(SLUG)) is None


@pytest.mark.parametrize("without", [NOT_RUN, NO_MATTER])
def test_guides_and_sample_reviews_do_not_count(bank: Path, without: frozenset[str]) -> None:
    """Neither for what the sandbox said, nor for whether a submission must be scored again, nor for what a cluster is sent."""
    before = content_of(find_bank(bank).entry(SLUG), without), packed(bank, bank / "rubrics")
    (bank / "rubrics" / SLUG / "guide.md").write_text("another guide")
    (bank / "rubrics" / SLUG / "guide.ipynb").write_text("a built guide")
    (bank / "rubrics" / SLUG / "calibration" / "more.txt").write_text("another review")
    assert (content_of(find_bank(bank).entry(SLUG), without), packed(bank, bank / "rubrics")) == before
