"""A rater's way through what only a person can decide. Pure: values in, values out; time and disk are the caller's.

Each rater works on the submissions as if alone: what is open follows from the program and the rater's own words, so
that nothing shows what another rater has decided, or that there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from reviewkit.rulings import Key, disputed, last_words
from reviewkit.scorecard import WITHDRAWN, Decision, DecisionKind, Outcome, QueueItem, Scorecard

TAKEN_BACK: Final = "Taken back by the rater."
MATCHED: Final = "matched"


@dataclass(frozen=True)
class Answer:
    """One thing that a rater may say about a task."""

    key: str
    """The letter that gives it."""
    outcome: str
    words: str
    asks_defect: bool = False
    """The rater also says which flaw of the key is meant."""


_STATES: Final = (
    Answer("y", "credited", "Yes, this is said"),
    Answer("h", "partly", "Half of it"),
    Answer("n", "missed", "No, or it is wrong"),
)
ANSWERS: Final[dict[DecisionKind, tuple[Answer, ...]]] = {
    DecisionKind.FINDING: (
        Answer("e", Outcome.EXTRA.value, "Valid, though not in the key"),
        Answer("f", Outcome.FALSE.value, "Wrong: there is no such flaw"),
        Answer("v", Outcome.VAGUE.value, "Says nothing that can be checked"),
        Answer("d", Outcome.DUPLICATE.value, "Says again what another remark says"),
        Answer("c", Outcome.DECOY.value, "Calls correct code a defect"),
        Answer("m", MATCHED, "Says a flaw of the key …", asks_defect=True),
    ),
    DecisionKind.UNDERSTANDING: _STATES,
    DecisionKind.ANSWER: _STATES,
    DecisionKind.GATE: (Answer("y", "pass", "Passed: explained well enough"), Answer("n", "fail", "Failed: not explained, or wrong")),
    DecisionKind.PROOF: (Answer("y", "credited", "Shows the flaw"), Answer("n", "missed", "Does not show it")),
    DecisionKind.RATING: tuple(Answer(str(mark), str(mark), f"Mark {mark}") for mark in range(1, 5)),
    DecisionKind.HINT: (Answer("g", "given", "A hint was given"),),
}
PAIR: Final = (Answer("y", MATCHED, "Yes, it says this flaw"), Answer("n", "not matched", "No, it says something else"))


@dataclass(frozen=True)
class Task:
    """One item that waits for this rater."""

    sha256: str
    kind: DecisionKind
    finding: str | None = None
    defect: str | None = None
    item: str | None = None
    effect: float = field(default=0.0, compare=False)
    words: str = field(default="", compare=False)
    """Why the program asks."""

    @classmethod
    def of(cls, sha256: str, waiting: QueueItem) -> Task:
        """A line of a scorecard's queue as a task."""
        return cls(sha256, waiting.kind, waiting.finding, waiting.defect, waiting.item, waiting.effect, waiting.words)

    @property
    def key(self) -> Key:
        """As `Decision.key`."""
        return (self.kind.value, self.finding or "", self.defect or "", self.item or "")

    @property
    def order(self) -> tuple[int, float, str, Key]:
        """Gates first, then by effect on the result, largest first; ties by names."""
        return (0 if self.kind is DecisionKind.GATE else 1, -self.effect, self.sha256, self.key)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What may be said."""
        return PAIR if self.kind is DecisionKind.FINDING and self.defect is not None else ANSWERS[self.kind]


Judge = Callable[[str, Sequence[Decision]], Scorecard]
"""(hash, decisions) -> scorecard: scores a submission again, without a sandbox."""


def open_tasks(cards: Mapping[str, Scorecard]) -> tuple[Task, ...]:
    """What waits in these cards, by its effect on the result."""
    return tuple(sorted((Task.of(sha, q) for sha, card in cards.items() for q in card.queue), key=lambda t: t.order))


def disputed_tasks(cards: Mapping[str, Scorecard], decisions: Mapping[str, Sequence[Decision]]) -> tuple[Task, ...]:
    """What raters disagree about, by its effect on the result where it still has one.

    Args:
        cards: Scored with everybody's decisions.
        decisions: Everybody's, by submission.
    """
    waiting = {(sha, Task.of(sha, q).key): q for sha, card in cards.items() for q in card.queue}
    tasks = []
    for sha in cards:
        for key in disputed(decisions.get(sha, ())):
            kind, finding, defect, item = key
            found = waiting.get((sha, key))
            effect, words = (found.effect, found.words) if found else (0.0, "Two raters disagree.")
            tasks.append(Task(sha, DecisionKind(kind), finding or None, defect or None, item or None, effect, words))
    return tuple(sorted(tasks, key=lambda t: t.order))


def own(decisions: Iterable[Decision], rater: str) -> tuple[Decision, ...]:
    """The decisions of one rater, in the order given."""
    return tuple(decision for decision in decisions if decision.author == rater)


def visible_words(task: Task, decisions: Sequence[Decision], rater: str) -> tuple[Decision, ...]:
    """What this rater may see of the others: their last words on the item once this rater and another one have decided."""
    said = last_words(decisions).get(task.key, {})
    if rater not in said or len(said) < 2:
        return ()
    return tuple(decision for author, decision in said.items() if author != rater)


class Scope(StrEnum):
    """Which tasks a session goes through."""

    OPEN = "open"
    """What waits for this rater; grows and shrinks with what is decided."""
    ALL = "all"
    """Also what is settled, to be overruled."""
    DISPUTED = "disputed"
    """What raters disagree about."""


@dataclass(frozen=True)
class Session:
    """A rater at work: the tasks in the order in which they come up, and which one is looked at."""

    rater: str
    tasks: tuple[Task, ...]
    own: Mapping[str, tuple[Decision, ...]]
    """The rater's decisions by submission, in order of time."""
    at: int = 0
    done: tuple[tuple[Task, Decision], ...] = ()
    """What was decided in this session and not taken back, in order."""
    scope: Scope = Scope.OPEN

    @property
    def current(self) -> Task | None:
        """The task that is looked at; None past the last one."""
        return self.tasks[self.at] if self.at < len(self.tasks) else None

    def said(self, task: Task) -> Decision | None:
        """The rater's own word that counts for a task."""
        words = last_words(self.own.get(task.sha256, ()))
        exact = words.get(task.key, {}).get(self.rater)
        if exact is not None or task.kind is not DecisionKind.FINDING or task.defect is not None:
            return exact
        taken = [by[self.rater] for key, by in words.items() if key[:2] == task.key[:2] and self.rater in by]
        return next((decision for decision in taken if decision.outcome == MATCHED), None)

    @property
    def left(self) -> int:
        """Tasks without a word of this rater."""
        return sum(self.said(task) is None for task in self.tasks)

    @property
    def last_reason(self) -> str:
        """The reason of the latest decision of this session, to be used again."""
        return self.done[-1][1].reason if self.done else ""

    def next(self) -> Session:
        """Look at the following task; after the last one at the first that is still open."""
        if self.at + 1 < len(self.tasks):
            return replace(self, at=self.at + 1)
        skipped = [at for at, task in enumerate(self.tasks) if self.said(task) is None]
        return replace(self, at=skipped[0] if skipped else len(self.tasks))

    def back(self) -> Session:
        """Look at the task before."""
        return replace(self, at=max(0, self.at - 1))

    def decide(self, outcome: str, reason: str, time: str, judge: Judge, defect: str | None = None) -> tuple[Session, Decision]:
        """Say something about the task that is looked at.

        Args:
            outcome: One of the task's answers.
            reason: In the rater's words.
            time: Now, UTC.
            judge: Finds out what is open after it.
            defect: The flaw that is meant, for an answer that asks for one.

        Returns:
            The session at the following task, and the decision to be stored.

        Raises:
            ValueError: If nothing is looked at, or the words are no decision (pydantic's error names the fault).
        """
        task = self._looked_at()
        about = {"finding": task.finding, "defect": defect or task.defect, "item": task.item}
        decision = Decision(kind=task.kind, **about, outcome=outcome, author=self.rater, time=time, reason=reason)
        said = self._with(task, decision, judge)
        return replace(said, done=(*self.done, (task, decision))).next(), decision

    def undo(self, time: str, judge: Judge) -> tuple[Session, Decision | None]:
        """Take the latest decision of this session back by a later one: the word before it counts again, or none.

        Returns:
            The session at that task, and the decision to be stored; None when there is nothing to take back.
        """
        if not self.done:
            return self, None
        task, undone = self.done[-1]
        before = self.own[task.sha256][: self.own[task.sha256].index(undone)]
        earlier = last_words(before).get(undone.key, {}).get(self.rater)
        outcome = earlier.outcome if earlier else WITHDRAWN
        decision = undone.model_copy(update={"outcome": outcome, "time": time, "reason": TAKEN_BACK})
        at = self.tasks.index(task) if task in self.tasks else 0
        said = replace(self, at=at)._with(task, decision, judge)
        return replace(said, done=self.done[:-1]), decision

    def _looked_at(self) -> Task:
        if self.current is None:
            raise ValueError("nothing is left to decide")
        return self.current

    def _with(self, task: Task, decision: Decision, judge: Judge) -> Session:
        """The session with one more own decision: what comes after the present task is what is open now."""
        mine = {**self.own, task.sha256: (*self.own.get(task.sha256, ()), decision)}
        if self.scope is not Scope.OPEN:  # a list that was asked for as a whole
            return replace(self, own=mine)
        now = open_tasks({task.sha256: judge(task.sha256, mine[task.sha256])})
        before = self.tasks[: self.at + 1]
        rest = [t for t in self.tasks[self.at + 1 :] if t.sha256 != task.sha256]
        rest += [t for t in now if t not in before]
        return replace(self, own=mine, tasks=(*before, *sorted(rest, key=lambda t: t.order)))
