"""What of an output folder is done and need not be done again: by content, never by time or name.

`done/<sha256>.json` is written last, when everything else of a submission is on the disk. It holds the row, a key over all
that the result depends on, and the hash of each file. A later batch takes the row if key and files are still the same;
otherwise the submission is scored again, so torn, changed or missing output never stands in for a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reviewkit import __version__, decisions, hiring
from reviewkit.bank import Bank, ContentError, Entry, UnknownScenarioError
from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.limits import MEMORY, TIME
from reviewkit.notice import notice_text
from reviewkit.outfolder import OutFolder
from reviewkit.report import with_batch_marks
from reviewkit.row import Row
from reviewkit.runs import NO_MATTER, content_of
from reviewkit.sandbox import SandboxUnavailableError, probe_level
from reviewkit.scorecard import Frozen, canonical, digest
from reviewkit.scorer import SCORER_VERSION
from reviewkit.submission import Submission

if TYPE_CHECKING:
    from reviewkit.batch import Order


class Completed(Frozen):
    """A submission that is done."""

    key: str
    row: dict[str, Any]
    files: dict[str, str]
    """Path in the output folder -> sha256; a report's without the marks that other files gave rise to."""
    limits: str = ""
    """The limits that ended it; empty where none did."""


class Keys:
    """Keys of the submissions of one batch: equal keys, equal results."""

    def __init__(self, folder: OutFolder, order: Order) -> None:
        self._folder, self._order = folder, order
        self._bank = Bank(order.bank, order.rubrics, order.exemplars, order.sentences)
        self._entries: dict[tuple[str, str], tuple[Entry, str] | None] = {}

    def of(self, submission: Submission) -> str | None:
        """The key; None where a result is never taken from before: it may come from an endpoint, or the bank cannot score it."""
        if self._order.second_opinion:
            return None
        found = self._entry(submission)
        if found is None:
            return None
        entry, content = found
        parts = {
            "submission": submission.sha256, "owner": self._folder.owned(submission).candidate, "content": content,
            "program": __version__, "scorer": SCORER_VERSION, "weights": entry.weights.id, "exemplars": entry.exemplars.name,
            "notice": hashlib.sha256(self._notice.encode()).hexdigest(), "decided": self._decided.get(submission.sha256, []),
        }  # fmt: skip
        return digest(parts)

    def _entry(self, submission: Submission) -> tuple[Entry, str] | None:
        name = (submission.slug, submission.version)
        if name not in self._entries:
            try:
                entry = self._bank.entry(submission.slug)
                _ = entry.rubric, entry.exemplars
                is_here = entry.scenario.version == submission.version
                self._entries[name] = (entry, content_of(entry, NO_MATTER)) if is_here else None
            except (UnknownScenarioError, ContentError):
                self._entries[name] = None
        return self._entries[name]

    @cached_property
    def _notice(self) -> str:
        return notice_text(self._folder.root, self._order.rubrics)

    @cached_property
    def _decided(self) -> Mapping[str, list[Any]]:
        """What people decided, by submission."""
        found: dict[str, list[Any]] = {}
        url = self._folder.store_url
        for said in (finished(decisions.everything(url)), finished(hiring.everything(url))):
            for sha256, several in said.items():
                found.setdefault(sha256, []).append([one.model_dump(mode="json") for one in several])
        return found


def taken(folder: OutFolder, sha256: str, key: str | None, limits: str) -> Row | None:
    """The row of a submission that is done and whole; None where it must be scored.

    Args:
        folder: Where it may have been scored before.
        sha256: Of the submission.
        key: What its result depends on now; None takes nothing.
        limits: Those of this batch.
    """
    if key is None:
        return None
    try:
        done = Completed.model_validate_json(folder.done_file(sha256).read_bytes())
        row = Row(**done.row)
    except (OSError, ValidationError, TypeError):
        return None
    if done.key != key or done.limits not in ("", limits) or not _settled(row):
        return None
    return row if all(_hash(folder.root / name) == known for name, known in done.files.items()) else None


def _settled(row: Row) -> bool:
    """Whether scoring again could bring nothing new: checks that a busy machine left open, or a sandbox that is there by now, could."""
    if not row.unchecked:
        return True
    try:
        level = probe_level().value
    except SandboxUnavailableError:
        level = "none"
    return row.sandbox == level and level in ("none", "wasi")


def keep_done(folder: OutFolder, key: str | None, row: Row, limits: str) -> None:
    """Note that a submission is done; only for what is scored, or was ended by a limit."""
    ended = row.unscored in (TIME, MEMORY)
    if key is None or (row.unscored and not ended):
        return
    plain = replace(row, file=folder.staged(row.sha256).name)
    files = {name: found for name in _names(folder, plain) if (found := _hash(folder.root / name)) is not None}
    done = Completed(key=key, row=plain.as_dict(), files=files, limits=limits if ended else "")
    write_whole(folder.done_file(row.sha256), canonical(done.model_dump(mode="json")).encode())


def _names(folder: OutFolder, row: Row) -> Iterable[str]:
    """Files of a submission, relative to the folder."""
    sha256 = row.sha256
    own = (folder.row_file(sha256), folder.staged(sha256), folder.runs_file(sha256), folder.notebook_file(sha256))
    return [*(path.relative_to(folder.root).as_posix() for path in own), *filter(None, (row.report, row.scorecard))]


def files_of(folder: OutFolder, sha256: str) -> list[str]:
    """The files that a finished submission's note names, and the note; empty where it is not done."""
    try:
        done = Completed.model_validate_json(folder.done_file(sha256).read_bytes())
    except (OSError, ValidationError):
        return []
    return [*done.files, folder.done_file(sha256).relative_to(folder.root).as_posix()]


def _hash(path: Path) -> str | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if path.suffix == ".html":
        try:
            data = with_batch_marks(data.decode("utf-8"), ()).encode()
        except ValueError:
            return None
    return hashlib.sha256(data).hexdigest()
