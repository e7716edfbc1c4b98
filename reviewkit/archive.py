"""What lies in an output folder: scorecards, staged submissions and raters' decisions, read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reviewkit import decisions
from reviewkit.blocking import finished
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row
from reviewkit.scorecard import Decision, Scorecard


@dataclass(frozen=True)
class Archived:
    """One scored submission with everything raters said of it."""

    folder: OutFolder
    row: Row
    card: Scorecard
    decisions: tuple[Decision, ...]
    """In the order in which they were stored."""

    @property
    def sha256(self) -> str:
        """Of the submission."""
        return self.card.about.submission_sha256

    @property
    def staged(self) -> Path:
        """The submission's own copy; may be missing."""
        return self.folder.staged(self.sha256)


def read_archive(out: Path, *, decided: bool = False) -> list[Archived]:
    """
    All scored submissions of an output folder, by scenario and hash.

    Args:
        out: What `reviewkit score --out` wrote.
        decided: Only those on which a rater decided something.

    Raises:
        UsageError: If the folder holds no scored submissions.
        DataError: If a row or a scorecard there cannot be read.
    """
    folder = OutFolder(out)
    said = finished(decisions.everything(folder.store_url))
    found: list[Archived] = []
    for sha256, row in folder.scored().items():
        if decided and sha256 not in said:
            continue
        card = folder.card(row)
        every = dict.fromkeys((*card.decisions, *said.get(sha256, ())))
        found.append(Archived(folder, row, card, tuple(every)))
    return sorted(found, key=lambda a: (a.card.about.slug, a.sha256))
