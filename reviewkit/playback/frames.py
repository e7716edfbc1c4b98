"""A record as frames of a time line: what happened, after which run, what an edit changed. Pure: events in, frames out.

Records come from candidates' notebooks and may hold anything that has the right shape: clocks that run backwards or for
centuries, files without end. Playing time therefore never runs back and shortens pauses, and comparing has a budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from reviewkit import eventdata as shapes
from reviewkit.authors import authors
from reviewkit.drawing import Drawing
from reviewkit.event import Event
from reviewkit.eventdata import Kind
from reviewkit.playback.changes import Budget, Change, change
from reviewkit.record import fold
from reviewkit.scenario import Scenario

PAUSE_MAX: Final = 120.0
"""Seconds that a longer pause takes in playing time."""
JOIN_SECONDS: Final = 30.0
"""Saves of the same text within this time of the first are one frame, at the first one's minute."""
TITLE_MAX: Final = 70
"""Characters of a claim in a title."""
SAID_MAX: Final = 4_000
"""Characters of one text that a frame carries."""


class Lane(StrEnum):
    """Row of the time line."""

    REMARKS = "remarks"
    CLAIMS = "claims"
    PROBES = "probes"
    EXERCISES = "exercises"
    EVIDENCE = "evidence"
    END = "verdict, submit"
    WORKBOOK = "workbook"


