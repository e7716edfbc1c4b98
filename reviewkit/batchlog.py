"""`batches.jsonl` of an output folder: when and where each batch ran, how long each submission took. Results hold none of it.

One line of JSON each: `begun` with machine and options, then one per submission as it is done, at last `ended` with counts. A
batch without `ended` was killed.
"""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reviewkit import __version__
from reviewkit.row import Row

NAME: Final = "batches.jsonl"


@dataclass(frozen=True)
class Done:
    """One file of a batch is done."""

    row: Row
    """As its file is called; without marks among files, which are known at the end."""
    reused: bool = False
    """Whether it was done before this batch."""
    seconds: float = 0.0
    """Wall time of scoring; 0 where nothing was run."""


@dataclass
class BatchLog:
    """Writes one batch's lines."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, **facts: Any) -> None:
        """Append a line."""
        line = json.dumps({"kind": kind, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}) + "\n"
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(line)

    def done(self, done: Done) -> None:
        """Note what became of a submission; no name, since files may be called after people."""
        self.counts[done.row.unscored or ("reused" if done.reused else "scored")] += 1
        self.note("done", sha256=done.row.sha256, reused=done.reused, unscored=done.row.unscored, seconds=round(done.seconds, 3))


@contextmanager
def batch_log(out: Path, **facts: Any) -> Iterator[BatchLog]:
    """The log of one batch, from its begin to its end."""
    log = BatchLog(out / NAME)
    log.note("begun", host=platform.node(), process=os.getpid(), python=platform.python_version(), reviewkit=__version__, **facts)
    try:
        yield log
    except BaseException as error:
        log.note("ended", by=type(error).__name__, **log.counts)
        raise
    log.note("ended", **log.counts)
