"""Findings that say nearly the same: found in nearly linear time, and worth no more than the weakest of them.

Repeating a remark, there or a few lines further, must never earn what the remark alone does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Final

from reviewkit.pairing import Pair, queue_hit
from reviewkit.scorecard import GuardHit, PairOutcome

SAME_TEXT: Final = 0.9
"""Jaccard of stems above which two remarks are copies of each other."""
COPIES: Final = "copies"
"""Name of the guard that holds copies back."""


def groups(texts: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """
    Findings that say nearly the same, as groups of at least two ids; chains of near copies are one group.

    Args:
        texts: Finding id -> stems. Findings without any are nobody's copy.

    Returns:
        Groups and their members, sorted.

    Source: prefix filtering (Chaudhuri, Ganti, Kaushik 2006): two sets that are alike enough share one of their
    rarest words, so only findings that share one are compared.
    """
    same: dict[frozenset[str], list[str]] = {}
    for finding in sorted(texts):
        if texts[finding]:
            same.setdefault(texts[finding], []).append(finding)
    sets = list(same)
    parent = list(range(len(sets)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one, other in _candidates(sets):
        mine, theirs = sets[one], sets[other]
        if root(one) != root(other) and len(mine & theirs) > SAME_TEXT * len(mine | theirs):
            parent[root(one)] = root(other)
    members: dict[int, list[str]] = {}
    for at, stems in enumerate(sets):
        members.setdefault(root(at), []).extend(same[stems])
    return tuple(sorted(tuple(sorted(group)) for group in members.values() if len(group) > 1))


def _candidates(sets: Sequence[frozenset[str]]) -> set[tuple[int, int]]:
    """Pairs of different sets of like size that share one of their rarest stems."""
    counts: dict[str, int] = {}
    for stems in sets:
        for stem in stems:
            counts[stem] = counts.get(stem, 0) + 1
    holders: dict[str, list[int]] = {}
    for at, stems in enumerate(sets):
        rarest = sorted(stems, key=lambda stem: (counts[stem], stem))
        for stem in rarest[: len(stems) - ceil(SAME_TEXT * len(stems)) + 1]:
            holders.setdefault(stem, []).append(at)
    return {
        (one, other)
        for held in holders.values()
        for place, one in enumerate(held)
        for other in held[place + 1 :]
        if min(len(sets[one]), len(sets[other])) > SAME_TEXT * max(len(sets[one]), len(sets[other]))
    }


def weakest(pairs: Mapping[str, list[Pair]], alike: Sequence[Sequence[str]]) -> dict[str, list[Pair]]:
    """
    Give copies the evidence of the weakest of them, and hold back what not all of them would be credited for.

    Args:
        pairs: Finding id -> its pairs with every item of the key, in the same order for all findings.
        alike: Groups of copies, from `groups`.

    Returns:
        The pairs of every finding, in the same order.
    """
    found = {finding: list(own) for finding, own in pairs.items()}
    for group in alike:
        for at in range(len(pairs[group[0]])):
            for name, pair in zip(group, _weakest([pairs[name][at] for name in group]), strict=True):
                found[name][at] = pair
    return found


def _weakest(copies: Sequence[Pair]) -> Sequence[Pair]:
    """The pairs of copies with one and the same item of the key."""
    standing = [pair for pair in copies if pair.outcome is not PairOutcome.NOT_MATCHED]
    if not standing:
        return copies
    least = min(standing, key=lambda pair: (pair.probability, pair.finding))
    beside = any(pair.place is not None and pair.place[0] <= 0 for pair in copies)
    taken = all(pair.outcome is PairOutcome.MATCHED for pair in copies)
    equal = len(standing) == len(copies) and len({(p.probability, p.outcome, bool(p.guards)) for p in copies}) == 1
    held = () if not beside and (taken or equal) else (_hit(len(copies), beside=beside),)
    return [
        pair
        if pair.outcome is PairOutcome.NOT_MATCHED
        else replace(
            pair,
            reference=least.reference,
            features=least.features,
            place=least.place,
            log_odds=least.log_odds,
            probability=least.probability,
            exemplars=least.exemplars,
            guards=(*pair.guards, *held),
            outcome=PairOutcome.PERSON if held else pair.outcome,
        )
        for pair in copies
    ]


def _hit(count: int, *, beside: bool) -> GuardHit:
    where = "and not all of them point here" if beside else "and not all of them would be taken here"
    return queue_hit(COPIES, f"{count} findings say the same, {where}", copies=float(count))
