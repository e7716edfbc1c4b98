"""Scores many submissions: one papermill run of our scoring notebook for each, then store, CSV and cohort page."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from reviewkit.batchmarks import Mark, batch_marks
from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.engine import Engine
from reviewkit.errors import SubmissionError, UsageError
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row, merged
from reviewkit.scoringpool import scoring_pool
from reviewkit.submission import parse_submission, read_bytes, shown_name

NOTEBOOK_SECONDS = 600
JOBS = min(os.cpu_count() or 1, 4)
LOG = "scoring.log"
Tell = Callable[[Row], None]


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


def scoring_notebook() -> Path:
    """The scoring notebook, for plain papermill."""
    return Path(str(files("reviewkit") / "notebooks" / "score.ipynb"))


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


def score_all(paths: Sequence[Path], order: Order, tell: Tell, jobs: int = JOBS) -> list[Row]:
    """Score every file; a file that cannot be scored is a row with its reason.

    Args:
        paths: Files, in the order of the result.
        order: Output folder, prepared, and bank.
        tell: Called with each row as it is done, in any order.
        jobs: Notebooks to run at a time.
    """
    staged = {path: _stage(path, order.out) for path in paths}
    rows: dict[Path, Row] = {}
    for path, item in staged.items():
        if isinstance(item, Row):
            rows[path] = item
            tell(item)
    work: dict[Path, list[Path]] = {}  # the same bytes under two names are scored once
    for path, item in staged.items():
        if isinstance(item, Path):
            work.setdefault(item, []).append(path)
    with scoring_pool(order.engine, max(1, min(jobs, len(work) or 1)), order.out / LOG) as (pool, options):
        pending = {pool.submit(run_notebook, item, order, options): item for item in work}
        for future, item in pending.items():
            try:
                row = future.result()
            except Exception as error:  # one submission's failure is one row; its neighbours go on
                row = Row("", item.stem, unscored="scoring_failed", sentence=_failed(error))
            for path in work[item]:
                rows[path] = replace(row, file=path.name, sentence=row.sentence.replace(item.name, shown_name(path)))
                tell(rows[path])
    return [rows[path] for path in paths]


def _failed(error: Exception) -> str:
    return f"Scoring ended with {type(error).__name__}; see notebooks/ and {LOG}, then score the file again."


def _stage(path: Path, out: Path) -> Path | Row:
    """Copy a readable submission to a name of our own; the row of one that cannot be read."""
    sha256 = ""
    try:
        data = read_bytes(path)
        sha256 = hashlib.sha256(data).hexdigest()
        return OutFolder(out).stage(data, parse_submission(data, path))
    except SubmissionError as error:
        return Row(path.name, sha256, unscored=error.reason_code, sentence=str(error))


def run_notebook(staged: Path, order: Order, options: Mapping[str, Any]) -> Row:
    """Execute the scoring notebook on one staged submission; several at a time, in threads or processes of the pool.

    Raises:
        PapermillExecutionError: If our own notebook fails.
    """
    import papermill

    executed = order.out / "notebooks" / f"{staged.stem[:12]}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    OutFolder(order.out).row_file(staged.stem).unlink(missing_ok=True)  # an earlier run's row must not stand in for this one's
    parameters = {
        "submission": str(staged.resolve()), "out": str(order.out.resolve()),
        "bank": str(order.bank), "rubrics": str(order.rubrics), "exemplars": order.exemplars,
        "sentences": order.sentences, "second_opinion": order.second_opinion, "second_opinion_model": order.second_opinion_model,
    }  # fmt: skip
    notebook = papermill.execute_notebook(
        str(scoring_notebook()), str(executed), parameters, kernel_name="python3", progress_bar=False,
        execution_timeout=NOTEBOOK_SECONDS, request_save_on_cell_execute=False,
        resources={"metadata": {"path": str(order.out.resolve())}}, **options,
    )  # fmt: skip
    _without_paths(executed)
    return _row(notebook, order.out, staged.stem)


def _row(notebook: Any, out: Path, sha256: str) -> Row:
    path = OutFolder(out).row_file(sha256)
    if path.is_file():
        return Row(**json.loads(path.read_text("utf-8")))
    texts = [o.get("data", {}).get("text/plain", "") for c in notebook.cells for o in c.get("outputs", [])]
    return Row("", sha256, unscored="scoring_failed", sentence=" ".join("".join(texts[:1]).split()))


def _without_paths(path: Path) -> None:
    """papermill notes where files lay and what it was given; neither belongs in a report."""
    notebook = json.loads(path.read_text("utf-8"))
    kept = notebook["metadata"].get("papermill", {})
    for key in ("input_path", "output_path", "parameters", "environment_variables"):
        kept.pop(key, None)
    notebook["cells"] = [c for c in notebook["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
    write_whole(path, json.dumps(notebook, indent=1, ensure_ascii=False).encode())


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
