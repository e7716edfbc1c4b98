"""Where a rater works: the submissions of an output folder loaded for one rater, decisions stored as they are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reviewkit import decisions
from reviewkit.adjudication import Scope, Session, Task, disputed_tasks, open_tasks, own, visible_words
from reviewkit.bank import Bank, Entry
from reviewkit.blocking import finished
from reviewkit.case import Case, bank_of, load
from reviewkit.errors import ReviewkitError
from reviewkit.exhibit import Exhibit, Material, exhibit, opinion_on
from reviewkit.opinion import SecondOpinion
from reviewkit.outfolder import OutFolder
from reviewkit.overruling import all_tasks
from reviewkit.scorecard import Decision, Scorecard


def now() -> str:
    """The time as a decision carries it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Desk:
    """The submissions on a rater's desk, and the session over them.

    Every decision is in the store before the next task is shown.
    """

    folder: OutFolder
    bank: Bank
    rater: str
    cases: dict[str, Case] = field(default_factory=dict)
    session: Session = field(default_factory=lambda: Session("", (), {}))
    troubles: tuple[str, ...] = ()
    """A sentence for each submission that cannot be worked on."""
    opinions: dict[str, SecondOpinion] = field(default_factory=dict)
    """By submission; shown of an item once this rater has decided it."""

    @classmethod
    def open(
        cls, folder: OutFolder, bank: Bank, rater: str, wanted: Iterable[str], *, scope: Scope = Scope.OPEN
    ) -> Desk:
        """Lay submissions out for a rater.

        Args:
            folder: What `reviewkit score` wrote.
            bank: With rubrics.
            rater: Opaque id of the rater.
            wanted: Hashes of submissions.
            scope: Which tasks.
        """
        desk = cls(folder, bank, rater)
        said = finished(decisions.everything(folder.store_url))
        troubles = []
        rows = folder.scored()
        for sha in wanted:
            try:
                card = folder.card(rows[sha])
                desk.cases[sha] = load(folder, bank_of(bank, card), sha)
                desk.cases[sha].know(card)
                if card.second_opinion is not None:
                    desk.opinions[sha] = card.second_opinion
            except ReviewkitError as error:
                troubles.append(str(error))
        desk.troubles = tuple(troubles)
        mine = {sha: own(said.get(sha, ()), rater) for sha in desk.cases}
        desk.session = Session(rater, desk._tasks(scope, said, mine), mine, scope=scope)
        return desk

    def _tasks(
        self, scope: Scope, said: Mapping[str, Sequence[Decision]], mine: Mapping[str, Sequence[Decision]]
    ) -> tuple[Task, ...]:
        if scope is Scope.DISPUTED:
            held = {sha: case.card(said[sha]) for sha, case in self.cases.items() if said.get(sha)}
            return disputed_tasks(held, said)
        cards = {sha: case.card(mine[sha]) for sha, case in self.cases.items()}
        return all_tasks(cards) if scope is Scope.ALL else open_tasks(cards)

    def shown(self) -> Exhibit | None:
        """What the rater sees now; None when nothing is left."""
        return self.exhibit(self.session.current) if self.session.current else None

    def exhibit(self, task: Task) -> Exhibit:
        """What the rater sees of a task."""
        case = self.cases[task.sha256]
        card = case.card(self.session.own[task.sha256])
        material = Material(case.entry, case.submission.state, card, self.opinions.get(task.sha256))
        others: tuple[Decision, ...] = ()
        if self.session.scope is Scope.DISPUTED:
            others = visible_words(task, finished(decisions.of(self.folder.store_url, task.sha256)), self.rater)
        return exhibit(task, material, self.session.said(task), others)

    def decide(self, outcome: str, reason: str, defect: str | None = None) -> Decision:
        """Store what the rater says of the present task and go on.

        Raises:
            ValueError: If it is no decision about this task.
        """
        task = self.session.current
        if task is not None and defect is not None and all(defect != d.id for d in self._entry(task).rubric.defects):
            raise ValueError(f"the key has no flaw {defect!r}")
        session, decision = self.session.decide(outcome, reason.strip(), now(), self._judge, defect)
        assert task is not None  # noqa: S101 - `Session.decide` has looked at it
        return self._store(task, session, decision)

    def undo(self) -> Decision | None:
        """Take the latest decision of this session back, by one more decision."""
        if not self.session.done:
            return None
        task = self.session.done[-1][0]
        session, decision = self.session.undo(now(), self._judge)
        return self._store(task, session, decision) if decision else None

    def next(self) -> None:
        """Leave the present task for later."""
        self.session = self.session.next()

    def back(self) -> None:
        """Look at the task before."""
        self.session = self.session.back()

    def open_items(self) -> list[dict[str, object]]:
        """Every open task with what is needed to decide it, by its effect on the result."""
        items: list[dict[str, object]] = []
        for task in self.session.tasks:
            if self.session.said(task) is None or self.session.scope is not Scope.OPEN:
                shown = self.exhibit(task).as_dict()
                about = {"finding": task.finding, "defect": task.defect, "item": task.item}
                items.append({**shown, "submission": task.sha256, **about})
        return items

    def opinion(self) -> tuple[str, str] | None:
        """Who else said what of the item decided last in this sitting: no rater sees it before the own word is stored."""
        task = self.session.done[-1][0] if self.session.done else None
        return opinion_on(task, self.opinions.get(task.sha256)) if task else None

    def _entry(self, task: Task) -> Entry:
        return self.cases[task.sha256].entry

    def _judge(self, sha256: str, decided: Sequence[Decision]) -> Scorecard:
        return self.cases[sha256].card(decided)

    def _store(self, task: Task, session: Session, decision: Decision) -> Decision:
        finished(decisions.add(self.folder.store_url, task.sha256, [decision]))
        self.session = session
        return decision
