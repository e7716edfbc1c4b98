"""One line of a batch: what became of one submission."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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
    """Signs of tampering, shown in the report."""
    report: str = ""
    """Path of the HTML report, relative to the output folder."""
    scorecard: str = ""
    """Path of the scorecard, relative to the output folder."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return asdict(self)
