"""What lies in an output folder, and where: the one place that knows its names.

```text
OUT/
  store.sqlite     rows and scorecards over batches; decisions of raters; hiring decisions
  store.json       instead of it: which server keeps them (`--store`), without the password
  cohort.json      the newest rows of everything scored here, which cohort.html and cohort.csv show
  owners/          <sha256>.json, whose a submission is by the invites that an intake verified
  identities/      <sha256>.json, ids and hashes of a submission (no text), for marks among files
  rows/            <sha256>.json, one per submission that was read
  scorecards/      <scenario>-<sha256[:12]>.json
  reports/         <scenario>-<sha256[:12]>.html
  feedback/        <scenario>-<sha256[:12]>.html, the page that a candidate gets, where one was made
  staged/          <sha256>.ipynb, a copy of each submission under a name of our own
  notebooks/       <sha256[:12]>.ipynb, the scoring notebook as it was executed
  done/            <sha256>.json, written last: what a finished submission depends on, its row, the hashes of its files
  batches.jsonl    when and where each batch ran; results hold no time and no host
  runs/            <sha256>.json, what the sandbox said, so that scoring again needs no sandbox
  baselines/       hidden checks of the change as proposed, once per content of scenario and rubric
  opinions/        <sha256[:12]>-<question>.json, a language model's answers about what waits, where one was asked
  keys/            <sha256>.json, each rubric that scored something here, so that a later one can be compared with it
  rescored/        <rubric>-<scorer>/, results of `reviewkit rescore` beside the old ones
  notice.md        the notice of the reports, where `--notice` named one
```
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reviewkit import durable
from reviewkit.batchmarks import Lying, from_plain, identity_of, plain
from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError
from reviewkit.fieldtypes import CandidateId
from reviewkit.row import Row
from reviewkit.scorecard import Scorecard
from reviewkit.storeplace import store_of
from reviewkit.submission import Submission, belonging_to

LOCK_PATIENCE = 60.0
"""Seconds that a writer of derived files waits for another one; each needs about a second."""
_OWNERS = TypeAdapter(frozenset[CandidateId])
SCORE_AGAIN = "Score the notebook again with: reviewkit score"


@dataclass(frozen=True)
class OutFolder:
    """An output folder of `reviewkit score`."""

    root: Path

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of its store."""
        return store_of(self.root)

    def row_file(self, sha256: str) -> Path:
        """Where the row of a submission is written."""
        return self.root / "rows" / f"{sha256}.json"

    def feedback_file(self, row: Row) -> Path:
        """Where the page for the candidate of a row is written."""
        return self.root / "feedback" / Path(row.report).name

    def staged(self, sha256: str) -> Path:
        """Where the copy of a submission lies."""
        return self.root / "staged" / f"{sha256}.ipynb"

    def key_file(self, sha256: str) -> Path:
        """Where a rubric that scored something here is kept, by its hash."""
        return self.root / "keys" / f"{sha256}.json"

    def runs_file(self, sha256: str) -> Path:
        """Where the results of the sandbox are kept."""
        return self.root / "runs" / f"{sha256}.json"

    def identity_file(self, sha256: str) -> Path:
        """Where is kept what tells a submission from others."""
        return self.root / "identities" / f"{sha256}.json"

    def done_file(self, sha256: str) -> Path:
        """Where is noted that a submission is done."""
        return self.root / "done" / f"{sha256}.json"

    def notebook_file(self, sha256: str) -> Path:
        """Where the executed scoring notebook of a submission lies."""
        return self.root / "notebooks" / f"{sha256[:12]}.ipynb"

    def owner_file(self, sha256: str) -> Path:
        """Where is kept whose a submission is, by the invites that brought it."""
        return self.root / "owners" / f"{sha256}.json"

    def know_owner(self, sha256: str, candidate: str) -> None:
        """Keep that a candidate handed in these bytes, as an intake says that verified the invite."""
        known = self._owners(sha256)
        if candidate not in known:
            write_whole(self.owner_file(sha256), json.dumps(sorted({*known, candidate})).encode())

    def _owners(self, sha256: str) -> frozenset[str]:
        path = self.owner_file(sha256)
        try:
            return _OWNERS.validate_json(path.read_bytes())
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValidationError):
            raise DataError(f"owners/{path.name}", "does not say whose a submission is", SCORE_AGAIN) from None

    def owned(self, submission: Submission) -> Submission:
        """A submission as its file was read, under the candidate whose invite brought it, where that is known."""
        return belonging_to(submission, self._owners(submission.sha256))

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

    def stage(self, data: bytes, submission: Submission) -> Path:
        """Keep the bytes of a submission under its staged name, and what tells it from others."""
        target = self.staged(submission.sha256)
        _keep(target, data)
        identity = json.dumps(plain(identity_of(self.owned(submission))), sort_keys=True).encode()
        _keep(self.identity_file(submission.sha256), identity)
        return target

    def lying(self, rows: Sequence[Row]) -> list[Lying]:
        """The submissions behind rows, each content once, with its names; those that could not be read are left out."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.sha256 and self.identity_file(row.sha256).is_file():
                found[row.sha256].append(row)
        return [self._lying(sha256, same) for sha256, same in found.items()]

    def _lying(self, sha256: str, rows: Sequence[Row]) -> Lying:
        path = self.identity_file(sha256)
        try:
            identity = from_plain(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(f"identities/{path.name}", "is no identity of a submission", SCORE_AGAIN) from None
        names = tuple(sorted({row.file for row in rows}, key=os.fsencode))
        # An invite knows better than the notebook whose it is.
        identity = replace(identity, candidate=rows[0].candidate or identity.candidate)
        return Lying(identity, names, min(row.received for row in rows))

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
        """The newest rows of everything scored here, with the names of their files; those of `rows/` where no batch was written."""
        path = self.root / "cohort.json"
        if not path.is_file():
            return [_row(p) for p in sorted((self.root / "rows").glob("*.json"))]
        try:
            return [_known(item) for item in json.loads(path.read_text("utf-8"))]
        except (ValueError, TypeError, AttributeError):
            raise DataError("cohort.json", "does not hold the rows of a batch", SCORE_AGAIN) from None

    def write_cohort(self, rows: Sequence[Row]) -> None:
        """Keep the rows that the cohort shows."""
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


def _keep(path: Path, data: bytes) -> None:
    """Write a file unless it is there and whole."""
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    write_whole(path, data)


def _row(path: Path) -> Row:
    try:
        return _known(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, AttributeError):
        raise DataError(f"rows/{path.name}", "is no row", SCORE_AGAIN) from None


def _known(found: Mapping[str, Any]) -> Row:
    """A row from JSON that another version may have written."""
    return Row(**{key: value for key, value in found.items() if key in {field.name for field in fields(Row)}})


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
