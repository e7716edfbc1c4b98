"""What raters decided, point by point: the program's first value, each rater's words, what came of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewkit.rulings import Key, disputed, last_words, unknown_items
from reviewkit.scorecard import Decision, DecisionKind, PairOutcome, Point, Scorecard
from reviewkit.words import Dimension

NO_OPINION = "no opinion"
GONE = "not there any more"


@dataclass(frozen=True)
class DecidedPoint:
    """One item that raters spoke about."""

    kind: DecisionKind
    finding: str | None
    defect: str | None
    item: str | None
    program: str
    """What the program said before any rater."""
    result: str
    """What counts now."""
    split: bool
    """The raters have no majority: the point is open."""
    decisions: tuple[Decision, ...]
    """Every word, in order of time; none is dropped."""
    counts: frozenset[int]
    """Positions in `decisions` of the words that count: each rater's last one, unless withdrawn."""


def decided_points(card: Scorecard) -> tuple[DecidedPoint, ...]:
    """Every item with a decision, in the order of the first decision about it."""
    held: dict[Key, list[Decision]] = {}
    for decision in card.decisions:
        held.setdefault(decision.key, []).append(decision)
    last = last_words(card.decisions)
    open_keys = set(disputed(card.decisions))
    points: list[DecidedPoint] = []
    for key, said in held.items():
        first = said[0]
        counting = [id(d) for d in last.get(key, {}).values()]
        program, result = _values(card, first)
        points.append(
            DecidedPoint(
                kind=first.kind, finding=first.finding, defect=first.defect, item=first.item, program=program,
                result="open: the raters disagree" if key in open_keys else result, split=key in open_keys,
                decisions=tuple(said), counts=frozenset(at for at, d in enumerate(said) if id(d) in counting),
            )
        )  # fmt: skip
    return tuple(points)


def _values(card: Scorecard, about: Decision) -> tuple[str, str]:
    """(program's first value, present value) of what a decision is about."""
    if about.kind is DecisionKind.FINDING:
        return _finding_values(card, about)
    if about.kind is DecisionKind.GATE:
        return _pick({g.id: (g.program_outcome.value, g.outcome.value) for g in card.gates}, about.item)
    if about.kind is DecisionKind.ANSWER:
        answers = {a.id: (a.program_state.value, a.state.value) for e in card.exercises for a in e.answers}
        return _pick(answers, about.item)
    if about.kind is DecisionKind.UNDERSTANDING:
        items = card.dimension(Dimension.UNDERSTANDING).items
        return _pick({p.item: _states(p) for p in items}, about.defect)
    if about.kind is DecisionKind.PROOF:
        items = card.dimension(Dimension.PROOF).items
        return _pick({f: _states(p) for p in items for f in p.findings}, about.finding)
    if about.kind is DecisionKind.RATING:
        found = next((d for d in card.dimensions if d.dimension.value == about.item), None)
        return (NO_OPINION, found.words) if found else (NO_OPINION, GONE)
    hints = {d.id: d.hints for d in card.defects}
    return _pick({d: ("no hint", f"{n} hints") for d, n in hints.items()}, about.defect)


def _states(point: Point) -> tuple[str, str]:
    return ((point.program_state or point.state).value, point.state.value)


def _finding_values(card: Scorecard, about: Decision) -> tuple[str, str]:
    finding = next((f for f in card.findings if f.id == about.finding), None)
    if finding is None:
        return (GONE, GONE)
    if about.defect is None:
        return (finding.program_outcome.value, finding.outcome.value)
    pair = next((p for p in finding.pairs if p.target == about.defect), None)
    if pair is None:  # a card shows no pair that program and raters both reject clearly
        return (PairOutcome.NOT_MATCHED.value, PairOutcome.NOT_MATCHED.value)
    return (pair.program_outcome.value, pair.outcome.value)


def _pick(values: Mapping[str, tuple[str, str]], name: str | None) -> tuple[str, str]:
    return values.get(name or "", (GONE, GONE))


def unknown_in(card: Scorecard, decisions: Sequence[Decision] | None = None) -> list[str]:
    """One sentence for each decision about an item that the card does not have; such decisions change nothing."""
    return unknown_items(
        card.decisions if decisions is None else decisions,
        [finding.id for finding in card.findings],
        [*(d.id for d in card.defects), *(p.target for f in card.findings for p in f.pairs)],
        {
            DecisionKind.GATE: [gate.id for gate in card.gates],
            DecisionKind.ANSWER: [a.id for e in card.exercises for a in e.answers],
            DecisionKind.RATING: [Dimension.COMMUNICATION.value],
        },
    )
