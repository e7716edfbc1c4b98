"""A language model's second opinion on pairs that wait for a person, as it stands in a scorecard.

Advice to a rater and nothing else: no code that decides reads it. Its texts come from outside: escape them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from reviewkit.decision import DecisionKind
from reviewkit.frozen import Frozen, Ident
from reviewkit.outcomes import PairOutcome
from reviewkit.safe_text import visible

if TYPE_CHECKING:
    from reviewkit.scorecard import Scorecard

WORDS_MOST: Final = 300
"""Characters of a text of the model that are kept."""
LEANING: Final = 0.5
"""Probability from which the program leans to a match."""
FAILURES: Final = {
    "unreachable": "the endpoint could not be reached",
    "timeout": "no answer in time",
    "busy": "the endpoint was too busy",
    "server_error": "the endpoint failed",
    "refused": "the endpoint refused the question",
    "too_long": "the answer was too long",
    "garbage": "the answer was none of those asked for",
    "no_quote": "the words quoted as proof are not in the remark",
    "time_over": "the time for all questions was over",
    "stopped": "not asked, after others had failed",
    "over_limit": "not asked: too many pairs wait in this review",
}
"""Code -> words. A failure is no opinion; a person decides as without one."""
Says = Literal["same", "other", "unsure"]
SAYS_WORDS: Final[dict[Says, str]] = {
    "same": "the same issue", "other": "another issue", "unsure": "not sure",
}  # fmt: skip


class Opinion(Frozen):
    """What the model said of one pair."""

    finding: Ident
    defect: Ident
    says: Says | None
    """None: no usable answer; `failure` says why."""
    quote: str = Field(default="", max_length=2 * WORDS_MOST)
    """Words of the remark that the model gives as proof; they are in the remark."""
    why: str = Field(default="", max_length=2 * WORDS_MOST)
    """One sentence of the model: hostile text."""
    failure: str = ""
    question: str
    """sha256 of endpoint, model and everything that was sent."""
    date: str = Field(default="", pattern=r"^(\d{4}-\d\d-\d\d)?$")
    """UTC day of the answer."""

    @property
    def words(self) -> str:
        """The opinion in a line, hidden characters shown."""
        if self.says is None:
            return f"no opinion: {FAILURES.get(self.failure, 'it failed')}"
        quoted = f": “{visible(self.quote)}”" if self.quote else ""
        return f"{SAYS_WORDS[self.says]}{quoted}. {visible(self.why)}".strip()


class SecondOpinion(Frozen):
    """The opinions on one submission, who gave them, and how they compare."""

    endpoint: str
    """Host, with its port where it is not the usual one."""
    model: str
    prompt: str
    """Version of the question's wording."""
    dates: tuple[str, ...]
    """UTC days of the answers, in order."""
    asked: int
    """Pairs that were put to the model, now or in an earlier run."""
    failed: int
    """Of these, or left out, without a usable answer."""
    leaned: int
    """Answers `same` or `other` on the side to which the program leans."""
    decided: int
    """Pairs with such an answer that raters have decided since."""
    agreed: int
    """Of these, decided as the model said."""
    pairs: tuple[Opinion, ...]

    def of(self, finding: str | None, defect: str | None) -> Opinion | None:
        """The opinion on a pair."""
        return next((o for o in self.pairs if (o.finding, o.defect) == (finding, defect)), None)


def waiting_pairs(card: Scorecard) -> tuple[tuple[str, str], ...]:
    """(finding, defect) of the pairs that wait for a person, by effect on the result, each once."""
    items = [q for q in card.queue if q.kind is DecisionKind.FINDING]
    return tuple(dict.fromkeys((q.finding, q.defect) for q in items if q.finding and q.defect))


def summed(endpoint: str, model: str, prompt: str, opinions: Sequence[Opinion], card: Scorecard) -> SecondOpinion:
    """Opinions compared with a card: those on pairs that it no longer leaves, or left, to a person fall away.

    Args:
        endpoint: Host that was asked.
        model: Name of the model.
        prompt: Version of the question's wording.
        opinions: One per pair.
        card: Whose totals, queue and points stay as they are.
    """
    left = {(f.id, p.target): p for f in card.findings for p in f.pairs if p.program_outcome is PairOutcome.PERSON}
    kept = sorted((o for o in opinions if (o.finding, o.defect) in left), key=lambda o: (o.finding, o.defect))
    clear = [(o, left[o.finding, o.defect]) for o in kept if o.says in ("same", "other")]
    ruled = [(o, pair) for o, pair in clear if pair.outcome is not PairOutcome.PERSON]
    return SecondOpinion(
        endpoint=endpoint, model=model, prompt=prompt, dates=tuple(sorted({o.date for o in kept if o.date})),
        asked=sum(o.failure not in ("stopped", "over_limit") for o in kept), failed=sum(o.says is None for o in kept),
        leaned=sum((o.says == "same") == (pair.probability >= LEANING) for o, pair in clear), decided=len(ruled),
        agreed=sum((o.says == "same") == (pair.outcome is PairOutcome.MATCHED) for o, pair in ruled), pairs=tuple(kept),
    )  # fmt: skip


def with_opinion(card: Scorecard, opinion: SecondOpinion | None) -> Scorecard:
    """A card with the opinions on what it left to a person; nothing else of it changes."""
    if opinion is None:
        return card
    again = summed(opinion.endpoint, opinion.model, opinion.prompt, opinion.pairs, card)
    return card.model_copy(update={"second_opinion": again})
