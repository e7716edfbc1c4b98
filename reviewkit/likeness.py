"""How alike a remark and a statement of the key are, in words: overlap, Jaccard, coverage and kinship.

Every measure can only grow when a remark says more of a statement, and none knows about places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import sqrt
from typing import Final, NamedTuple

from reviewkit import kinship, wording

UNIT: Final = 1000
"""Weights and spellings are whole thousandths, so that no order of summing shows in a sum."""
NEAR_ENOUGH: Final = 600
"""Dice coefficient of letter triples, in thousandths, from which two stems count as partly the same word."""
PREFIX_VALUE: Final = 800
"""Likeness of two stems of which one continues the other, in thousandths."""
KIN_FROM: Final = 0.1
"""Overlap from which kinship is looked at: texts without common words are not made alike by their topic."""
MOST_SENTENCES: Final = 100
"""Sentences of one text that are read on their own."""
_SHORTEST_FUZZY: Final = 4


class Likeness(NamedTuple):
    """Measures of one remark against one statement; all from 0 to 1."""

    overlap: float
    """Shared weight over the smaller of the two."""
    jaccard: float
    """Shared weight over everything either says."""
    cover: float
    """Harmonic mean of how much of each is shared."""
    kin: float
    """Cosine in the table of words that keep the same company."""
    said: float
    """How much of the statement the remark says."""
    shared: frozenset[str]
    """Stems of the statement that the remark says, near spellings included."""


NOTHING_ALIKE: Final = Likeness(0.0, 0.0, 0.0, 0.0, 0.0, frozenset())


@dataclass(frozen=True)
class Lexicon:
    """The words of all statements of one key: what is special to an item weighs more than what all share."""

    holders: dict[str, int]
    """Stem -> number of items (defects, decoys, ...) whose statements use it."""
    weights: dict[str, int] = field(repr=False)
    """Stem -> `UNIT` over the square root of its holders; a stem that is not here weighs `UNIT`."""
    triples: dict[str, tuple[str, ...]] = field(repr=False)
    """Letter triple -> stems of the key with it, sorted."""
    _near: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, items: Iterable[Iterable[str]]) -> Lexicon:
        """Lexicon of items, each given by its statements."""
        holders: dict[str, int] = {}
        for statements in items:
            stems: set[str] = set()
            for statement in statements:
                stems |= wording.prepare(statement).stems
            for stem in stems:
                holders[stem] = holders.get(stem, 0) + 1
        triples: dict[str, list[str]] = {}
        for stem in sorted(holders):
            for triple in letter_triples(stem):
                triples.setdefault(triple, []).append(stem)
        weights = {stem: round(UNIT / sqrt(count)) for stem, count in holders.items()}
        return cls(holders, weights, {triple: tuple(stems) for triple, stems in triples.items()})

    def mass(self, stems: Iterable[str]) -> int:
        """Sum of weights."""
        weights = self.weights
        return sum([weights.get(stem, UNIT) for stem in stems])

    def near(self, stem: str) -> tuple[tuple[str, int], ...]:
        """Stems of the key that are nearly this one, with their likeness; best first, then by name."""
        known = self._near.get(stem)
        if known is None:
            known = self._near[stem] = self._search(stem)
        return known

    def _search(self, stem: str) -> tuple[tuple[str, int], ...]:
        if len(stem) < _SHORTEST_FUZZY:
            return ()
        candidates = {other for triple in letter_triples(stem) for other in self.triples.get(triple, ())}
        scored = ((other, spelling(stem, other)) for other in candidates if other != stem)
        return tuple(sorted((pair for pair in scored if pair[1] >= NEAR_ENOUGH), key=lambda p: (-p[1], p[0])))


@lru_cache(maxsize=50_000)
def letter_triples(stem: str) -> frozenset[str]:
    """Overlapping triples of letters, the word's borders included."""
    bordered = f" {stem} "
    return frozenset(bordered[at : at + 3] for at in range(len(bordered) - 2))


@lru_cache(maxsize=200_000)
def spelling(one: str, other: str) -> int:
    """How alike two stems are written, 0 to `UNIT`; short ones only when equal."""
    if one == other:
        return UNIT
    if min(len(one), len(other)) < _SHORTEST_FUZZY:
        return 0
    mine, theirs = letter_triples(one), letter_triples(other)
    dice = round(UNIT * 2 * len(mine & theirs) / (len(mine) + len(theirs)))
    continued = one.startswith(other) or other.startswith(one)
    return max(dice, PREFIX_VALUE) if continued else dice


@dataclass(frozen=True)
class Remark:
    """A remark prepared against one lexicon."""

    text: wording.Text
    mass: int
    reach: dict[str, int]
    """Stem of the key -> likeness of the nearest other stem of the remark."""
    nearby: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    """Stems of the remark that have near spellings in the key, with those."""
    direction: kinship.Direction

    @classmethod
    def of(cls, raw: str, lexicon: Lexicon) -> Remark:
        """Prepare a text of a candidate."""
        text = wording.prepare(raw)
        nearby = tuple((stem, near) for stem in sorted(text.stems) if (near := lexicon.near(stem)))
        reach: dict[str, int] = {}
        for _stem, near in nearby:
            for other, value in near:
                reach[other] = max(value, reach.get(other, 0))
        return cls(text, lexicon.mass(text.stems), reach, nearby, kinship.of(text))


