"""A batch on the terminal while it runs: a bar with rate and time left on standard error, rows as JSON lines on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from reviewkit.batchlog import Done


@dataclass
class Pace:
    """How fast a batch goes; what was done before it counts as done, not as fast."""

    total: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    @property
    def told(self) -> int:
        """Files that are done."""
        return sum(self.counts.values())

    def add(self, done: Done) -> None:
        """Count one."""
        if done.reused and not self.counts["fresh"]:
            self.begun = self.clock()
        self.counts["reused" if done.reused else "fresh"] += 1

    def words(self) -> str:
        """`2.5/s  1:05 left`, with what was taken from before; nothing of a rate before the first is scored."""
        before = f"{self.counts['reused']} done before  " if self.counts["reused"] else ""
        fresh, passed = self.counts["fresh"], self.clock() - self.begun
        if not fresh or passed <= 0:
            return before
        left = round((self.total - self.told) * passed / fresh)
        rate = fresh / passed
        shown = f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"
        hours, rest = divmod(left, 3600)
        clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
        return f"{before}{shown}  {clock} left"


@contextmanager
def shown_progress(total: int, *, lines: bool) -> Iterator[Callable[[Done], None]]:
    """What to tell of each file that is done; the bar is drawn where standard error is a terminal.

    Args:
        total: Files of the batch.
        lines: Print each row as a line of JSON.
    """
    console, pace = Console(stderr=True), Pace(total)
    columns = (TextColumn("Scoring"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, pace="")

        def tell(done: Done) -> None:
            pace.add(done)
            progress.update(task, completed=pace.told, pace=pace.words())
            if lines:
                print_line({"kind": "row", "reused": done.reused, **done.row.as_dict()})

        try:
            yield tell
        except KeyboardInterrupt:
            progress.stop()
            words = f"Interrupted. {pace.told} of {total} files are done and kept; the same command goes on from there."
            print(words, file=sys.stderr)
            raise


def print_line(facts: dict[str, object]) -> None:
    """One line of JSON on standard output, at once."""
    print(json.dumps(facts, ensure_ascii=True), flush=True)
