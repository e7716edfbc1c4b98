"""What a candidate is told: strengths in their own words, what was missed as far as the rubric allows. Pure; no template here.

The page is for the candidate, so everything in it is chosen, not left out: nothing of the key gets in unless a field below says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.rubric import Defect, Rubric
from reviewkit.scorecard import DecisionKind, DimensionResult, FindingResult, ItemState, Outcome, Scorecard
from reviewkit.words import Dimension, Domain

STRONG: Final = 0.6
"""Share of a dimension's points from which on it is named as a strength."""
THIN: Final = 0.3
"""Share below which it is named as something to work on."""
AREAS: Final[dict[Domain, str]] = {
    Domain.ASYNC_CONCURRENCY: "asynchronous code and concurrency",
    Domain.DATABASE: "databases and transactions",
    Domain.API_BOUNDARIES: "boundaries of an interface: what comes in, what is promised",
    Domain.TESTING_OBSERVABILITY: "tests, errors and observability",
    Domain.PERFORMANCE_MEMORY: "performance and memory",
    Domain.AI_DATA_INTEGRITY: "integrity of data, also towards models",
}
_STRENGTHS: Final[dict[Dimension, str]] = {
    Dimension.DETECTION: "You found most of what weighs in this change.",
    Dimension.PRECISION: "What you raised was to the point: hardly a remark went astray.",
    Dimension.UNDERSTANDING: "You explained how things go wrong and what follows, and did not stop at naming them.",
    Dimension.PRIORITISATION: "You told apart what must not ship from what can wait.",
    Dimension.CLAIMS: "You held the author's claims against what the change really does.",
    Dimension.MENDING: "Your mended code does what it should, under pressure too.",
    Dimension.PROOF: "You proved what you said with checks that fail for the right reason.",
    Dimension.COMMUNICATION: "Your remarks help a colleague: a place, a reason, a way out.",
}
_NEXT: Final[dict[Dimension, str]] = {
    Dimension.DETECTION: "Go through a change once more with one question per pass, such as: who else may be here at the same moment?",
    Dimension.PRECISION: "Before you raise a point, look for the line that would prove you wrong.",
    Dimension.UNDERSTANDING: "For each remark, write down the steps that lead to the damage, and who notices it.",
    Dimension.PRIORITISATION: "Say first what blocks the release, and let the rest follow by damage.",
    Dimension.CLAIMS: "Read the description as a list of promises and look for what shows each of them.",
    Dimension.MENDING: "Run the checks early and try the unhappy ways through your code: twice, at once, half done.",
    Dimension.PROOF: "Where you suspect something, let a small check show it.",
    Dimension.COMMUNICATION: "Give each remark its place, its consequence and a way out.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A missed flaw that is spoken of by name."""

    title: str
    area: str
    why: str = ""
    """Mechanism and consequence; only where the key is released."""
    remedy: str = ""
    """An accepted remedy; only where the key is released."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Everything that a feedback page says, besides what people add."""

    right: tuple[FindingResult, ...]
    """Remarks that found something real, in the candidate's own words."""
    strengths: tuple[str, ...]
    next: tuple[str, ...]
    claims: tuple[int, int]
    """(judged right, all)."""
    checks: tuple[int, int]
    """(checks of mended code passed, all that gave a verdict)."""
    missed: tuple[Told, ...]
    areas: tuple[str, ...]
    """Areas in which more was to be found, without a number."""
    open_n: int
    """Points that still wait for a person."""
    released: bool

    @property
    def key_words(self) -> tuple[str, ...]:
        """What of it is text of the key: allowed by the rubric, or released."""
        return tuple(text for told in self.missed for text in (told.title, told.why, told.remedy) if text)


def feedback(card: Scorecard, rubric: Rubric, *, released: bool = False) -> Feedback:
    """Choose what a candidate is told.

    Args:
        card: The scorecard, with the raters' decisions.
        rubric: Its key; `feedback` in it says what may be told of missed flaws.
        released: A person has released the key to this candidate: every missed flaw is named and explained.
    """
    missed = _missed(card, rubric)
    named: Sequence[Defect] = ()
    told = [d for d in missed if d.level in rubric.feedback.may_tell and rubric.feedback.missed != "nothing"]
    if released:
        named = missed
    elif rubric.feedback.missed == "flaws":
        named = told
    areas = dict.fromkeys(AREAS[d.domain] for d in (missed if released else told) if d not in named)
    checks = [c for e in card.exercises if e.answered for c in e.checks if c.outcome not in ("not_run", "not_measured", "error")]
    return Feedback(
        right=tuple(f for f in card.findings if _is_right(f, card)),
        strengths=tuple(_STRENGTHS[d.dimension] for d in card.dimensions if _share(d) >= STRONG),
        next=tuple(_NEXT[d.dimension] for d in card.dimensions if 0 <= _share(d) < THIN),
        claims=(sum(c.right for c in card.claims), len(card.claims)),
        checks=(sum(c.outcome == "passed" for c in checks), len(checks)),
        missed=tuple(_told(d, released=released) for d in named),
        areas=tuple(areas), open_n=len(card.queue), released=released,
    )  # fmt: skip


def _is_right(finding: FindingResult, card: Scorecard) -> bool:
    """Whether a remark found something real; outside the key that is so once a rater has confirmed it, which ends its waiting."""
    waits = any(item.finding == finding.id and item.kind is DecisionKind.FINDING for item in card.queue)
    return finding.outcome is Outcome.MATCHED or (finding.outcome is Outcome.EXTRA and not waits)


def _missed(card: Scorecard, rubric: Rubric) -> list[Defect]:
    """Flaws that no remark says, also none that came once the exercises were open."""
    missed = {result.id for result in card.defects if result.state is ItemState.MISSED and not result.after_exercises}
    return [defect for defect in rubric.defects if defect.id in missed]


def _told(defect: Defect, *, released: bool) -> Told:
    if not released:
        return Told(defect.title, AREAS[defect.domain])
    return Told(defect.title, AREAS[defect.domain], defect.understands[0], defect.mends[0])


def _share(result: DimensionResult) -> float:
    """Part of a dimension's points, by what is decided; -1 where it says nothing about the candidate."""
    return result.low / result.points_max if result.scored and result.points_max else -1.0
