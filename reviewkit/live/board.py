"""What an interviewer sees of a session now: findings by the key, flaws by level, probes, clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reviewkit import eventdata as shapes
from reviewkit.authors import NAMELESS, authors
from reviewkit.finding import Finding
from reviewkit.live.session import Session
from reviewkit.matching import Matching
from reviewkit.record import Event, Kind, State
from reviewkit.rubric import Defect, Rubric
from reviewkit.scenario import Scenario
from reviewkit.scorecard import Outcome, PairOutcome
from reviewkit.words import Level


@dataclass(frozen=True, slots=True)
class Meant:
    """A planted flaw that a finding says, or may say."""

    defect: str
    title: str
    outcome: PairOutcome
    probability: float


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding as it came, with what it is by the key."""

    finding: Finding
    minute: int | None
    """Minutes from the opening until it came; None when that is not known."""
    is_edited: bool
    outcome: Outcome
    by: str
    """Who made it, where it came from a browser that joined; display text."""
    meant: tuple[Meant, ...]
    """Matched flaws, else those that it may mean; most probable first."""


@dataclass(frozen=True, slots=True)
class FlawLine:
    """A planted flaw and how far it is found."""

    defect: Defect
    state: PairOutcome
    """Found, open because a finding may mean it, or not found yet."""
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """Something that the candidate ran."""

    minute: int | None
    name: str
    said: str
    """The candidate's kernel said so: a claim, not a fact."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the session stands in time."""

    opened_at: datetime | None = None
    """When the first event came, by the intake's clock."""
    last_at: datetime | None = None
    minutes: int = 0
    """Since the opening."""
    of_minutes: int = 0
    """Time box."""
    quiet_left: int = 0
    """Minutes of focus time that are left, rounded up; while there are any, only presence is shown."""
    is_opened: bool = False
    """The candidate let the interviewer follow before the focus time was over."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the interviewer's screen."""

    clock: Clock
    findings: tuple[FindingLine, ...] = ()
    """The newest first."""
    flaws: tuple[FlawLine, ...] = ()
    """By level, the highest first, then as in the key."""
    runs: tuple[RunLine, ...] = ()
    """The newest first."""
    stages: tuple[str, ...] = field(default=())
    """What the candidate has come to: claims judged, review part closed, exercises, verdict, submitted."""


