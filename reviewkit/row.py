"""One line of a batch: what became of one submission."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reviewkit.collect import write_whole


@dataclass(frozen=True)
class Row:
    """A submission's result, scored or not; what tables, CSV and store show."""

    file: str
    """Name of the file as found, without its folder."""
    sha256: str
    """Of the file's bytes; empty when it could not be read."""
    candidate: str = ""
    scenario: str = ""
    scenario_version: str = ""
    rubric_version: str = ""
    total: float | None = None
    """Expected points; None when unscored."""
    over: float | None = None
    """Points that could be had in the scored dimensions."""
    low: float | None = None
    """Lower end of the 90 % interval."""
    high: float | None = None
    """Upper end of the 90 % interval."""
    band: str = ""
    gates: str = ""
    """`1 pass, 2 need a person`."""
    waiting: int | None = None
    """Items that only a person can decide."""
    unscored: str = ""
    """Reason code; empty when scored."""
    sentence: str = ""
    """For unscored rows: file, fault and next step."""
    flags: int = 0
    """Marks on the record, shown in the report."""
    decision: str = ""
    """The latest hiring decision, a person's; empty while there is none."""
    decided_by: str = ""
    sandbox: str = ""
    """Level of the sandbox, `none` where hidden checks were not run."""
    unchecked: int = 0
    """Hidden checks without a verdict, for no fault of the candidate's; mending is unscored then."""
    report: str = ""
    """Path of the HTML report, relative to the output folder."""
    scorecard: str = ""
    """Path of the scorecard, relative to the output folder."""
    marks: str = ""
    """Codes of the marks on the record, each once: `edited, broken_chain`."""
    tampering: int = 0
    """How many of these show a change made outside the workbook."""
    received: int = 0
    """Number of the batch that first brought this content into the output folder, from 1; 0 outside a batch."""
    batch_marks: str = ""
    """Codes of the marks that other files of the output folder give rise to."""
    batch_words: str = ""
    """The same as sentences."""
    shares: tuple[tuple[str, str, int, int, int], ...] = ()
    """Of planted flaws, (`level` or `domain`, its value, found, planted, open); empty in rows of earlier versions."""

    def __post_init__(self) -> None:
        """From JSON come lists; rows are compared and put into sets."""
        plain = tuple((str(by), str(value), int(found), int(planted), int(left)) for by, value, found, planted, left in self.shares)
        object.__setattr__(self, "shares", plain)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return asdict(self)


def write_row(path: Path, row: Row) -> None:
    """Keep a row, whole or not at all."""
    write_whole(path, json.dumps(row.as_dict(), sort_keys=True).encode())


def merged(before: Sequence[Row], batch: Sequence[Row]) -> list[Row]:
    """
    All rows of an output folder once a batch came in.

    Args:
        before: Those that it showed until now.
        batch: Those of the batch, in any order.

    Returns:
        The newest rows of each content, by scenario, candidate and file. A row without a score goes once a file of its
        name comes in; a content that was there before keeps the number of the batch that brought it.
    """
    number = 1 + max((row.received for row in before), default=0)
    first = {row.sha256: row.received for row in before if row.sha256 and row.received}
    contents, names = {row.sha256 for row in batch}, {row.file for row in batch}
    kept = [row for row in before if not (row.unscored and row.file in names) and (not row.sha256 or row.sha256 not in contents)]
    new = [replace(row, received=first.get(row.sha256, number)) for row in batch]
    return sorted([*kept, *new], key=lambda r: (r.scenario, r.candidate, os.fsencode(r.file), r.sha256, r.unscored, r.sentence))
