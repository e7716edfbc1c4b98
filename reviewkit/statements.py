"""Whether a free answer says a statement of the key: understanding of a defect, points of explain and diagnose.

The same measures as for matching, without places. Middling answers are where every grader is worst, so the band
between accept and reject is wide and goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reviewkit import guards, likeness, model, stance, wording
from reviewkit.likeness import Index, Lexicon, Likeness, Remark, Statement
from reviewkit.model import Model
from reviewkit.scorecard import ItemState, PairOutcome

LEAST_SAID = 0.6
"""Share of a statement's words that an answer must say before the program takes it as said: in the open set of graded
answers those that contradict the reference share many of its words, but seldom most of them."""
GATE_SAID = 0.7
"""The same for gates, which decide more than points."""


@dataclass(frozen=True)
class Said:
    """What an answer says of one item, at its best statement."""

    state: ItemState
    """credited, missed or needs a person; never partly."""
    probability: float
    statement: int
    """Number of the closest statement, from 0; -1 without any."""
    words: str
    share: float = 0.0
    """How much of that statement's words the answer says."""


SILENT = Said(ItemState.MISSED, 0.0, -1, "Nothing was written.")


@dataclass(frozen=True)
class _Reading:
    """One window of an answer against one statement."""

    log_odds: float
    number: int
    opposed: bool
    """Whether one of the two turns round what the other says."""
    share: float
    """How much of the statement the window says."""


@dataclass(frozen=True)
class Judge:
    """Judges answers against the statements of one key; other items' statements are what it must be closer than."""

    items: Mapping[str, range]
    """Item -> numbers of its statements in `index`."""
    index: Index
    weights: Model
    _seen: dict[str, list[tuple[Remark, list[Likeness]]]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, items: Mapping[str, Sequence[str]], weights: Model | None = None) -> Judge:
        """Judge over items (id -> statements), such as each defect's `understands`."""
        lexicon = Lexicon.of([items[item] for item in sorted(items)])
        numbers: dict[str, range] = {}
        every: list[Statement] = []
        for item in sorted(items):
            numbers[item] = range(len(every), len(every) + len(items[item]))
            every += [Statement.of(f"{item} {at}", text, lexicon) for at, text in enumerate(items[item])]
        return cls(numbers, Index.of(every, lexicon), weights or model.shipped())

    def judge(self, answer: str, item: str) -> Said:
        """
        Decide whether an answer says an item.

        Args:
            answer: Text of a candidate; may be empty.
            item: Id of one of `items`.

        Returns:
            The verdict on the closest statement; a guard or another language makes it `needs a person`.
        """
        if not answer.strip():
            return SILENT
        own = self.items[item]
        readings: list[_Reading] = []
        for remark, alike in self._windows(answer):
            rival = max((like.cover for at, like in enumerate(alike) if at not in own), default=0.0)
            readings += [
                self._reading(remark, self.index.statements[at], alike[at], rival, at - own.start) for at in own
            ]
        return self._verdict(answer, readings)

    def _windows(self, answer: str) -> list[tuple[Remark, list[Likeness]]]:
        """Each window of an answer with its likeness to every statement; kept, since every item asks for the same."""
        known = self._seen.get(answer)
        if known is None:
            remarks = [Remark.of(window, self.index.lexicon) for window in likeness.windows(answer)]
            known = self._seen[answer] = [(remark, self.index.compare(remark)) for remark in remarks]
        return known

    def _reading(self, remark: Remark, statement: Statement, like: Likeness, rival: float, number: int) -> _Reading:
        features = {"overlap": like.overlap, "jaccard": like.jaccard, "margin": like.cover - rival, "kin": like.kin}
        opposed = stance.contradicted(remark.text, statement.text, like.shared)
        return _Reading(round(self.weights.log_odds(features), 9), number, opposed, like.said)

    def _verdict(self, answer: str, readings: Sequence[_Reading]) -> Said:
        """The fullest reading that would be taken and is not contradicted; else the most likely of all."""
        if not readings:
            return SILENT
        band = self.weights.statement_band
        ranked = sorted(readings, key=lambda r: (-r.log_odds, r.number, r.opposed))
        likely = [r for r in ranked if band.outcome(model.probability(r.log_odds)) is PairOutcome.MATCHED]
        agreed = sorted((r for r in likely if not r.opposed), key=lambda r: (-r.share, r.number))
        best = (agreed or ranked)[0]
        chance, number = model.probability(best.log_odds), best.number
        outcome = band.outcome(chance)
        text = wording.prepare(answer)
        held = [hit.words for hit in guards.text_guards(text) if hit.guard != "length"]
        if outcome is PairOutcome.MATCHED and best.opposed:
            held.append("one of the two turns round what the other says")
        if outcome is PairOutcome.MATCHED and best.share < LEAST_SAID:
            held.append(f"it says only {round(100 * best.share)} % of it")
        shown = f"{round(100 * chance)} % likely to say statement {number + 1}"
        if guards.is_foreign(text, frozenset(self.index.lexicon.holders)):
            words = f"Needs a person: not English, or in words unknown here; {shown}."
            return Said(ItemState.PERSON, chance, number, words, best.share)
        if outcome is PairOutcome.MATCHED and not held:
            return Said(ItemState.CREDITED, chance, number, f"Said: {shown}.", best.share)
        if outcome is PairOutcome.NOT_MATCHED and not _unread(answer):
            return Said(ItemState.MISSED, chance, number, f"Not said: {shown}.", best.share)
        why = "; ".join(held) or ("longer than is read" if outcome is PairOutcome.NOT_MATCHED else _UNCLEAR)
        return Said(ItemState.PERSON, chance, number, f"Needs a person: {shown}; {why}.", best.share)


_UNCLEAR = "neither clear enough to take nor to drop"


def _unread(answer: str) -> bool:
    """Whether an answer goes on after what is read of it."""
    return len(answer) > wording.TEXT_LIMIT or len(wording.sentences(answer)) > likeness.MOST_SENTENCES
