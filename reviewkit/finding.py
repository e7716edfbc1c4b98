"""One remark of a candidate, as the record's fold gives it and as matching and scoring read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["R", "L"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about the change under review; every text is the candidate's own and untrusted."""

    id: str
    file: str | None
    """File remarked on, relative to the root of the change; None is the whole change."""
    side: Side
    """R: lines count in `head/`; L: lines count in `base/`."""
    line: int | None
    """First line remarked on, 1-based; None is the whole file."""
    end_line: int | None
    """Last line remarked on, not before `line`; None is the same line."""
    severity: str
    """The candidate's own estimate; scoring never rewrites it."""
    category: str
    body: str
    """What is wrong."""
    why: str = ""
    """Why it matters."""
    fix: str = ""
    """What to do."""
    after_exercises: bool = False
    """Added once the exercises were open: matched and reported, but apart from the score."""

    @property
    def text(self) -> str:
        """Everything said, in the order of the form."""
        return "\n".join(part for part in (self.body, self.why, self.fix) if part.strip())

    @property
    def last_line(self) -> int | None:
        """Last line of the range; equals `line` for a single line."""
        return self.line if self.end_line is None else self.end_line
