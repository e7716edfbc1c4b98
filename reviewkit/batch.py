"""What a batch is given, and what is made of its rows: store, CSV and cohort page. `reviewkit.batchrun` runs it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from reviewkit.batchmarks import Mark, batch_marks
from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.engine import Engine
from reviewkit.errors import SubmissionError, UsageError
from reviewkit.limits import STANDARD, Limits
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row, merged
from reviewkit.submission import Submission, parse_submission, read_bytes

Read = Callable[[Path], bytes]
"""Gives the bytes of a submission, or raises `SubmissionError`."""


@dataclass(frozen=True)
class Order:
    """What every scoring run of a batch needs."""

    out: Path
    bank: Path
    """Root of the bank."""
    rubrics: Path
    exemplars: bool = True
    """Whether matching looks at adjudicated remarks."""
    sentences: bool = False
    """Whether matching uses the optional sentence model."""
    second_opinion: str = ""
    """Address of the endpoint that is asked about what waits for a person; empty: nobody is asked."""
    second_opinion_model: str = ""
    engine: Engine = Engine.FORK
    """What executes the scoring notebook; the scores are the same."""
    limits: Limits = STANDARD
    """Of each submission."""
    again: bool = False
    """Whether to score anew what is done already."""


def prepare(out: Path) -> None:
    """Make the output folder.

    Raises:
        UsageError: If nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass  # a folder that is there may still refuse files
    except OSError as error:
        raise UsageError(f"{out}: cannot be an output folder ({error.strerror}).", "Name another with --out.") from None


def stage_file(path: Path, out: Path, read: Read = read_bytes) -> Submission | Row:
    """Copy a readable submission to a name of our own; the row of one that cannot be read."""
    sha256 = ""
    try:
        data = read(path)
        sha256 = hashlib.sha256(data).hexdigest()
        submission = parse_submission(data, path)
        OutFolder(out).stage(data, submission)
        return submission
    except SubmissionError as error:
        return Row(path.name, sha256, unscored=error.reason_code, sentence=str(error))


def publish(rows: Sequence[Row], out: Path, now: datetime | None = None) -> list[Row]:
    """Write what stands beside the single reports: the store's rows, and the cohort of everything scored into `out` so far.

    Args:
        rows: The batch.
        out: Output folder.
        now: Time of scoring; only a clock that is ahead of it is marked.

    Returns:
        The batch's rows, with the marks that other files of the folder give rise to.
    """
    from reviewkit.store import save_rows

    folder = OutFolder(out)
    finished(save_rows(folder.store_url, rows, out))
    with folder.locked():
        shown = show_cohort(merged(folder.cohort(), rows), out, now)
    by_file = {(row.sha256, row.file, row.sentence): row for row in shown}
    return [by_file[row.sha256, row.file, row.sentence] for row in rows]


def show_cohort(rows: Sequence[Row], out: Path, now: datetime | None = None) -> list[Row]:
    """Write the rows of an output folder: as data, as CSV, as the cohort page; and the marks among them, also into reports.

    Args:
        rows: Everything that the folder shows.
        out: Output folder.
        now: As for `publish`.

    Returns:
        The rows with their marks.
    """
    from reviewkit.cohort import render_cohort, write_csv
    from reviewkit.ratertotals import agreement_lines
    from reviewkit.statsviews import cohort_rows

    folder = OutFolder(out)
    marks = batch_marks(folder.lying(rows), now or datetime.now(UTC))
    marked = [_with_marks(row, marks) for row in rows]
    folder.write_cohort(marked)
    write_csv(marked, out / "cohort.csv")
    agreement = cohort_rows(agreement_lines(out)) if any(row.scorecard for row in rows) else []
    write_whole(out / "cohort.html", render_cohort(marked, agreement).encode("utf-8", "backslashreplace"))
    for row in marked:
        if row.report:
            _mark_report(out / row.report, marks.get(row.sha256, ()))
    return marked


def _with_marks(row: Row, marks: Mapping[str, Sequence[Mark]]) -> Row:
    found = marks.get(row.sha256, ())
    codes = ", ".join(dict.fromkeys(mark.code for mark in found))
    return replace(row, batch_marks=codes, batch_words=" ".join(mark.words for mark in found))


def _mark_report(path: Path, marks: Sequence[Mark]) -> None:
    """Put the marks into a report's head; one of another version, or none, stays as it is."""
    from reviewkit.report import with_batch_marks

    try:
        before = path.read_bytes().decode("utf-8")
        after = with_batch_marks(before, marks)
    except (OSError, ValueError):
        return
    if after != before:
        write_whole(path, after.encode("utf-8"))
