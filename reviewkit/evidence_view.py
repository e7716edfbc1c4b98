"""What a report shows of evidence: its code, each outcome, and why it counts or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.record import Evidence
from reviewkit.scorecard import EvidenceResult, ItemState, Scorecard
from reviewkit.words import Dimension

LABELS: Final = {
    ItemState.CREDITED: "✓ counts", ItemState.MISSED: "✗ does not count", ItemState.PERSON: "? needs a person",
    ItemState.PARTLY: "◐ counts partly", ItemState.UNSCORED: "– does not count",
}  # fmt: skip
NO_TREE: Final = "the rubric has no tree for it"


@dataclass(frozen=True)
class EvidenceRow:
    """One piece of evidence."""

    piece: Evidence
    state: ItemState
    words: str
    runs: tuple[tuple[str, str, str], ...]
    """(tree, outcome, what was seen); the candidate's own run first."""

    @property
    def label(self) -> str:
        """Whether it counts, in a word and a sign."""
        return LABELS[self.state]


def evidence_rows(card: Scorecard, pieces: Sequence[Evidence], titles: Mapping[str, str]) -> list[EvidenceRow]:
    """Every piece that was handed in, in the order of the record.

    Args:
        card: With what was run again.
        pieces: As recorded.
        titles: Of the defects, by id.
    """
    points = {point.item: point for point in card.dimension(Dimension.PROOF).items}
    results = {result.evidence: result for result in card.evidence}
    rows = []
    for piece in pieces:
        point = points.get(piece.id)
        state = point.state if point else ItemState.UNSCORED
        words = (
            point.words if point else "Does not count: its remark was taken back or made once the exercises were open."
        )
        rows.append(EvidenceRow(piece, state, words, _runs(piece, results.get(piece.id), titles)))
    return rows


def _runs(
    piece: Evidence, result: EvidenceResult | None, titles: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    own = ("the candidate's own workbook (a claim)", piece.outcome, piece.seen)
    if result is None:
        return (own,)
    back = [
        (f"mended tree with this put back: {titles.get(p.defect, p.defect)}", p.outcome, p.seen or (NO_TREE if p.outcome == "no_tree" else ""))
        for p in result.put_back
    ]  # fmt: skip
    return (
        own,
        ("the change", result.head, result.head_seen),
        ("the mended tree", result.reference, result.reference_seen),
        *back,
    )
