"""The state of a candidate's work: a fold of the events of its record. Nothing else is scored.

`Event`, `append_event` and `verify_chain` live in `reviewkit.event` and are re-exported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reviewkit import eventdata as shapes
from reviewkit.event import (
    GENESIS,
    Event,
    Head,
    Problem,
    append_event,
    canonical,
    event_hash,
    head_of,
    timestamp,
    verify_chain,
)
from reviewkit.eventdata import Answer, DiagnoseAnswer, ExplainAnswer, Kind, PublicResult, TraceAnswer
from reviewkit.finding import Finding
from reviewkit.words import Judgement

__all__ = [
    "GENESIS",
    "SCHEMA",
    "Answer",
    "ClaimJudgement",
    "DiagnoseAnswer",
    "Event",
    "Evidence",
    "ExerciseState",
    "ExplainAnswer",
    "Finding",
    "Head",
    "Kind",
    "ProbeRun",
    "Problem",
    "PublicResult",
    "State",
    "TraceAnswer",
    "Verdict",
    "append_event",
    "canonical",
    "event_hash",
    "fold",
    "head_of",
    "notebook_metadata",
    "timestamp",
    "verify_chain",
]

SCHEMA: Final = 1
"""Version of `metadata.reviewkit` and of the events in it."""


@dataclass(frozen=True, slots=True)
class ClaimJudgement:
    """What the candidate says of one claim of the author's description."""

    claim: str
    verdict: Judgement
    why: str = ""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """Latest run of a probe on one tree."""

    probe: str
    tree: str
    """`head`, `workspace` or `mend`."""
    verdict: str
    """The line that the probe printed; made in the candidate's kernel, so a claim, not a fact."""


@dataclass(frozen=True, slots=True)
class ExerciseState:
    """Latest work on one exercise."""

    exercise: str
    answer: Answer | None = None
    """explain, diagnose, trace."""
    files: Mapping[str, str] = field(default_factory=dict)
    """mend: path relative to the tree's root -> whole text; only files that were touched."""
    results: tuple[PublicResult, ...] = ()
    """Public checks as the candidate's kernel reported them: a claim, never scored."""
    runs_n: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Latest run of a check that the candidate wrote for a finding."""

    id: str
    finding: str
    """Id of a finding, which may have been deleted since."""
    code: str
    outcome: str
    """`fails`, `passes` or `error` as the candidate's kernel reported it: a claim until the hiring side re-runs it."""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The candidate's decision about the change."""

    decision: str
    """`approve`, `request changes` or `block`."""
    summary: str
    top: tuple[str, ...]
    """Up to three ids of findings, most important first; may name one that was deleted since."""


@dataclass(frozen=True, slots=True)
class State:
    """All of a candidate's work as it stands after the last event; texts are the candidate's own and untrusted."""

    slug: str | None = None
    """As the page said when it opened the workbook; the invite or the grant decides, not this."""
    version: str | None = None
    agreed_to: str | None = None
    """Id of the policy's wording that the candidate agreed to on the first screen; None without an invite."""
    findings: tuple[Finding, ...] = ()
    """Not deleted, in the order added, each in its latest wording."""
    edited_late: frozenset[str] = frozenset()
    """Findings from the review part that were reworded after the exercises had opened."""
    claims: Mapping[str, ClaimJudgement] = field(default_factory=dict)
    probes: tuple[ProbeRun, ...] = ()
    """One per probe and tree, in the order first run."""
    exercises: Mapping[str, ExerciseState] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    """One per id, in the order first run."""
    verdict: Verdict | None = None
    review_closed: bool = False
    submitted: bool = False
    changed_after_submit: bool = False
    """Something other than a further submit follows the first `workbook.submitted`."""
    opened_at: str | None = None
    """Clock of the candidate's machine; never an input to a score."""
    submitted_at: str | None = None
    """Latest submit, same clock."""
    events_n: int = 0

    def finding(self, finding_id: str) -> Finding:
        """Return the finding with this id.

        Raises:
            KeyError: If there is none, or no longer.
        """
        for finding in self.findings:
            if finding.id == finding_id:
                return finding
        raise KeyError(finding_id)


def fold(events: Iterable[Event]) -> State:
    """State after the last of `events`; an operation that occurs twice counts once."""
    draft, ops = _Draft(), set[str]()
    for event in events:
        if event.op not in ops:
            ops.add(event.op)
            draft.apply(event)
    return draft.state()


def notebook_metadata(
    slug: str, version: str, record: str, candidate: str, events: Iterable[Event] = ()
) -> dict[str, Any]:
    """`metadata.reviewkit` of a workbook: what makes a notebook file a submission."""
    kept = tuple(events)
    head = head_of(kept)
    return {
        "schema": SCHEMA,
        "slug": slug,
        "version": version,
        "record": {
            "id": record,
            "candidate": candidate,
            "head": head.hash,
            "count": len(kept),
            "events": [event.model_dump(mode="json") for event in kept],
        },
    }


