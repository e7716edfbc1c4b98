"""A matching after the raters: which finding credits which defect, what is still open, what each is worth.

The program's own outcome stays beside the resolved one everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewkit import repeats
from reviewkit.finding import Finding
from reviewkit.matching import Matching
from reviewkit.pairing import LIKELY, Pair
from reviewkit.rubric import Rubric
from reviewkit.rulings import Rulings
from reviewkit.scorecard import DecisionKind, ItemState, Outcome, PairOutcome


@dataclass(frozen=True)
class Found:
    """One defect after the raters; values are shares of its points."""

    state: ItemState
    program_state: ItemState
    findings: tuple[str, ...]
    """Taken or, when open, waiting; the most probable first."""
    value: float
    """Enters the points: 1 when taken, the probability of an unguarded open match from `LIKELY` up, else 0."""
    chance: float
    """Best probability, guarded or not; only the upper end of the interval sees it while guarded."""
    variance: float
    low: float
    high: float
    late_only: bool = False
    """Nobody but a remark made once the exercises were open says it."""
    copies: tuple[str, ...] = ()
    """Of a credited defect: findings that would be taken too, were they not held back because they say the same as another."""


@dataclass(frozen=True)
class Resolved:
    """A review after the raters."""

    findings: tuple[Finding, ...]
    """By id; remarks made after the exercises included."""
    outcomes: Mapping[str, Outcome]
    program: Mapping[str, Outcome]
    pairs: Mapping[tuple[str, str], PairOutcome]
    """(finding, item of the key) -> outcome."""
    defects: Mapping[str, Found]
    valid_extras: frozenset[str]
    """Findings outside the key that its also-valid list or a rater's majority confirms."""
    repeats: Mapping[str, str] = field(default_factory=dict)
    """Finding -> the one that stands for all that say nearly the same."""

    @property
    def counted(self) -> tuple[Finding, ...]:
        """Findings made before the exercises opened."""
        return tuple(finding for finding in self.findings if not finding.after_exercises)

    def distinct(self, findings: Iterable[str]) -> int:
        """How many of some findings say something of their own: copies count once."""
        return len({self.repeats.get(finding, finding) for finding in findings})

    def credited_by(self, finding: str) -> tuple[str, ...]:
        """Defects that were taken from this finding, by id."""
        return tuple(
            d for d, f in sorted(self.defects.items()) if f.state is ItemState.CREDITED and finding in f.findings
        )


def resolve(findings: Sequence[Finding], rubric: Rubric, matching: Matching, rulings: Rulings) -> Resolved:
    """Apply the raters' words to a matching."""
    ordered = tuple(sorted(findings, key=lambda f: f.id))
    pairs = {(p.finding, p.target): _pair_outcome(p, rulings) for p in matching.pairs}
    by_defect: dict[str, list[Pair]] = {defect.id: [] for defect in rubric.defects}
    for pair in matching.pairs:
        if pair.target in by_defect:
            by_defect[pair.target].append(pair)
    late = frozenset(f.id for f in ordered if f.after_exercises)
    defects = {defect: _found(defect, held, pairs, late, rulings) for defect, held in by_defect.items()}
    outcomes = {f.id: _outcome(f.id, matching, pairs, defects, late, rulings) for f in ordered}
    valid = frozenset(
        f.id for f in ordered if outcomes[f.id] is Outcome.EXTRA and _is_confirmed(f.id, matching, pairs, rulings)
    )
    return Resolved(ordered, outcomes, dict(matching.outcomes), pairs, defects, valid, matching.repeats)


def _is_confirmed(
    finding: str, matching: Matching, pairs: Mapping[tuple[str, str], PairOutcome], rulings: Rulings
) -> bool:
    if rulings.ruling(DecisionKind.FINDING, finding=finding) == Outcome.EXTRA:
        return True
    return any(
        pair.kind == "also valid" and pairs[finding, pair.target] is PairOutcome.MATCHED
        for pair in matching.of_finding(finding)
    )