LANES: Final[dict[Kind, Lane]] = {
    Kind.CONSENT: Lane.WORKBOOK, Kind.OPENED: Lane.WORKBOOK, Kind.REVIEW_CLOSED: Lane.WORKBOOK,
    Kind.FOCUS_ENDED: Lane.WORKBOOK, Kind.SHARED: Lane.WORKBOOK, Kind.JOINED: Lane.WORKBOOK,
    Kind.FINDING_ADDED: Lane.REMARKS, Kind.FINDING_EDITED: Lane.REMARKS, Kind.FINDING_DELETED: Lane.REMARKS,
    Kind.CLAIM_JUDGED: Lane.CLAIMS, Kind.PROBE_RUN: Lane.PROBES, Kind.EVIDENCE_RUN: Lane.EVIDENCE,
    Kind.EXERCISE_ANSWERED: Lane.EXERCISES, Kind.EXERCISE_EDITED: Lane.EXERCISES, Kind.EXERCISE_RUN: Lane.EXERCISES,
    Kind.VERDICT_GIVEN: Lane.END, Kind.SUBMITTED: Lane.END,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the record. Every text may be a candidate's: escape it."""

    number: int
    """From 1."""
    seconds: float
    """Since the first event by the candidate's clock; never less than the frame before."""
    playing: float
    """The same with long pauses shortened."""
    kind: Kind
    title: str
    said: tuple[tuple[str, str], ...] = ()
    """(label, text)."""
    finding: str | None = None
    after: str = ""
    """What had been run last before a remark was made."""
    change: Change | None = None
    """What an edit of a file changed since the one before, first since the change under review."""
    exercise: str | None = None
    drawing: Drawing | None = None
    """A trace exercise's answer as it stands now."""
    by: str = ""
    """Who made it, where it came from a browser that joined a shared document; display text."""
    times_n: int = 1
    """Saves in quick succession that are shown as this one frame."""

    @property
    def lane(self) -> Lane:
        """Its row."""
        return LANES[self.kind]

    @property
    def minute(self) -> str:
        """Minutes since the beginning, for people."""
        return f"{self.seconds / 60:.1f}"


def frames(
    events: Sequence[Event],
    scenario: Scenario | None = None,
    head: Mapping[str, str] | None = None,
    numbers: Mapping[str, int] | None = None,
) -> tuple[Frame, ...]:
    """The frames of a record, in its order; an operation that occurs twice counts once, as in the state.

    Args:
        events: In the order recorded.
        scenario: For titles of probes, claims and exercises; ids stand for them without it.
        head: Texts of the change under review, against which the first edit of a file is compared.
        numbers: Of remarks by id, as a report counts them; by default in the order made, without those taken back.
    """
    if numbers is None:
        numbers = {finding.id: number for number, finding in enumerate(fold(events).findings, 1)}
    made = _Maker(scenario, head or {}, numbers, authors(events))
    ops: set[str] = set()
    for event in events:
        if event.op not in ops:
            ops.add(event.op)
            made.take(event)
    return tuple(made.frames)


class _Maker:
    """What is known while the record is gone through."""

    def __init__(self, scenario: Scenario | None, head: Mapping[str, str], numbers: Mapping[str, int], by: Mapping[str, str]) -> None:
        self.frames: list[Frame] = []
        self._titles = _titles(scenario)
        self._head, self._texts = head, dict[tuple[str, str], str]()
        self._numbers, self._made, self._by = numbers, set[str](), by
        self._ran: tuple[str, float] | None = None
        self._start: datetime | None = None
        self._budget = Budget()
        self._replaced = ""  # text before the latest run of joined saves

    def take(self, event: Event) -> None:
        seconds = self._seconds(event)
        last = self.frames[-1] if self.frames else None
        playing = last.playing + min(PAUSE_MAX, seconds - last.seconds) if last else 0.0
        bare = Frame(len(self.frames) + 1, seconds, playing, event.kind, "", by=self._by.get(event.hash, ""))
        frame = self._filled(bare, event.parsed)
        if last is not None and _joins(last, frame):
            self.frames[-1] = replace(frame, number=last.number, seconds=last.seconds, playing=last.playing, times_n=last.times_n + 1)
        else:
            self.frames.append(frame)

    def _seconds(self, event: Event) -> float:
        try:
            at = datetime.fromisoformat(event.t)
        except ValueError:
            at = self._start or datetime.min.replace(tzinfo=UTC)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        self._start = self._start or at
        before = self.frames[-1].seconds if self.frames else 0.0
        return max(before, (at - self._start).total_seconds())

    def _filled(self, frame: Frame, data: shapes.Data) -> Frame:
        match data:
            case shapes.FindingData():
                return self._remark(frame, data)
            case shapes.FindingDeleted(id=finding):
                return replace(frame, title=f"{self._name(finding)} taken back", finding=finding)
            case shapes.ClaimJudged(claim=claim, verdict=verdict, why=why):
                text = self._title("claim", claim)
                short = text if len(text) <= TITLE_MAX else text[:TITLE_MAX].rstrip() + " …"
                return replace(frame, title=f"Claim “{short}” judged {verdict.value}", said=_cut((("Why", why),)))
            case shapes.ProbeRun(probe=probe, tree=tree, verdict=seen):
                return self._ran_at(frame, f"Probe “{self._title('probe', probe)}” on {tree}", seen)
            case shapes.EvidenceRun(finding=finding, code=code, outcome=outcome, seen=seen):
                name = self._name(finding)
                run = self._ran_at(frame, f"Own check for {name[:1].lower()}{name[1:]}", f"{outcome}. {seen}")
                return replace(run, finding=finding, said=_cut((*run.said, ("Code", code))))
            case _:
                return self._work(frame, data)

    def _work(self, frame: Frame, data: shapes.Data) -> Frame:
        match data:
            case shapes.ExerciseEdited(exercise=exercise, file=file, text=text):
                return self._edit(frame, exercise, file, text)
            case shapes.ExerciseRun(exercise=exercise, results=results):
                said = f"{sum(r.passed for r in results)} of {len(results)} public checks pass"
                return replace(self._ran_at(frame, f"Public checks of “{self._title('exercise', exercise)}”", said), exercise=exercise)
            case shapes.ExerciseAnswered(exercise=exercise, answer=answer):
                drawing = Drawing(answer.order, answer.marks) if isinstance(answer, shapes.TraceAnswer) else None
                texts = answer.model_dump(include={"notes"} if drawing else None)
                verb = "Drawing of" if drawing else "Answer to"
                title = f"{verb} “{self._title('exercise', exercise)}”"
                return replace(frame, title=title, said=_cut([(k.replace("_", " "), str(v)) for k, v in texts.items()]), exercise=exercise, drawing=drawing)
            case shapes.VerdictGiven(decision=decision, summary=summary, top=top):
                first = ", ".join(f"remark {self._numbers[t]}" for t in top if t in self._numbers)
                return replace(frame, title=f"Verdict: {decision}", said=_cut((("Summary", summary), ("First", first))))
            case shapes.Joined(name=name):
                return replace(frame, title="Another browser joined", said=_cut((("Name", name),)))
            case shapes.Opened(client=client):
                return replace(frame, title="Workbook opened", said=_cut((("Client", client),)))
            case _:
                return replace(frame, title=_PLAIN.get(frame.kind, frame.kind.value))

    def _remark(self, frame: Frame, data: shapes.FindingData) -> Frame:
        is_new = data.id not in self._made
        self._made.add(data.id)
        place = (data.file or "the whole change") + (f":{data.line}" if data.line else "")
        said = (
            ("Place", place), ("Severity", data.severity.value), ("Category", data.category.value), ("Remark", data.body),
            ("Why it matters", data.why), ("What to do", data.fix),
        )  # fmt: skip
        return replace(
            frame, title=self._name(data.id) + ("" if is_new else " reworded"), said=_cut(said), finding=data.id,
            after=self._after(frame) if is_new else "",
        )  # fmt: skip

    def _name(self, finding: str) -> str:
        return f"Remark {self._numbers[finding]}" if finding in self._numbers else "A remark"

    def _after(self, frame: Frame) -> str:
        if self._ran is None:
            return "before anything was run"
        name, at = self._ran
        return f"{(frame.seconds - at) / 60:.1f} min after {name}"

    def _ran_at(self, frame: Frame, name: str, seen: str) -> Frame:
        self._ran = (name[:1].lower() + name[1:], frame.seconds)
        return replace(frame, title=name, said=_cut((("Said", seen),)))

    def _edit(self, frame: Frame, exercise: str, file: str, text: str) -> Frame:
        key = (exercise, file)
        before = self._texts.get(key, self._head.get(file, ""))
        title = f"{file} edited for “{self._title('exercise', exercise)}”"
        edited = replace(frame, title=title, exercise=exercise, said=())
        last = self.frames[-1] if self.frames else None
        self._replaced = self._replaced if last is not None and _joins(last, edited) else before
        self._texts[key] = text
        return replace(edited, change=change(self._replaced, text, self._budget))

    def _title(self, kind: str, item: str) -> str:
        return self._titles.get((kind, item), item)


_PLAIN: Final = {
    Kind.CONSENT: "Agreed to what is recorded", Kind.REVIEW_CLOSED: "Review part closed; the exercises open", Kind.SUBMITTED: "Submitted",
    Kind.FOCUS_ENDED: "Focus time ended early; interviewers may follow", Kind.SHARED: "A link to the shared workbook was handed over",
}  # fmt: skip


def _joins(last: Frame, now: Frame) -> bool:
    """Whether a save goes on with the one before. A drawing's steps are never joined: they are what is replayed."""
    same = (last.kind, last.title, last.by) == (now.kind, now.title, now.by) and now.kind in (Kind.EXERCISE_EDITED, Kind.EXERCISE_ANSWERED)
    return same and now.drawing is None and now.seconds - last.seconds <= JOIN_SECONDS


def _titles(scenario: Scenario | None) -> dict[tuple[str, str], str]:
    if scenario is None:
        return {}
    found = {("probe", p.id): p.title for p in scenario.probes} | {("claim", c.id): c.text for c in scenario.claims}
    return found | {("exercise", e.id): e.title for e in scenario.exercises}


def _cut(said: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, text if len(text) <= SAID_MAX else text[:SAID_MAX] + " …") for label, text in said if text)