def clock(session: Session, minutes: int, quiet_minutes: int, now: datetime) -> Clock:
    """Where the session stands.

    Args:
        session: So far.
        minutes: Time box.
        quiet_minutes: Length of the focus time. It counts from the beginning of the record, which is what the candidate's page
            counts from, and ends early when the candidate says so or hands in.
        now: The present.
    """
    arrivals = [_time(at) for at in session.arrivals.values()]
    times = sorted(at for at in arrivals if at is not None)
    if not times:
        return Clock(of_minutes=minutes, quiet_left=quiet_minutes)
    begun = _time(session.arrivals.get(session.events[0].hash, "")) if session.events else None
    left = (begun or times[0]) + timedelta(minutes=quiet_minutes) - now
    is_opened = any(event.kind is Kind.FOCUS_ENDED for event in session.events)
    is_over = is_opened or bool(session.submissions) or any(event.kind is Kind.SUBMITTED for event in session.events)
    quiet = 0 if is_over else max(0, -(-left // timedelta(minutes=1)))
    return Clock(times[0], times[-1], max(0, (now - times[0]) // timedelta(minutes=1)), minutes, quiet, is_opened)


def board(session: Session, scenario: Scenario, rubric: Rubric, matching: Matching | None, time: Clock) -> Board:
    """The screen.

    Args:
        session: So far.
        scenario: What is worked on.
        rubric: Its key.
        matching: Of the session's findings with the key; None before anything came.
        time: As `clock` gives it. During focus time nothing but it is shown: being watched makes people solve less.
    """
    if time.quiet_left or matching is None:
        return Board(time)
    state = session.state
    minute = _Minutes(session, time)
    return Board(
        time, _findings(session, state, rubric, matching, minute), _flaws(rubric, matching), _runs(session, minute),
        _stages(state, scenario, session.events),
    )  # fmt: skip


class _Minutes:
    """Minutes from the opening at which events came."""

    def __init__(self, session: Session, time: Clock) -> None:
        self._arrivals, self._opened = session.arrivals, time.opened_at

    def of(self, event_hash: str) -> int | None:
        at = _time(self._arrivals.get(event_hash, ""))
        return None if at is None or self._opened is None else max(0, (at - self._opened) // timedelta(minutes=1))


def _findings(
    session: Session, state: State, rubric: Rubric, matching: Matching, minute: _Minutes
) -> tuple[FindingLine, ...]:
    titles = {defect.id: defect.title for defect in rubric.defects}
    added: dict[str, str] = {}
    edited: set[str] = set()
    by = authors(session.events)
    for event in session.events:
        if event.kind is Kind.FINDING_ADDED:
            added.setdefault(str(event.data.get("id")), event.hash)
        elif event.kind is Kind.FINDING_EDITED:
            edited.add(str(event.data.get("id")))
    lines = [
        FindingLine(
            finding, minute.of(added.get(finding.id, "")), finding.id in edited,
            matching.outcomes.get(finding.id, Outcome.PERSON), by.get(added.get(finding.id, ""), ""), _meant(finding.id, matching, titles),
        )
        for finding in state.findings
    ]  # fmt: skip
    return tuple(reversed(lines))


def _meant(finding: str, matching: Matching, titles: dict[str, str]) -> tuple[Meant, ...]:
    pairs = [
        Meant(pair.target, titles[pair.target], pair.outcome, pair.probability)
        for pair in matching.of_finding(finding)
        if pair.target in titles and pair.outcome is not PairOutcome.NOT_MATCHED
    ]
    matched = [pair for pair in pairs if pair.outcome is PairOutcome.MATCHED]
    return tuple(matched or pairs)


def _flaws(rubric: Rubric, matching: Matching) -> tuple[FlawLine, ...]:
    order = {level: rank for rank, level in enumerate(reversed(Level))}
    lines = []
    for defect in rubric.defects:
        pairs = matching.of_target(defect.id)
        matched = matching.credits.get(defect.id, ())
        maybe = tuple(pair.finding for pair in pairs if pair.outcome is PairOutcome.PERSON)
        state = PairOutcome.MATCHED if matched else PairOutcome.PERSON if maybe else PairOutcome.NOT_MATCHED
        lines.append(FlawLine(defect, state, matched or maybe))
    return tuple(sorted(lines, key=lambda line: order[line.defect.level]))


def _runs(session: Session, minute: _Minutes) -> tuple[RunLine, ...]:
    lines: list[RunLine] = []
    for event in session.events:
        match event.parsed:
            case shapes.ProbeRun(probe=probe, tree=tree, verdict=verdict):
                name, said = f"{probe} on {tree}", verdict
            case shapes.EvidenceRun(finding=finding, outcome=outcome):
                name, said = f"own check for {finding}", outcome
            case shapes.ExerciseRun(exercise=exercise, results=results):
                name, said = exercise, f"{sum(result.passed for result in results)} of {len(results)} public checks pass"
            case _:
                continue
        lines.append(RunLine(minute.of(event.hash), name, said))
    return tuple(reversed(lines))


def _stages(state: State, scenario: Scenario, events: Sequence[Event]) -> tuple[str, ...]:
    shared = ["a link to join the workbook was handed over"] if any(e.kind is Kind.SHARED for e in events) else []
    shared += [f"joined: {', '.join(sorted(set(names)))}"] if (names := _joined(events)) else []
    done = [f"{len(state.claims)} of {len(scenario.claims)} claims judged"]
    if state.review_closed:
        done.append("review part closed")
    touched = sum(1 for work in state.exercises.values() if work.answer is not None or work.files)
    done.append(f"{touched} of {len(scenario.exercises)} exercises begun")
    if state.verdict is not None:
        done.append(f"verdict: {state.verdict.decision}")
    if state.submitted:
        done.append("submitted" + (", then changed" if state.changed_after_submit else ""))
    return (*done, *shared)


def _joined(events: Sequence[Event]) -> list[str]:
    return [data.name or NAMELESS for event in events if isinstance(data := event.parsed, shapes.Joined)]


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


