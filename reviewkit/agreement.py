"""Agreement of the program with raters, and of raters with each other: per kind of decision, by level and domain.

Pure; coefficients and their sources are in `reliability`. `count` compares the matcher with labelled sample reviews.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from reviewkit import reliability
from reviewkit.judgements import TOPICS, Judged, Topic
from reviewkit.reliability import Estimate
from reviewkit.scorecard import PairOutcome

PROGRAM: Final = "the program"
"""How the program is named beside raters; a rater of that name is shown in quotes."""


@dataclass(frozen=True)
class Line:
    """Two voices on one kind of decision, all of it or one level or domain of flaws."""

    topic: str
    by: str
    """`""` for all, else `level` or `domain`."""
    value: str
    one: str
    other: str
    n: int
    """Items that both decided."""
    left_open: int
    """Items that the rater decided and the program left to a person."""
    measures: Mapping[str, Estimate]
    """`raw`, `kappa`, `ac1`, and of ordered words `linear` and `quadratic`."""


@dataclass(frozen=True)
class Alpha:
    """All raters on one kind of decision."""

    topic: str
    raters: tuple[str, ...]
    estimate: Estimate


@dataclass(frozen=True)
class Totals:
    """Totals of reviews as each of several voices alone would have made them."""

    voices: tuple[str, ...]
    single: Estimate
    """ICC(A,1)."""
    mean: Estimate
    """ICC(A,k)."""


@dataclass(frozen=True)
class AgreementReport:
    """Everything that can be told of agreement in an output folder."""

    reviews: int
    """Reviews with a decision."""
    raters: tuple[str, ...]
    lines: tuple[Line, ...]
    alphas: tuple[Alpha, ...]
    totals: tuple[Totals, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": 1, "reviews": self.reviews, "raters": list(self.raters),
            "pairs": [
                {"topic": line.topic, "by": line.by or None, "value": line.value or None, "one": line.one, "other": line.other,
                 "n": line.n, "left_open": line.left_open, "measures": {k: e.as_dict() for k, e in line.measures.items()}}
                for line in self.lines
            ],
            "alpha": [{"topic": a.topic, "raters": list(a.raters), **a.estimate.as_dict()} for a in self.alphas],
            "icc": [{"voices": list(t.voices), "single": t.single.as_dict(), "mean": t.mean.as_dict()} for t in self.totals],
            "notes": list(self.notes),
        }  # fmt: skip


def report(
    items: Sequence[Judged],
    totals: Mapping[str, Mapping[str, float]] | None = None,
    notes: Sequence[str] = (),
    *,
    alphas: bool = True,
) -> AgreementReport:
    """
    Agreement on judged items.

    Args:
        items: From `judgements.judged`, of all reviews.
        totals: Voice (a rater, or `PROGRAM`) -> hash of the review -> total in percent of the points, for the ICC; None
            when they were not made.
        notes: What else a reader must know, sentences.
        alphas: Whether to make Krippendorff's alpha, whose interval takes about half a second each.
    """
    raters = tuple(sorted({rater for item in items for rater in item.said}))
    lines: list[Line] = []
    found: list[Alpha] = []
    for topic in TOPICS:
        held = [item for item in items if item.topic == topic.name]
        if not held:
            continue
        voices = sorted({rater for item in held for rater in item.said})
        pairs: list[tuple[str | None, str]] = [*((None, rater) for rater in voices), *combinations(voices, 2)]
        for one, other in pairs:
            lines += _lines(topic, held, one, other)
        if alphas and len(voices) > 1:
            estimate = reliability.alpha([item.said for item in held], topic.scale, ordinal=topic.ordinal)
            found.append(Alpha(topic.name, tuple(voices), estimate))
    reviews = len({item.review for item in items})
    made = () if totals is None else _totals(totals)
    return AgreementReport(reviews, raters, tuple(lines), tuple(found), made, tuple(notes))


def named(voice: str | None) -> str:
    """A voice as it is shown; a rater who goes by the program's name is put in quotes."""
    return PROGRAM if voice is None else f"{voice!r}" if voice == PROGRAM else voice


