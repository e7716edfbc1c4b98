"""Raters' decisions folded into one word per item: majority of the raters' last words, else still open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reviewkit.scorecard import WITHDRAWN, Decision, DecisionKind

Key = tuple[str, str, str, str]
"""What a decision is about: `Decision.key`."""


@dataclass(frozen=True)
class Rulings:
    """What raters said, by item; the decisions themselves are kept whole in the scorecard."""

    words: dict[Key, tuple[str, ...]]
    """The last word of each rater on an item."""

    @classmethod
    def of(cls, decisions: Sequence[Decision]) -> Rulings:
        """Fold decisions in the order of their times; of one rater the later word on an item counts."""
        return cls({key: tuple(said.outcome for said in by.values()) for key, by in last_words(decisions).items()})

    def _said(self, kind: DecisionKind, finding: str, defect: str, item: str) -> tuple[str, ...]:
        return self.words.get((kind.value, finding, defect, item), ())

    def ruling(self, kind: DecisionKind, *, finding: str = "", defect: str = "", item: str = "") -> str | None:
        """The word of more than half of the raters; None when nobody spoke or no word has a majority."""
        said = self._said(kind, finding, defect, item)
        if not said:
            return None
        word, count = min(Counter(said).items(), key=lambda entry: (-entry[1], entry[0]))
        return word if 2 * count > len(said) else None

    def split(self, kind: DecisionKind, *, finding: str = "", defect: str = "", item: str = "") -> bool:
        """Whether raters spoke and no word has a majority."""
        said = self._said(kind, finding, defect, item)
        return bool(said) and self.ruling(kind, finding=finding, defect=defect, item=item) is None

    def marks(self, item: str) -> tuple[int, ...]:
        """Marks of a rated dimension, one per rater."""
        return tuple(int(word) for word in self._said(DecisionKind.RATING, "", "", item))

    def hints(self, defect: str) -> int:
        """Number of interviewers who gave a hint on a defect."""
        return len(self._said(DecisionKind.HINT, "", defect, ""))


def last_words(decisions: Iterable[Decision]) -> dict[Key, dict[str, Decision]]:
    """The decision of each rater that counts: by item and author, authors in order of their names.

    Args:
        decisions: In any order of times; of equal times the one given later counts. What a rater withdrew is left out.
    """
    last: dict[Key, dict[str, Decision]] = {}
    for decision in sorted(decisions, key=lambda d: d.time):
        last.setdefault(decision.key, {})[decision.author] = decision
    kept = {key: {a: by[a] for a in sorted(by) if by[a].outcome != WITHDRAWN} for key, by in last.items()}
    return {key: by for key, by in kept.items() if by}


def disputed(decisions: Iterable[Decision]) -> tuple[Key, ...]:
    """Items on which at least two raters spoke and no word has a majority; marks have a mean and hints add up instead."""
    return tuple(
        key
        for key, said in last_words(decisions).items()
        if key[0] not in (DecisionKind.RATING.value, DecisionKind.HINT.value)
        and 2 * max(Counter(d.outcome for d in said.values()).values()) <= len(said)
    )


def unknown_items(
    decisions: Iterable[Decision],
    findings: Iterable[str],
    defects: Iterable[str],
    items: Mapping[DecisionKind, Iterable[str]] | None = None,
) -> list[str]:
    """One sentence for each decision about something that is not there; such decisions change nothing.

    Args:
        decisions: To look at.
        findings: Ids of the findings that are there.
        defects: Ids of the defects, and of whatever else of the key a finding may be matched with.
        items: Ids by kind for the kinds that name an `item`; a kind that is missing is not looked at.
    """
    have_findings, have_defects = set(findings), set(defects)
    have_items = {kind: set(names) for kind, names in (items or {}).items()}
    problems: list[str] = []
    for decision in decisions:
        if decision.finding is not None and decision.finding not in have_findings:
            problems.append(f"a decision of {decision.author} names finding {decision.finding!r}, which is not there")
        if decision.defect is not None and decision.defect not in have_defects:
            problems.append(f"a decision of {decision.author} names defect {decision.defect!r}, which is not there")
        if decision.kind in have_items and decision.item not in have_items[decision.kind]:
            problems.append(f"a decision of {decision.author} names {decision.kind.value} {decision.item!r}, which is not there")
    return problems
