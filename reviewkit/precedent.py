"""What adjudicated remarks add to the match of a finding: the nearest that raters took, and the nearest that they did not.

Exemplars stand apart from the key: they move no weight of its lexicon, no margin and no guard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit import stance, wording
from reviewkit.exemplars import Exemplar, Exemplars
from reviewkit.likeness import Index, Lexicon, Remark, Statement
from reviewkit.scorecard import DECIMALS, Contribution, PairOutcome

WEIGHT: Final = 8.0
"""Log-odds per common coverage with the nearest exemplar. Chosen on the sample reviews of `ledger` and `transactions`,
measured on the other three scenarios: benchmarks/matching/README.md."""
_SAID: Final = {"matched": "took", "not matched": "did not take"}
_PREPARED: dict[int, tuple[Exemplars, Lexicon, Precedents]] = {}


@dataclass(frozen=True)
class Precedents:
    """Exemplars prepared against the lexicon of a key."""

    exemplars: tuple[Exemplar, ...]
    index: Index

    @classmethod
    def of(cls, exemplars: Exemplars, lexicon: Lexicon) -> Precedents:
        """Prepare a set, once for all reviews of a batch."""
        held = _PREPARED.get(id(exemplars))
        if held is not None and held[0] is exemplars and held[1] is lexicon:
            return held[2]
        if len(_PREPARED) > 64:
            _PREPARED.clear()
        statements = [Statement.of(e.name, e.text, lexicon) for e in exemplars.chosen]
        made = cls(exemplars.chosen, Index.of(statements, lexicon))
        _PREPARED[id(exemplars)] = (exemplars, lexicon, made)
        return made

    def terms(
        self, variants: Sequence[Remark], text: wording.Text, own: frozenset[int]
    ) -> Mapping[str, tuple[Contribution, ...]]:
        """
        Terms of the log-odds by defect.

        Args:
            variants: Of the finding.
            text: Everything that it says; an exemplar that it contradicts is no evidence for it.
            own: Numbers of exemplars that were made from the review itself.
        """
        best: dict[tuple[str, str], tuple[float, int, str]] = {}
        for variant in variants:
            for exemplar, like in zip(self.exemplars, self.index.compare(variant), strict=True):
                if not like.cover or exemplar.number in own:
                    continue
                key = (exemplar.defect, exemplar.verdict)
                found = (like.cover, -exemplar.number, exemplar.name)
                if found > best.get(key, (0.0, 0, "")) and not self._denied(exemplar, text, like.shared):
                    best[key] = found
        terms: dict[str, tuple[Contribution, ...]] = {}
        for (defect, verdict), (cover, _number, name) in sorted(best.items()):
            terms[defect] = (*terms.get(defect, ()), _term(name, cover, verdict))
        return terms

    @staticmethod
    def _denied(exemplar: Exemplar, text: wording.Text, shared: frozenset[str]) -> bool:
        if exemplar.verdict != "matched":
            return False
        return stance.opposed(text, wording.prepare(exemplar.text), shared) >= stance.STANCE_SHARE


def _term(name: str, cover: float, verdict: str) -> Contribution:
    words = f"{round(100 * cover)} % of common words with {name}, which raters {_SAID[verdict]} for this item"
    value = round(cover if verdict == "matched" else -cover, DECIMALS)
    return Contribution(feature=name, words=words, value=value, log_odds=round(WEIGHT * value, DECIMALS))


def own_of(exemplars: Exemplars, texts: Iterable[str]) -> frozenset[int]:
    """Numbers of the exemplars that a review gave: the same text, or the same words in another layout."""
    read = [wording.prepare(text) for text in texts]
    hashes, words = {text.sha256 for text in read}, {text.stems for text in read}
    return frozenset(
        e.number for e in exemplars.chosen if e.text_sha256 in hashes or wording.prepare(e.text).stems in words
    )


def one_step(alone: PairOutcome, moved: PairOutcome) -> PairOutcome:
    """Exemplars move an outcome by one step at most: from taken to dropped, or back, only a person does."""
    return PairOutcome.PERSON if {alone, moved} == {PairOutcome.MATCHED, PairOutcome.NOT_MATCHED} else moved
