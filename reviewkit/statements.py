"""Whether a free answer says a statement of the key: understanding of a defect, points of explain and diagnose.

The same measures as for matching, without places. Middling answers are where every grader is worst, so the band
between accept and reject is wide and goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewkit import guards, likeness, model, wording
from reviewkit.likeness import Lexicon, Remark, Statement
from reviewkit.model import Model
from reviewkit.scorecard import ItemState, PairOutcome

DIRECT = 2
"""Content stems after a denial that it turns round for certain."""
DIRECT_SHARE = 0.15
"""Share of the common words that may be turned round before a person reads the answer: one of six is enough."""


@dataclass(frozen=True)
class Said:
    """What an answer says of one item, at its best statement."""

    state: ItemState
    """credited, missed or needs a person; never partly."""
    probability: float
    statement: int
    """Number of the closest statement, from 0; -1 without any."""
    words: str


SILENT = Said(ItemState.MISSED, 0.0, -1, "Nothing was written.")


@dataclass(frozen=True)
class Judge:
    """Judges answers against the statements of one key; other items' statements are what it must be closer than."""

    items: Mapping[str, tuple[Statement, ...]]
    lexicon: Lexicon
    weights: Model

    @classmethod
    def of(cls, items: Mapping[str, Sequence[str]], weights: Model | None = None) -> Judge:
        """Judge over items (id -> statements), such as each defect's `understands`."""
        lexicon = Lexicon.of([items[item] for item in sorted(items)])
        prepared = {
            item: tuple(Statement.of(f"{item} {at}", text, lexicon) for at, text in enumerate(items[item]))
            for item in sorted(items)
        }
        return cls(prepared, lexicon, weights or model.shipped())

    def judge(self, answer: str, item: str, statements: Sequence[str] = ()) -> Said:
        """
        Decide whether an answer says an item.

        Args:
            answer: Text of a candidate; may be empty.
            item: Id of one of `items`, or any other name together with `statements`.
            statements: Statements for an item that is not among `items`.

        Returns:
            The verdict on the closest statement; a guard or another language makes it `needs a person`.
        """
        if not answer.strip():
            return SILENT
        own = self.items.get(item) or tuple(
            Statement.of(f"{item} {n}", s, self.lexicon) for n, s in enumerate(statements)
        )
        readings: list[tuple[float, int, bool]] = []
        for window in likeness.windows(answer):
            remark = Remark.of(window, self.lexicon)
            rival = self._rival(remark, item)
            for number, statement in enumerate(own):
                like = likeness.compare(remark, statement, self.lexicon)
                features = {
                    "overlap": like.overlap,
                    "jaccard": like.jaccard,
                    "margin": like.cover - rival,
                    "kin": like.kin,
                }
                opposed = guards.opposed(remark.text, statement.text, like.shared, DIRECT) >= DIRECT_SHARE
                readings.append((round(self.weights.log_odds(features), 9), number, opposed))
        return self._verdict(answer, readings)

    def _rival(self, remark: Remark, item: str) -> float:
        covers = [
            likeness.compare(remark, statement, self.lexicon).cover
            for other, statements in self.items.items()
            if other != item
            for statement in statements
        ]
        return max(covers, default=0.0)

    def _verdict(self, answer: str, readings: list[tuple[float, int, bool]]) -> Said:
        """The best reading that is not contradicted, if it would be taken; else the best of all."""
        if not readings:
            return SILENT
        band = self.weights.statement_band
        ranked = sorted(readings, key=lambda r: (-r[0], r[1], r[2]))
        agreed = [r for r in ranked if not r[2] and band.outcome(model.probability(r[0])) is PairOutcome.MATCHED]
        odds, number, opposed = (agreed or ranked)[0]
        chance = model.probability(odds)
        outcome = band.outcome(chance)
        text = wording.prepare(answer)
        held = [hit.words for hit in guards.text_guards(text) if hit.guard != "length"]
        if opposed and outcome is PairOutcome.MATCHED:
            held.append("one of the two denies what the other says")
        shown = f"{round(100 * chance)} % likely to say statement {number + 1}"
        if guards.is_foreign(text, frozenset(self.lexicon.holders)):
            words = f"Needs a person: not English, or in words unknown here; {shown}."
            return Said(ItemState.PERSON, chance, number, words)
        if outcome is PairOutcome.MATCHED and not held:
            return Said(ItemState.CREDITED, chance, number, f"Said: {shown}.")
        if outcome is PairOutcome.NOT_MATCHED:
            return Said(ItemState.MISSED, chance, number, f"Not said: {shown}.")
        why = "; ".join(held) or "neither clear enough to take nor to drop"
        return Said(ItemState.PERSON, chance, number, f"Needs a person: {shown}; {why}.")
