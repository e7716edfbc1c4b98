"""What the program and the raters said of the same items: scorecards and decisions turned round, ready for agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.rulings import Key, last_words
from reviewkit.scorecard import (
    RATER_MARK_MAX,
    Decision,
    DecisionKind,
    GateOutcome,
    ItemState,
    Outcome,
    PairOutcome,
    Scorecard,
)
from reviewkit.words import Dimension

_STATES: Final = ("missed", "partly", "credited")


@dataclass(frozen=True)
class Topic:
    """One kind of decision: what may be said, and whether the words have an order."""

    name: str
    title: str
    scale: tuple[str, ...]
    ordinal: bool = False


TOPICS: Final = (
    Topic("match", "remark and flaw", ("not matched", "matched")),
    Topic("remark", "what a remark is", ("matched", "duplicate", "extra", "decoy", "false", "vague")),
    Topic("understanding", "understanding of a flaw", _STATES, ordinal=True),
    Topic("answer", "point of an answer", _STATES, ordinal=True),
    Topic("gate", "gate", ("fail", "pass")),
    Topic("proof", "evidence", ("missed", "credited")),
    Topic("rating", "mark against written levels", tuple(str(n + 1) for n in range(RATER_MARK_MAX)), ordinal=True),
)
"""Kinds of decision in the order of a report. Hints are no judgements."""


@dataclass(frozen=True)
class Judged:
    """One item and who said what of it."""

    topic: str
    review: str
    """Hash of the submission."""
    said: Mapping[str, str]
    """Rater -> last word."""
    program: str | None
    """The program's own first word; None where it left the item to a person or has no opinion."""
    level: str | None = None
    domain: str | None = None


def judged(card: Scorecard, decisions: Sequence[Decision]) -> list[Judged]:
    """
    Every item of a scored submission that a rater judged.

    Args:
        card: The scorecard; its `program_*` fields give the program's words.
        decisions: Of the submission, in any order; the last word of a rater on an item counts, of pairs with a second
            opinion the first one.

    Returns:
        Items in a fixed order. A rater who called a remark false, an extra or the like has thereby said that it is not
        any of the defects that others judged it against, and one who matched it has said that it is `matched`.
    """
    words = last_words(unadvised(decisions, card))
    last = {key: {a: d.outcome for a, d in by.items()} for key, by in words.items()}
    found = [*_matches(card, last), *_remarks(card, last)]
    for key in sorted(last):
        kind, finding, defect, item = key
        if kind == DecisionKind.UNDERSTANDING:
            found.append(_of_defect(card, "understanding", defect, last[key], _understood(card, defect)))
        elif kind == DecisionKind.ANSWER:
            found.append(Judged("answer", _review(card), last[key], _answered(card, item)))
        elif kind == DecisionKind.GATE:
            found.append(Judged("gate", _review(card), last[key], _gate(card, item)))
        elif kind == DecisionKind.PROOF:
            found.append(Judged("proof", _review(card), last[key], _proven(card, finding)))
        elif kind == DecisionKind.RATING:
            found.append(Judged("rating", _review(card), last[key], None))
    return found


def unadvised(decisions: Sequence[Decision], card: Scorecard) -> list[Decision]:
    """Decisions without those that a rater may have taken after a language model's opinion: of a pair with one the first counts."""
    advised = {(o.finding, o.defect) for o in card.second_opinion.pairs if o.says} if card.second_opinion else set()
    seen: set[tuple[Key, str]] = set()
    kept = []
    for decision in sorted(decisions, key=lambda d: d.time):
        said = (decision.key, decision.author)
        if (decision.finding, decision.defect) not in advised or said not in seen:
            kept.append(decision)
        seen.add(said)
    return kept


def _review(card: Scorecard) -> str:
    return card.about.submission_sha256


_Last = Mapping[tuple[str, str, str, str], Mapping[str, str]]


def _matches(card: Scorecard, last: _Last) -> Iterator[Judged]:
    known = {finding.id: finding for finding in card.findings}
    for key in sorted(last):
        kind, finding, defect, _item = key
        if kind != DecisionKind.FINDING or not defect or finding not in known:
            continue
        alone = last.get((kind, finding, "", ""), {})
        implied = {rater: "not matched" for rater, word in alone.items() if word != Outcome.DUPLICATE}
        pair = next((p for p in known[finding].pairs if p.target == defect), None)
        program = PairOutcome.NOT_MATCHED if pair is None else pair.program_outcome
        word = None if program is PairOutcome.PERSON else program.value
        yield _of_defect(card, "match", defect, {**implied, **last[key]}, word)


def _remarks(card: Scorecard, last: _Last) -> Iterator[Judged]:
    for finding in card.findings:
        alone = dict(last.get((DecisionKind.FINDING.value, finding.id, "", ""), {}))
        if not alone:
            continue
        for (kind, of, defect, _item), said in last.items():
            if kind == DecisionKind.FINDING and of == finding.id and defect:
                alone |= {r: "matched" for r, word in said.items() if word == "matched" and r not in alone}
        program = finding.program_outcome
        silent = program in (Outcome.PERSON, Outcome.EXTRA)  # `extra` of the program leaves open whether it is valid
        yield Judged("remark", _review(card), alone, None if silent else program.value)


def _of_defect(card: Scorecard, topic: str, defect: str, said: Mapping[str, str], program: str | None) -> Judged:
    held = next((d for d in card.defects if d.id == defect), None)
    level, domain = (None, None) if held is None else (held.level.value, held.domain.value)
    return Judged(topic, _review(card), said, program, level, domain)


def _understood(card: Scorecard, defect: str) -> str | None:
    items = card.dimension(Dimension.UNDERSTANDING).items
    return _decided(next((item.program_state for item in items if item.item == defect), None))


def _answered(card: Scorecard, item: str) -> str | None:
    return _decided(next((a.program_state for e in card.exercises for a in e.answers if a.id == item), None))


def _gate(card: Scorecard, item: str) -> str | None:
    program = next((gate.program_outcome for gate in card.gates if gate.id == item), GateOutcome.PERSON)
    return None if program is GateOutcome.PERSON else program.value


def _proven(card: Scorecard, finding: str) -> str | None:
    items = card.dimension(Dimension.PROOF).items
    return _decided(next((item.program_state for item in items if finding in item.findings), None))


def _decided(state: ItemState | None) -> str | None:
    return None if state in (None, ItemState.PERSON, ItemState.UNSCORED) else state.value
