"""Runs a batch: reads and stages files, takes what is done already, scores the rest side by side, and tells as results come.

No more is read ahead than the workers need soon, so memory does not grow with the batch. What is done is noted at once
(`reviewkit.completed`): a batch that is ended in whatever way goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from reviewkit.batch import Order, Read, stage_file
from reviewkit.batchlog import BatchLog, Done, batch_log
from reviewkit.completed import Keys, keep_done, taken
from reviewkit.errors import DataError
from reviewkit.leftovers import sweep
from reviewkit.machine import usual_jobs
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row
from reviewkit.scoringpool import scoring_pool
from reviewkit.scoringrun import LOG, Outcome, Work, run_notebook
from reviewkit.submission import Submission, read_bytes, shown_name

Tell = Callable[[Done], None]
AHEAD = 2
"""Submissions per job that are read and waiting, or being scored."""


class Runner(Protocol):
    """Where submissions are scored: this machine or a cluster."""

    @property
    def window(self) -> int:
        """Submissions that it should be given before the first comes back."""

    def submit(self, work: Work) -> Future[Outcome]:
        """Have one scored; its files lie in the output folder when the future is done. Fails only where nothing can be scored."""


class LocalRunner:
    """Scores on this machine; starts nothing before the first submission comes."""

    def __init__(self, order: Order, jobs: int, stack: ExitStack) -> None:
        self._order, self._jobs, self._stack = order, jobs, stack
        self._submit: Callable[[Work], Future[Outcome]] | None = None

    @property
    def window(self) -> int:
        """See `Runner`."""
        return AHEAD * self._jobs

    def submit(self, work: Work) -> Future[Outcome]:
        """See `Runner`."""
        if self._submit is None:
            pool, options = self._stack.enter_context(scoring_pool(self._order.engine, self._jobs, self._order.out / LOG))
            self._submit = lambda work: pool.submit(run_notebook, work, self._order, options)
        return self._submit(work)


class _Batch:
    """One batch under way."""

    def __init__(self, order: Order, runner: Runner, tell: Tell, log: BatchLog, read: Read) -> None:
        self._order, self._runner, self._tell, self._log, self._read = order, runner, tell, log, read
        self._folder = OutFolder(order.out)
        self._keys = Keys(self._folder, order)
        self._names: dict[str, list[Path]] = {}
        """Content that is being scored -> files that have it: the same bytes under two names are scored once."""
        self._done: dict[str, Done] = {}
        self._pending: dict[Future[Outcome], tuple[Work, str | None]] = {}
        self.rows: dict[Path, Row] = {}

    def add(self, path: Path) -> None:
        """Read one file, and have it scored unless its result is known."""
        item = stage_file(path, self._order.out, self._read)
        if isinstance(item, Row):
            self._say(path, Done(item))
        elif item.sha256 in self._names:
            self._names[item.sha256].append(path)
        elif item.sha256 in self._done:
            self._say(path, self._named(path, self._done[item.sha256]))
        else:
            self._names[item.sha256] = [path]
            self._begin(item)

    def _begin(self, submission: Submission) -> None:
        sha256, key = submission.sha256, self._keys.of(submission)
        known = None if self._order.again else taken(self._folder, sha256, key, self._order.limits.as_text())
        if known is not None:
            self._settle(sha256, Done(known, reused=True))
            return
        self._folder.done_file(sha256).unlink(missing_ok=True)  # before anything that it vouches for is written anew
        candidate = self._folder.owned(submission).candidate
        work = Work(self._folder.staged(sha256), sha256, candidate, submission.slug, submission.version)
        self._pending[self._runner.submit(work)] = (work, key)

    def settle(self, most: int) -> None:
        """Wait until no more than so many are being scored."""
        while len(self._pending) > most:
            for future in wait(self._pending, return_when=FIRST_COMPLETED).done:
                work, key = self._pending.pop(future)
                outcome = future.result()
                keep_done(self._folder, key, outcome.row, self._order.limits.as_text())
                self._settle(work.sha256, Done(outcome.row, False, outcome.seconds))

    def _settle(self, sha256: str, done: Done) -> None:
        self._done[sha256] = done
        for path in self._names.pop(sha256):
            self._say(path, self._named(path, done))

    def _named(self, path: Path, done: Done) -> Done:
        """A result, named as one of the files that have its bytes."""
        staged = self._folder.staged(done.row.sha256).name
        sentence = done.row.sentence.replace(staged, shown_name(path))
        return replace(done, row=replace(done.row, file=path.name, sentence=sentence))

    def _say(self, path: Path, done: Done) -> None:
        self.rows[path] = done.row
        self._log.done(done)
        self._tell(done)


def score_all(
    paths: Sequence[Path], order: Order, tell: Tell, jobs: int | None = None,
    cluster: AbstractContextManager[Runner] | None = None, read: Read = read_bytes,
) -> list[Row]:  # fmt: skip
    """Score every file; a file that cannot be scored is a row with its reason.

    Args:
        paths: Files, in the order of the result.
        order: Output folder, prepared, and bank.
        tell: Called as each file is done, in any order.
        jobs: Notebooks to run at a time on this machine; None: as many as suit it.
        cluster: Where else to score.
        read: Gives the bytes of a file.

    Returns:
        A row per file, in the order given.

    Raises:
        DataError: If the output folder cannot be written any more.
    """
    try:
        return _score_all(paths, order, tell, jobs, cluster, read)
    except OSError as error:
        fact = f"cannot be written ({error.strerror or type(error).__name__})"
        raise DataError(str(order.out), fact, "Make room, or see to its permissions; what is done is kept, and the same command goes on.") from error


def _score_all(
    paths: Sequence[Path], order: Order, tell: Tell, jobs: int | None, cluster: AbstractContextManager[Runner] | None, read: Read
) -> list[Row]:
    sweep(order.out)
    jobs = max(1, min(jobs or usual_jobs(), len(paths)))
    facts = {"files": len(paths), "engine": order.engine.value, "limits": order.limits.as_text()}
    with batch_log(order.out, jobs=0 if cluster else jobs, **facts) as log, ExitStack() as stack:
        runner = stack.enter_context(cluster) if cluster is not None else LocalRunner(order, jobs, stack)
        batch = _Batch(order, runner, tell, log, read)
        for path in paths:
            batch.add(path)
            batch.settle(runner.window - 1)
        batch.settle(0)
        return [batch.rows[path] for path in paths]
