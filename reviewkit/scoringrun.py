"""One run of the scoring notebook on one staged submission: within its limits, and with one row whatever happens."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reviewkit.collect import write_whole
from reviewkit.limits import MEMORY, TIME, Deadline
from reviewkit.notebookfile import notebook_text
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row, write_row
from reviewkit.scoringpool import ready

if TYPE_CHECKING:
    from reviewkit.batch import Order

LOG: Final = "scoring.log"
_TRIES: Final = 2
"""Of a notebook whose kernel ended: what ended it may have been meant for a neighbour."""


@dataclass(frozen=True)
class Work:
    """A submission to score, as far as a row of it must name it when scoring fails."""

    staged: Path
    sha256: str
    candidate: str
    slug: str
    version: str


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    row: Row
    """Named as the staged copy."""
    seconds: float
    """Wall time."""


def scoring_notebook() -> Path:
    """The scoring notebook, for plain papermill."""
    return Path(str(files("reviewkit") / "notebooks" / "score.ipynb"))


def run_notebook(work: Work, order: Order, options: Mapping[str, Any]) -> Outcome:
    """Score one submission; several at a time, in threads or processes of the pool. Never raises an `Exception`.

    Args:
        work: What to score.
        order: Where and how.
        options: Of papermill, as the pool gives them.
    """
    begun = time.monotonic()
    row_file = OutFolder(order.out).row_file(work.sha256)
    row_file.unlink(missing_ok=True)  # an earlier run's row must not stand in for this one's
    try:
        row = _executed(work, order, options)
    except Exception as error:  # one submission's failure is one row; its neighbours go on
        row = _failed(work, order, error)
        write_row(row_file, row)
    return Outcome(row, time.monotonic() - begun)


def _executed(work: Work, order: Order, options: Mapping[str, Any]) -> Row:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    deadline = Deadline(order.limits.seconds)
    for _again in range(_TRIES):
        try:
            return _execute(work, order, options, deadline)
        except (DeadKernelError, CellTimeoutError) as error:
            # A kernel that has just died is taken for one that does not answer, well before its time is over.
            if deadline.left() < 1:
                raise
            died = error
    raise DeadKernelError("Kernel died") from died


def _execute(work: Work, order: Order, options: Mapping[str, Any], deadline: Deadline) -> Row:
    import papermill

    executed = OutFolder(order.out).notebook_file(work.sha256)
    executed.parent.mkdir(parents=True, exist_ok=True)
    parameters = {
        "submission": str(work.staged.resolve()), "out": str(order.out.resolve()),
        "bank": str(order.bank), "rubrics": str(order.rubrics), "exemplars": order.exemplars,
        "sentences": order.sentences, "second_opinion": order.second_opinion, "second_opinion_model": order.second_opinion_model,
        "memory": order.limits.megabytes,
    }  # fmt: skip
    try:
        notebook = papermill.execute_notebook(
            str(scoring_notebook()), str(executed), parameters, kernel_name="python3", progress_bar=False,
            timeout_func=deadline.left, request_save_on_cell_execute=False,
            resources={"metadata": {"path": str(order.out.resolve())}}, **options, **_ready(work, order, options),
        )  # fmt: skip
    finally:
        _without_paths(executed)
    return _row(notebook, order.out, work)


def _ready(work: Work, order: Order, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine does once for all submissions of this one's scenario; a kernel has nothing to do it before."""
    return {"ready": ready(order.bank, order.rubrics, work.slug)} if "server" in options else {}


def _row(notebook: Any, out: Path, work: Work) -> Row:
    path = OutFolder(out).row_file(work.sha256)
    if path.is_file():
        return Row(**json.loads(path.read_text("utf-8")))
    texts = [o.get("data", {}).get("text/plain", "") for c in notebook.cells for o in c.get("outputs", [])]
    return _unscored(work, "scoring_failed", " ".join("".join(texts[:1]).split()))


def _failed(work: Work, order: Order, error: Exception) -> Row:
    """The row of a submission that could not be scored to its end."""
    from nbclient.exceptions import CellTimeoutError

    name, limits = work.staged.name, order.limits
    if isinstance(error, CellTimeoutError):
        _forget_notebook(work, order)
        fact = f"{name}: scoring it took longer than {limits.seconds:g} s and was ended."
        return _unscored(work, TIME, f"{fact} Look at the file, or give it more with --time-limit.")
    if getattr(error, "ename", "") == "MemoryError":
        _forget_notebook(work, order)
        fact = f"{name}: scoring it needed more than {limits.megabytes} MB of memory and was ended."
        return _unscored(work, MEMORY, f"{fact} Look at the file, or give it more with --memory-limit.")
    words = f"Scoring ended with {type(error).__name__}; see notebooks/ and {LOG}, then score the file again."
    return _unscored(work, "scoring_failed", words)


def _unscored(work: Work, code: str, sentence: str) -> Row:
    return Row(
        work.staged.name, work.sha256, candidate=work.candidate, scenario=work.slug, scenario_version=work.version,
        unscored=code, sentence=sentence,
    )  # fmt: skip


def _forget_notebook(work: Work, order: Order) -> None:
    """A notebook that a limit ended says nothing that its row does not."""
    OutFolder(order.out).notebook_file(work.sha256).unlink(missing_ok=True)


def _without_paths(path: Path) -> None:
    """papermill notes where files lay and what it was given; neither belongs in a report. Nothing is done without a notebook."""
    with contextlib.suppress(FileNotFoundError):
        notebook = json.loads(path.read_text("utf-8"))
        kept = notebook["metadata"].get("papermill", {})
        for key in ("input_path", "output_path", "parameters", "environment_variables"):
            kept.pop(key, None)
        notebook["cells"] = [c for c in notebook["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
        write_whole(path, notebook_text(notebook).encode())