_NO_WORK: Final = frozenset((Kind.SUBMITTED, Kind.OPENED, Kind.CONSENT, Kind.FOCUS_ENDED, Kind.SHARED, Kind.JOINED))
"""What does not change work that was handed in."""


class _Draft:
    """The state while it is being folded; dicts keep the order in which things first appeared."""

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        self.edited_late: set[str] = set()
        self.claims: dict[str, ClaimJudgement] = {}
        self.probes: dict[tuple[str, str], ProbeRun] = {}
        self.exercises: dict[str, ExerciseState] = {}
        self.evidence: dict[str, Evidence] = {}
        self.rest = State()

    def apply(self, event: Event) -> None:
        """Take one event into account."""
        if self.rest.submitted and event.kind not in _NO_WORK:
            self.rest = replace(self.rest, changed_after_submit=True)
        self.rest = replace(self.rest, events_n=self.rest.events_n + 1)
        match event.parsed:
            case shapes.FindingData() as data:
                self._put(data)
            case shapes.FindingDeleted(id=finding):
                self.findings.pop(finding, None)
                self.edited_late.discard(finding)
            case shapes.ClaimJudged() as data:
                self.claims[data.claim] = ClaimJudgement(data.claim, data.verdict, data.why)
            case shapes.ProbeRun() as data:
                self.probes[data.probe, data.tree] = ProbeRun(data.probe, data.tree, data.verdict)
            case shapes.EvidenceRun() as data:
                self.evidence[data.id] = Evidence(data.id, data.finding, data.code, data.outcome, data.seen)
            case shapes.ExerciseAnswered() | shapes.ExerciseEdited() | shapes.ExerciseRun() as data:
                self._exercise(data)
            case data:
                self._workbook(event, data)

    def _workbook(self, event: Event, data: shapes.Data) -> None:
        """What concerns the workbook as a whole."""
        match data:
            case shapes.Opened(slug=slug, version=version):
                if self.rest.opened_at is None:
                    self.rest = replace(self.rest, slug=slug, version=version, opened_at=event.t)
            case shapes.ConsentGiven(policy_text=wording):
                self.rest = replace(self.rest, agreed_to=self.rest.agreed_to or wording)
            case shapes.VerdictGiven(decision=decision, summary=summary, top=top):
                self.rest = replace(self.rest, verdict=Verdict(decision, summary, top))
            case shapes.Nothing() if event.kind is Kind.REVIEW_CLOSED:
                self.rest = replace(self.rest, review_closed=True)
            case shapes.Nothing() if event.kind is Kind.SUBMITTED:
                self.rest = replace(self.rest, submitted=True, submitted_at=event.t)
            case shapes.Joined():
                pass
            case shapes.Nothing() if event.kind in (Kind.FOCUS_ENDED, Kind.SHARED):
                pass  # who may watch or join is no part of the work
            case _:
                raise TypeError(f"no fold for {event.kind}")

    def _put(self, data: shapes.FindingData) -> None:
        """Add a remark or replace its wording; an edit of an unknown one adds it, so that no work is lost."""
        before = self.findings.get(data.id)
        late = self.rest.review_closed
        if before is not None and late and not before.after_exercises:
            self.edited_late.add(data.id)
        self.findings[data.id] = Finding(
            id=data.id,
            file=data.file,
            side=data.side or "R",
            line=data.line,
            end_line=data.end_line,
            severity=data.severity.value,
            category=data.category.value,
            body=data.body,
            why=data.why,
            fix=data.fix,
            # The order of events decides; the page's own mark can only add to it.
            after_exercises=before.after_exercises if before else (late or data.after_exercises),
        )

    def _exercise(self, data: shapes.ExerciseAnswered | shapes.ExerciseEdited | shapes.ExerciseRun) -> None:
        work = self.exercises.get(data.exercise, ExerciseState(data.exercise))
        match data:
            case shapes.ExerciseAnswered(answer=answer):
                work = replace(work, answer=answer)
            case shapes.ExerciseEdited(file=file, text=text):
                work = replace(work, files={**work.files, file: text})
            case shapes.ExerciseRun(results=results):
                work = replace(work, results=results, runs_n=work.runs_n + 1)
        self.exercises[data.exercise] = work

    def state(self) -> State:
        """The finished, immutable state."""
        return replace(
            self.rest,
            findings=tuple(self.findings.values()),
            edited_late=frozenset(self.edited_late),
            claims=self.claims,
            probes=tuple(self.probes.values()),
            exercises=self.exercises,
            evidence=tuple(self.evidence.values()),
        )