@dataclass(frozen=True)
class Statement:
    """A statement of the key, prepared once."""

    name: str
    """Which one it is, such as `title` or `sees 2`."""
    raw: str
    text: wording.Text
    mass: int
    direction: kinship.Direction

    @classmethod
    def of(cls, name: str, raw: str, lexicon: Lexicon) -> Statement:
        """Prepare a statement of the key."""
        text = wording.prepare(raw)
        return cls(name, raw, text, lexicon.mass(text.stems), kinship.of(text))


def compare(remark: Remark, statement: Statement, lexicon: Lexicon) -> Likeness:
    """Measure one remark against one statement; nothing is alike when either is empty."""
    mine, theirs = remark.text.stems, statement.text.stems
    same = mine & theirs
    reached = [stem for stem in remark.reach if stem in theirs and stem not in same]
    if not same and not reached:
        return NOTHING_ALIKE
    exact = lexicon.mass(same) * UNIT
    weights = lexicon.weights
    said = exact + sum([weights.get(stem, UNIT) * remark.reach[stem] for stem in reached])
    echoed = exact + sum(
        [weights.get(stem, UNIT) * _nearest(near, theirs) for stem, near in remark.nearby if stem not in same]
    )
    product = int(remark.direction.cells @ statement.direction.cells)
    return _measured(remark, statement, said, echoed, product, same.union(reached))


def _measured(
    remark: Remark, statement: Statement, said: int, echoed: int, product: int, shared: frozenset[str]
) -> Likeness:
    """Likeness from the weights said and echoed, in millionths, and the scalar product of the two directions."""
    theirs, mine = statement.mass, remark.mass
    both = (said + echoed) / (2 * UNIT)
    of_statement, of_remark = said / UNIT / theirs, echoed / UNIT / mine
    overlap = both / (theirs if theirs < mine else mine)
    return Likeness(
        1.0 if overlap > 1.0 else overlap,
        both / (theirs + mine - both),
        2 * of_statement * of_remark / (of_statement + of_remark) if of_statement and of_remark else 0.0,
        kinship.cosine(product, remark.direction.length, statement.direction.length) if overlap >= KIN_FROM else 0.0,
        of_statement,
        shared,
    )


@dataclass(frozen=True, eq=False)
class Index:
    """All statements of a key, looked up by stem: one pass over a remark's words measures it against each of them."""

    statements: tuple[Statement, ...]
    lexicon: Lexicon
    holders: dict[str, tuple[int, ...]]
    """Stem -> numbers of the statements that use it."""
    directions: kinship.Cells
    """A row for each statement."""

    @classmethod
    def of(cls, statements: Sequence[Statement], lexicon: Lexicon) -> Index:
        """Index of statements, in this order."""
        holders: dict[str, list[int]] = {}
        for number, statement in enumerate(statements):
            for stem in statement.text.stems:
                holders.setdefault(stem, []).append(number)
        rows = [statement.direction for statement in statements]
        held = {stem: tuple(numbers) for stem, numbers in holders.items()}
        return cls(tuple(statements), lexicon, held, kinship.stacked(rows))

    def compare(self, remark: Remark) -> list[Likeness]:
        """Measure a remark against every statement, in their order; the same as `compare` with each."""
        count = len(self.statements)
        exact, said, echoed = [0] * count, [0] * count, [0] * count
        shared: list[list[str]] = [[] for _ in range(count)]
        weights, mine = self.lexicon.weights, remark.text.stems
        for stem in mine:
            for number in self.holders.get(stem, ()):
                exact[number] += weights.get(stem, UNIT) * UNIT
                shared[number].append(stem)
        for stem, value in remark.reach.items():
            if stem not in mine:
                for number in self.holders.get(stem, ()):
                    said[number] += weights.get(stem, UNIT) * value
                    shared[number].append(stem)
        for stem, near in remark.nearby:
            seen = set(self.holders.get(stem, ()))
            for other, value in near:  # the nearest spelling comes first and is the one that counts
                fresh = [number for number in self.holders.get(other, ()) if number not in seen]
                seen.update(fresh)
                for number in fresh:
                    echoed[number] += weights.get(stem, UNIT) * value
        products = kinship.products(remark.direction, self.directions)
        return [
            _measured(remark, statement, exact[n] + said[n], exact[n] + echoed[n], products[n], frozenset(shared[n]))
            if shared[n]
            else NOTHING_ALIKE
            for n, statement in enumerate(self.statements)
        ]


def _nearest(near: Sequence[tuple[str, int]], theirs: frozenset[str]) -> int:
    """Likeness of the first of the near spellings, which come best first, that the other text has."""
    for other, value in near:
        if other in theirs:
            return value
    return 0


def windows(raw: str, widest: int = 2) -> Sequence[str]:
    """The whole text, then each run of up to `widest` of its first `MOST_SENTENCES` sentences; no text twice."""
    parts = wording.sentences(raw)[:MOST_SENTENCES]
    found = [raw]
    for size in range(1, min(widest, len(parts)) + 1):
        found.extend(" ".join(parts[at : at + size]) for at in range(len(parts) - size + 1))
    return tuple(dict.fromkeys(text for text in found if text.strip()))
