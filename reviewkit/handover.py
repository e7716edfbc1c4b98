"""What each person's word makes of a submission: the program alone, each rater alone with it, and all of them together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviewkit.scorecard import Decision, DimensionResult, Scorecard

PROGRAM, TOGETHER = "Program", "Together"


@dataclass(frozen=True, slots=True)
class Voice:
    """A scorecard as it is with the words of one rater, of none, or of all."""

    name: str
    """Id of the rater, `PROGRAM` or `TOGETHER`."""
    card: Scorecard
    is_rater: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What one voice says of one point."""

    words: str
    is_own: bool
    """It is not what the program says without that voice."""


@dataclass(frozen=True, slots=True)
class Line:
    """One point: the total, a dimension, a gate."""

    name: str
    cells: tuple[Cell, ...]
    """In the order of the voices."""
    differs: bool
    """Two raters who both spoke on it say different things."""


def voices(card: Scorecard, judged: Callable[[Sequence[Decision]], Scorecard]) -> tuple[Voice, ...]:
    """The voices behind a scorecard; none where no rater has spoken.

    Args:
        card: With everybody's decisions.
        judged: Scores the same submission with other decisions.
    """
    if not card.decisions:
        return ()
    raters = sorted({decision.author for decision in card.decisions})
    alone = [Voice(rater, judged([d for d in card.decisions if d.author == rater]), True) for rater in raters]
    return (Voice(PROGRAM, judged(())), *alone, Voice(TOGETHER, card))


def side_by_side(heard: Sequence[Voice]) -> tuple[Line, ...]:
    """Total and band, each dimension, each gate, as every voice has them."""
    if not heard:
        return ()
    cards = [voice.card for voice in heard]
    lines = [_line("Total", heard, [f"{_number(c.total.points)} of {_number(c.total.over)}" for c in cards])]
    lines.append(_line("Band", heard, [_band(c) for c in cards]))
    lines += [_line(d.value.capitalize(), heard, [_points(card.dimension(d)) for card in cards]) for d in (r.dimension for r in cards[0].dimensions)]
    for gate in cards[0].gates:
        outcomes = [next((g.outcome.value for g in card.gates if g.id == gate.id), "not there") for card in cards]
        lines.append(_line(f"Gate: {gate.statement}", heard, outcomes))
    return tuple(lines)


def _line(name: str, heard: Sequence[Voice], words: Sequence[str]) -> Line:
    cells = tuple(Cell(text, voice.is_rater and text != words[0]) for text, voice in zip(words, heard, strict=True))
    said = {cell.words for cell in cells if cell.is_own}
    return Line(name, cells, len(said) > 1)


def _points(result: DimensionResult) -> str:
    return f"{_number(result.points)} of {_number(result.points_max)}" if result.scored else "unscored"


def _band(card: Scorecard) -> str:
    total = card.total
    return total.band if total.band_low == total.band_high else f"{total.band} ({total.band_low} to {total.band_high})"


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
