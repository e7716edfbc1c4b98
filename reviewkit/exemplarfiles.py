"""Writes `rubrics/<slug>/exemplars.yaml` from an output folder's decisions: what `reviewkit exemplars collect` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reviewkit.archive import Archived, read_archive
from reviewkit.bank import Bank, Entry
from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError
from reviewkit.exemplarcollect import collect, judged_pairs
from reviewkit.exemplars import FILE, Exemplar, ExemplarSet

HEAD = """\
# Remarks that at least two raters decided on, made by `reviewkit exemplars collect`. Read each before you commit the file:
# a matched one helps later remarks that are worded like it, one that was not matched holds such remarks back. No text may
# name a person. Set `use: false` on what you refuse; do not delete it, or it is gathered again.
# They are used from the next version of the rubric on.
"""


@dataclass(frozen=True)
class Gathered:
    """What came of one scenario."""

    slug: str
    file: Path
    before: ExemplarSet
    after: ExemplarSet
    notes: tuple[str, ...]
    waiting: int
    """Exemplars that wait for the next version of the rubric."""

    @property
    def added(self) -> tuple[Exemplar, ...]:
        """New ones."""
        return self.after.exemplars[len(self.before.exemplars) :]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "scenario": self.slug, "file": str(self.file), "version": self.after.version, "in_all": len(self.after.exemplars),
            "added": [exemplar.model_dump(mode="json") for exemplar in self.added], "waiting": self.waiting,
            "left_out": list(self.notes),
        }  # fmt: skip


def gather(out: Path, bank: Bank, scenario: str = "", *, write: bool = True) -> list[Gathered]:
    """
    Add decided pairs of an output folder to the exemplars of their scenarios.

    Args:
        out: What `reviewkit score --out` wrote, with decisions in its store.
        bank: With rubrics, beside which the files lie.
        scenario: One scenario; all of the folder by default.
        write: False only says what would be added.

    Raises:
        UsageError: If the folder holds nothing scored, or nothing of the scenario.
        DataError: If the bank has no rubrics, or a file cannot be written.
        ContentError: If a rubric or an exemplars file is wrong.
    """
    archive = read_archive(out)
    slugs = sorted(
        {one.card.about.slug for one in archive} & ({scenario} if scenario else {o.card.about.slug for o in archive})
    )
    if not slugs:
        raise UsageError(f"{out}: holds nothing of {scenario!r}.", "Name a scenario that was scored there.")
    return [
        _gathered([one for one in archive if one.card.about.slug == slug], bank.entry(slug), write) for slug in slugs
    ]


def _gathered(archive: list[Archived], entry: Entry, write: bool) -> Gathered:
    rubric, known = entry.rubric, entry.exemplar_set
    assert entry.rubric_folder is not None  # noqa: S101 - the rubric was just read
    pairs = [pair for one in archive for pair in judged_pairs(one.card, one.decisions)]
    made, notes = collect(known, pairs, rubric)
    path = entry.rubric_folder / FILE
    if write and made is not known:
        try:
            write_whole(path, text_of(made).encode())
        except OSError as error:
            raise DataError(str(path), f"cannot be written ({error.strerror})", "Name writable rubrics.") from None
    return Gathered(entry.slug, path, known, made, tuple(notes), made.waiting(rubric.version))


def text_of(exemplars: ExemplarSet) -> str:
    """The file: one block an exemplar, in the order of their numbers, texts as they are read."""
    data = exemplars.model_dump(mode="json")
    return HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
