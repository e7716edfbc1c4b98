"""Reports, cohort page, CSV and terminal table of the hostile corpus, made without a kernel; shared by several test files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import hostile_files as hostile
import made_submissions as made

from reviewkit.assess import Assessment, assess, row_of
from reviewkit.bank import Bank, find_bank
from reviewkit.batchmarks import Mark
from reviewkit.errors import SubmissionError
from reviewkit.report import render_report, with_batch_marks
from reviewkit.row import Row
from reviewkit.submission import read_submission

MARKS = (Mark("copied_text", "3 remarks are word for word the same under another candidate: submission 0123456789ab."),)


@cache
def bank() -> Bank:
    return find_bank(made.ROOT)


@dataclass(frozen=True)
class Shown:
    """One file and what came of it."""

    item: hostile.Hostile
    row: Row
    assessment: Assessment | None = None
    html: str = ""


def make(folder: Path, items: Iterable[hostile.Hostile]) -> list[tuple[hostile.Hostile, Path]]:
    """Put files of the corpus into a folder."""
    paths = [(item, folder / item.name) for item in items]
    for item, path in paths:
        item.make(path)
    return paths


def show(item: hostile.Hostile, path: Path, *, marks: tuple[Mark, ...] = MARKS) -> Shown:
    """Read, assess without a sandbox, and render."""
    sha256 = ""
    try:
        submission = read_submission(path)
        sha256 = submission.sha256
        found = assess(submission, bank(), None)
    except SubmissionError as error:
        return Shown(item, Row(path.name, sha256, unscored=error.reason_code, sentence=error.sentence))
    html = with_batch_marks(render_report(found.card, found.entry, found.submission, "2026-11-22 10:00 UTC"), marks)
    row = replace(row_of(found, path.name), report=f"reports/{sha256[:12]}.html", batch_marks="copied_text", batch_words=marks[0].words)
    return Shown(item, row, found, html)
