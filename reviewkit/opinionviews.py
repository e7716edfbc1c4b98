"""Second opinions for people: what is said before and after a batch, and what a report shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reviewkit.errors import ReviewkitError
from reviewkit.opinion import SecondOpinion
from reviewkit.opinionclient import Endpoint
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row
from reviewkit.safe_text import visible


def announced(endpoint: Endpoint) -> str:
    """What is about to leave this machine."""
    return visible(
        f"Second opinion: each remark that waits for a person and the title and statements of the flaw in question go to "
        f"{endpoint.host} ({endpoint.model}). Advice only: no point depends on it."
    )


def told(rows: Sequence[Row], out: Path) -> str:
    """What came of it, over a batch."""
    found = [opinion for row in rows if row.scorecard and (opinion := _read(row, out))]
    asked, failed = sum(one.asked for one in found), sum(one.failed for one in found)
    agreed, decided = sum(one.agreed for one in found), sum(one.decided for one in found)
    words = f"Second opinion: {asked} pairs asked, {failed} without an answer"
    words += f"; raters decided {decided} of the others, {agreed} as the model said" if decided else ""
    return words + ". The reports name it; a rater sees it after the own first word."


def _read(row: Row, out: Path) -> SecondOpinion | None:
    try:
        return OutFolder(out).card(row).second_opinion
    except ReviewkitError:
        return None


def summary(opinion: SecondOpinion) -> str:
    """The opinions of a submission in two sentences, without a word of the model's."""
    days = " to ".join(dict.fromkeys((opinion.dates[0], opinion.dates[-1]))) if opinion.dates else "no day"
    head = (
        f"{opinion.asked} pairs that the program left to a person were put to the model {opinion.model} at {opinion.endpoint} "
        f"({days}; question version {opinion.prompt}); {opinion.failed} brought no usable answer."
    )
    lean = f" Of its clear answers {opinion.leaned} lean the way the program leans"
    rated = f"; raters have decided {opinion.decided} of them, {opinion.agreed} as the model said." if opinion.decided else "; raters have decided none of them yet."
    return head + lean + rated
