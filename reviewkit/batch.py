"""Scores many submissions: one papermill run of our scoring notebook for each, then store, CSV and cohort page."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from reviewkit.assess import row_file
from reviewkit.collect import write_whole
from reviewkit.errors import SubmissionError, UsageError
from reviewkit.row import Row
from reviewkit.submission import read_submission

NOTEBOOK_SECONDS = 600
JOBS = min(os.cpu_count() or 1, 4)
STORE = "store.sqlite"
LOG = "scoring.log"
Tell = Callable[[Row], None]


@dataclass(frozen=True)
class Order:
    """What every scoring run of a batch needs."""

    out: Path
    bank: Path
    """Root of the bank."""
    rubrics: Path


def scoring_notebook() -> Path:
    """The scoring notebook, for plain papermill."""
    return Path(str(files("reviewkit") / "notebooks" / "score.ipynb"))


def score_all(paths: Sequence[Path], order: Order, tell: Tell, jobs: int = JOBS) -> list[Row]:
    """Score every file; a file that cannot be scored is a row with its reason.

    Args:
        paths: Files, in the order of the result.
        order: Output folder and bank.
        tell: Called with each row as it is done, in any order.
        jobs: Processes to use.
    """
    try:
        order.out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=order.out):
            pass  # a folder that is there may still refuse files
    except OSError as error:
        raise UsageError(f"{order.out}: cannot be an output folder ({error.strerror}).", "Name another with --out.") from None
    staged = {path: _stage(path, order.out) for path in paths}
    rows: dict[Path, Row] = {}
    for path, item in staged.items():
        if isinstance(item, Row):
            rows[path] = item
            tell(item)
    work = {path: item for path, item in staged.items() if isinstance(item, Path)}
    size = max(1, min(jobs, len(work) or 1))
    with ProcessPoolExecutor(size, get_context("spawn"), initializer=_log_to, initargs=(order.out / LOG,)) as pool:
        pending = {pool.submit(run_notebook, item, order): path for path, item in work.items()}
        for future, path in pending.items():
            try:
                row = future.result()
            except Exception as error:  # one submission's failure is one row; its neighbours go on
                row = Row("", work[path].stem, unscored="scoring_failed", sentence=_failed(error))
            rows[path] = replace(row, file=path.name, sentence=row.sentence.replace(work[path].name, path.name))
            tell(rows[path])
    return [rows[path] for path in paths]


def _log_to(path: Path) -> None:
    """Let what kernels say on their error stream go to a file instead of through the progress bar."""
    with path.open("ab") as log:
        os.dup2(log.fileno(), 2)


def _failed(error: Exception) -> str:
    return f"Scoring ended with {type(error).__name__}; see notebooks/ and {LOG}, then score the file again."


def _stage(path: Path, out: Path) -> Path | Row:
    """Copy a readable submission to a name of our own; the row of one that cannot be read."""
    try:
        submission = read_submission(path)
    except SubmissionError as error:
        return Row(path.name, "", unscored=error.reason_code, sentence=str(error))
    target = out / "staged" / f"{submission.sha256}.ipynb"
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != submission.sha256:
        return Row(path.name, "", unscored="changed", sentence=f"{path.name}: changed while it was read. Score it again.")
    write_whole(target, data)
    return target


def run_notebook(staged: Path, order: Order) -> Row:
    """Execute the scoring notebook on one staged submission; runs in a process of the pool.

    Raises:
        PapermillExecutionError: If our own notebook fails.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # a grammar of 1.2 s that notebooks do not need
    import papermill

    executed = order.out / "notebooks" / f"{staged.stem[:12]}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    row_file(order.out, staged.stem).unlink(missing_ok=True)  # an earlier run's row must not stand in for this one's
    parameters = {
        "submission": str(staged.resolve()), "out": str(order.out.resolve()),
        "bank": str(order.bank), "rubrics": str(order.rubrics),
    }  # fmt: skip
    notebook = papermill.execute_notebook(
        str(scoring_notebook()), str(executed), parameters, kernel_name="python3", progress_bar=False,
        execution_timeout=NOTEBOOK_SECONDS, request_save_on_cell_execute=False, cwd=str(order.out.resolve()),
    )  # fmt: skip
    _without_paths(executed)
    return _row(notebook, order.out, staged.stem)


def _row(notebook: Any, out: Path, sha256: str) -> Row:
    path = row_file(out, sha256)
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


def publish(rows: Sequence[Row], out: Path) -> None:
    """Write what stands beside the single reports: store, CSV and cohort page."""
    from reviewkit.cohort import render_cohort, write_csv
    from reviewkit.store import save_rows

    asyncio.run(save_rows(f"sqlite+aiosqlite:///{out.resolve() / STORE}", rows, out))
    write_csv(rows, out / "cohort.csv")
    write_whole(out / "cohort.html", render_cohort(rows).encode("utf-8", "backslashreplace"))