def _pair_outcome(pair: Pair, rulings: Rulings) -> PairOutcome:
    word = rulings.ruling(DecisionKind.FINDING, finding=pair.finding, defect=pair.target)
    if word is not None:
        return PairOutcome(word)
    if rulings.split(DecisionKind.FINDING, finding=pair.finding, defect=pair.target):
        return PairOutcome.PERSON
    alone = rulings.ruling(DecisionKind.FINDING, finding=pair.finding)
    if alone is not None and alone != Outcome.DUPLICATE:
        return PairOutcome.NOT_MATCHED
    return pair.outcome


def _found(
    defect: str,
    held: Sequence[Pair],
    pairs: Mapping[tuple[str, str], PairOutcome],
    late: frozenset[str],
    rulings: Rulings,
) -> Found:
    ranked = sorted(held, key=lambda p: (-p.probability, p.finding))
    program = _state(p.outcome for p in ranked if p.finding not in late)
    taken = [p for p in ranked if pairs[p.finding, defect] is PairOutcome.MATCHED]
    early = [p for p in taken if p.finding not in late]
    if early:
        ruled = [p for p in early if rulings.ruling(DecisionKind.FINDING, finding=p.finding, defect=defect) is not None]
        chance = 1.0 if ruled else early[0].probability
        names = tuple(p.finding for p in early)
        copies = tuple(p.finding for p in ranked if p.finding not in late and _is_held_copy(p, pairs[p.finding, defect]))
        return Found(ItemState.CREDITED, program, names, 1.0, chance, chance * (1 - chance), 1.0, 1.0, copies=copies)
    waiting = [p for p in ranked if p.finding not in late and pairs[p.finding, defect] is PairOutcome.PERSON]
    if waiting:
        # What raters could not agree on counts nothing, whatever the program said of it.
        free = [p.probability for p in waiting if not p.guards and p.outcome is PairOutcome.PERSON]
        likely = [chance for chance in free if chance >= LIKELY]
        value = max(likely, default=0.0)
        names = tuple(p.finding for p in waiting)
        chance = waiting[0].probability
        return Found(ItemState.PERSON, program, names, value, chance, value * (1 - value), 0.0, 1.0)
    names = tuple(p.finding for p in taken)
    chance = ranked[0].probability if ranked else 0.0
    return Found(ItemState.MISSED, program, names, 0.0, chance, 0.0, 0.0, 0.0, late_only=bool(taken))


def _is_held_copy(pair: Pair, outcome: PairOutcome) -> bool:
    return outcome is PairOutcome.PERSON and any(hit.guard == repeats.COPIES for hit in pair.guards)


def _state(outcomes: object) -> ItemState:
    said = set(outcomes)  # type: ignore[call-overload]
    if PairOutcome.MATCHED in said:
        return ItemState.CREDITED
    return ItemState.PERSON if PairOutcome.PERSON in said else ItemState.MISSED


def _outcome(
    finding: str,
    matching: Matching,
    pairs: Mapping[tuple[str, str], PairOutcome],
    defects: Mapping[str, Found],
    late: frozenset[str],
    rulings: Rulings,
) -> Outcome:
    alone = rulings.ruling(DecisionKind.FINDING, finding=finding)
    taken = [d for d in sorted(defects) if pairs.get((finding, d)) is PairOutcome.MATCHED]
    if taken:
        leads = finding in late or any(defects[d].findings[:1] == (finding,) for d in taken)
        return Outcome.MATCHED if leads and alone != Outcome.DUPLICATE else Outcome.DUPLICATE
    if alone is not None:
        return Outcome(alone)
    if rulings.split(DecisionKind.FINDING, finding=finding):
        return Outcome.PERSON
    program = matching.outcomes[finding]
    if any(pairs.get((finding, d)) is PairOutcome.PERSON for d in defects):
        return Outcome.PERSON
    if program in (Outcome.MATCHED, Outcome.DUPLICATE, Outcome.PERSON):
        return Outcome.EXTRA  # a rater took the program's match away: whether the remark is valid is open
    return program