def _lines(topic: Topic, items: Sequence[Judged], one: str | None, other: str) -> list[Line]:
    """All items, then each level and domain among those that both decided."""
    if one is None and all(item.program is None for item in items if other in item.said) and topic.name == "rating":
        return []
    found = [_line(topic, items, "", "", one, other)]
    for by in ("level", "domain"):
        values = sorted({str(getattr(item, by)) for item in items if getattr(item, by) is not None})
        cut = ((value, [item for item in items if getattr(item, by) == value]) for value in values)
        found += [line for value, held in cut if (line := _line(topic, held, by, value, one, other)).n]
    return found


def _line(topic: Topic, items: Sequence[Judged], by: str, value: str, one: str | None, other: str) -> Line:
    told = [(item.program if one is None else item.said.get(one), item.said.get(other)) for item in items]
    pairs = [(first, second) for first, second in told if first is not None and second is not None]
    measures = {"raw": reliability.raw_agreement(pairs), "kappa": reliability.kappa(pairs, topic.scale)}
    if topic.ordinal:
        measures["linear"] = reliability.kappa(pairs, topic.scale, "linear")
        measures["quadratic"] = reliability.kappa(pairs, topic.scale, "quadratic")
    measures["ac1"] = reliability.gwet_ac1(pairs, topic.scale)
    left_open = sum(first is None and second is not None for first, second in told) if one is None else 0
    return Line(topic.name, by, value, named(one), named(other), len(pairs), left_open, measures)


def _totals(totals: Mapping[str, Mapping[str, float]]) -> tuple[Totals, ...]:
    """Each two voices over the reviews that both scored, then all raters together when there are more than two."""
    raters = sorted(voice for voice in totals if voice != PROGRAM)
    groups: list[tuple[str, ...]] = [*((PROGRAM, rater) for rater in raters), *combinations(raters, 2)]
    if len(raters) > 2:
        groups.append(tuple(raters))
    found = []
    for voices in groups:
        shared = sorted(set.intersection(*(set(totals[voice]) for voice in voices)))
        single, mean = reliability.icc([[totals[voice][review] for voice in voices] for review in shared])
        found.append(Totals(voices, single, mean))
    return tuple(found)


@dataclass(frozen=True)
class Agreement:
    """Counts over pairs."""

    true_accepts: int = 0
    false_accepts: int = 0
    true_rejects: int = 0
    false_rejects: int = 0
    queued: int = 0

    @property
    def decided(self) -> int:
        """Pairs that the program decided."""
        return self.true_accepts + self.false_accepts + self.true_rejects + self.false_rejects

    @property
    def precision(self) -> float:
        """Share of the accepted pairs that the labels confirm; NaN when none was accepted."""
        accepted = self.true_accepts + self.false_accepts
        return self.true_accepts / accepted if accepted else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa on decided pairs; NaN when both sides always say the same one thing.

        Source: Cohen 1960, A coefficient of agreement for nominal scales.
        """
        n = self.decided
        accepted, positive = self.true_accepts + self.false_accepts, self.true_accepts + self.false_rejects
        chance = (accepted * positive + (n - accepted) * (n - positive)) / n**2 if n else 1.0
        return ((self.true_accepts + self.true_rejects) / n - chance) / (1 - chance) if chance < 1 else float("nan")


def count(pairs: Iterable[tuple[PairOutcome, bool]]) -> Agreement:
    """Count (program's outcome, label) pairs."""
    found = {"true_accepts": 0, "false_accepts": 0, "true_rejects": 0, "false_rejects": 0, "queued": 0}
    for outcome, positive in pairs:
        if outcome is PairOutcome.PERSON:
            found["queued"] += 1
        elif outcome is PairOutcome.MATCHED:
            found["true_accepts" if positive else "false_accepts"] += 1
        else:
            found["false_rejects" if positive else "true_rejects"] += 1
    return Agreement(**found)
