"""What lies in an output folder, and where: the one place that knows its names.

```text
OUT/
  store.sqlite     rows and scorecards over batches; decisions of raters; hiring decisions
  cohort.json      the rows of the last batch, which cohort.html and cohort.csv show
  rows/            <sha256>.json, one per submission that was read
  scorecards/      <scenario>-<sha256[:12]>.json
  reports/         <scenario>-<sha256[:12]>.html
  staged/          <sha256>.ipynb, a copy of each submission under a name of our own
  runs/            <sha256>.json, what the sandbox said, so that scoring again needs no sandbox
  baselines/       hidden checks of the change as proposed, once per scenario and version
  notice.md        the notice of the reports, where `--notice` named one
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from pydantic import ValidationError

from reviewkit import durable
from reviewkit.collect import write_whole
from reviewkit.errors import DataError, SubmissionError, UsageError
from reviewkit.row import Row
from reviewkit.scorecard import Scorecard

STORE = "store.sqlite"
LOCK_PATIENCE = 60.0
"""Seconds that a writer of derived files waits for another one; each needs about a second."""
SCORE_AGAIN = "Score the notebook again with: reviewkit score"


@dataclass(frozen=True)
class OutFolder:
    """An output folder of `reviewkit score`."""

    root: Path

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of its store."""
        return f"sqlite+aiosqlite:///{self.root.resolve() / STORE}"

    def row_file(self, sha256: str) -> Path:
        """Where the row of a submission is written."""
        return self.root / "rows" / f"{sha256}.json"

    def staged(self, sha256: str) -> Path:
        """Where the copy of a submission lies."""
        return self.root / "staged" / f"{sha256}.ipynb"

    def runs_file(self, sha256: str) -> Path:
        """Where the results of the sandbox are kept."""
        return self.root / "runs" / f"{sha256}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time make files from the decisions in the store, so that none is made from old ones.

        Raises:
            DataError: If another process keeps the folder too long, or it cannot be written to.
        """
        try:
            with durable.lock_file(self.root / ".lock", patience=LOCK_PATIENCE):
                yield
        except TimeoutError:
            raise DataError(str(self.root), "is in use by another reviewkit", "Wait until it is done and try again.") from None

    def stage(self, source: Path, sha256: str) -> Path:
        """Copy a submission to its staged name, unless it is there.

        Raises:
            SubmissionError: If the file is no longer the one that was read.
        """
        target = self.staged(sha256)
        if target.is_file() or target.resolve() == source.resolve():
            return target
        data = source.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise SubmissionError(source.name, "changed", "changed while it was read", "Score it again.")
        write_whole(target, data)
        return target

    def scored(self) -> dict[str, Row]:
        """The rows of every scored submission by hash, in order of the hashes.

        Raises:
            UsageError: If this is no output folder.
            DataError: If a row there is none.
        """
        if not (self.root / "rows").is_dir():
            raise UsageError(f"{self.root}: holds no scored submissions.", "Name the folder that reviewkit score --out wrote.")
        rows = {path.stem: _row(path) for path in sorted((self.root / "rows").glob("*.json"))}
        return {sha: row for sha, row in rows.items() if row.scorecard and not row.unscored}

    def named(self) -> list[tuple[str, Row]]:
        """(hash, row) of every scored submission; a row of the last batch has the name of the file that was scored."""
        names = {row.sha256: row.file for row in self.cohort()}
        return [(sha, replace(row, file=names.get(sha, row.file))) for sha, row in self.scored().items()]

    def cohort(self) -> list[Row]:
        """The rows of the last batch, with the names of their files; every row where no batch was written."""
        path = self.root / "cohort.json"
        if not path.is_file():
            return [_row(p) for p in sorted((self.root / "rows").glob("*.json"))]
        try:
            return [Row(**item) for item in json.loads(path.read_text("utf-8"))]
        except (ValueError, TypeError):
            raise DataError("cohort.json", "does not hold the rows of a batch", SCORE_AGAIN) from None

    def write_cohort(self, rows: Sequence[Row]) -> None:
        """Keep the rows of a batch."""
        write_whole(self.root / "cohort.json", json.dumps([row.as_dict() for row in rows], indent=1).encode())

    def card(self, row: Row) -> Scorecard:
        """The scorecard of a row.

        Raises:
            DataError: If it is missing or of another version.
        """
        try:
            return Scorecard.model_validate_json((self.root / row.scorecard).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            raise DataError(row.scorecard, "is missing, or no scorecard of this version", SCORE_AGAIN) from None


def _row(path: Path) -> Row:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Row(**{field.name: found[field.name] for field in fields(Row) if field.name in found})
    except (OSError, ValueError, TypeError):
        raise DataError(f"rows/{path.name}", "is no row", SCORE_AGAIN) from None


def find_submission(rows: Sequence[tuple[str, Row]], asked: str) -> str:
    """Hash of the submission that somebody names.

    Args:
        rows: (hash, row); the row's file name is the one that was scored.
        asked: A prefix of the hash (4 digits or more), the stem of its report, its file, or its candidate id.

    Raises:
        UsageError: If none or more than one is meant.
    """
    found = {sha for sha, row in rows if asked in (Path(row.report).stem, row.file, row.candidate)}
    found |= {sha for sha, _ in rows if len(asked) >= 4 and sha.startswith(asked.lower())}
    if len(found) == 1:
        return found.pop()
    if not found:
        known = ", ".join(sorted({sha[:8] for sha, _ in rows})[:20])
        raise UsageError(f"No submission {asked!r} here.", f"Scored ones: {known or 'none'}.")
    raise UsageError(f"{asked!r} names {len(found)} submissions.", f"Name one of {', '.join(sorted(s[:8] for s in found))}.")
