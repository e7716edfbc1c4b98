"""Scores one submission: the order of the steps. Each step lives in a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewkit.anchor import rubric_spans
from reviewkit.bank import Bank, Entry, UnknownScenarioError
from reviewkit.blocking import finished
from reviewkit.checks import is_unmended, run_hidden_checks
from reviewkit.errors import SubmissionError
from reviewkit.evidence import counted, rerun
from reviewkit.exemplars import Exemplars
from reviewkit.finding import Finding
from reviewkit.harness.job import Launcher
from reviewkit.harness.stage import Tree, find_driver
from reviewkit.hiring import HiringDecision
from reviewkit.matching import Matching, match
from reviewkit.place import Place, exists, line_map
from reviewkit.record import Problem, State
from reviewkit.row import Row
from reviewkit.rubric import Rubric
from reviewkit.runs import Runs, versions_of
from reviewkit.runtimes.guests import profile
from reviewkit.sandbox import Level, SandboxLauncher
from reviewkit.scorecard import About, CheckResult, Decision, Flag, GateOutcome, SandboxLevel, Scorecard
from reviewkit.scoring import score
from reviewkit.submission import Submission
from reviewkit.words import ExerciseKind

if TYPE_CHECKING:
    from reviewkit.pairing import Alike

UNDECIDED = ("not_run", "not_measured", "error")
"""Outcomes of a check that say something about us, not about the code; a baseline with one is not kept."""
SEED = 1
"""Seed of the hidden checks' inputs; fixed, so that the same submission gets the same verdicts."""


@dataclass(frozen=True)
class Assessment:
    """A scored submission with everything a report shows."""

    submission: Submission
    entry: Entry
    card: Scorecard
    runs: Runs
    hiring: tuple[HiringDecision, ...] = ()
    """What people decided about the candidate, the latest last."""


def assess(
    submission: Submission,
    bank: Bank,
    launcher: Launcher | None,
    baseline: Sequence[CheckResult] | None = None,
    decided: Sequence[Decision] = (),
) -> Assessment:
    """Match, check and score a submission.

    Args:
        submission: As read and validated.
        bank: Where its scenario and rubric are.
        launcher: The sandbox; None scores without hidden checks, which are then `not run`.
        baseline: Hidden checks of the change as proposed, where they are known; run otherwise.
        decided: Decisions of raters so far.

    Raises:
        SubmissionError: If the bank does not have the scenario.
        ContentError: If the scenario or its rubric is broken.
    """
    entry = entry_of(submission, bank)
    state, _ = within_change(submission.state, entry)
    matching = match_state(state, entry)
    runs = run_all(state, entry, launcher, matching, baseline)
    return Assessment(submission, entry, judge(submission, entry, runs, decided, matching), runs)


def entry_of(submission: Submission, bank: Bank) -> Entry:
    """The scenario that a submission was made with.

    Raises:
        SubmissionError: If the bank does not have it, or in another version.
    """
    try:
        entry = bank.entry(submission.slug)
    except UnknownScenarioError as error:
        raise SubmissionError(
            submission.path.name, "unknown_scenario", f"is of scenario {submission.slug!r}, which this bank does not have",
            f"Score it with the bank that has it ({', '.join(error.known)} are here).",
        ) from None  # fmt: skip
    if submission.version != entry.scenario.version:
        raise SubmissionError(
            submission.path.name, "other_version", f"was made with version {submission.version} of {entry.slug}, this bank has {entry.scenario.version}",
            "Score it with the bank that it was made with.",
        )  # fmt: skip
    return entry


def run_all(
    state: State,
    entry: Entry,
    launcher: Launcher | None,
    matching: Matching,
    baseline: Sequence[CheckResult] | None = None,
) -> Runs:
    """Everything that runs candidate code, in the sandbox; `not run` without one.

    Args:
        state: The candidate's work.
        entry: Its scenario, with rubric.
        launcher: The sandbox, or None.
        matching: Of the work's findings; says which defects a piece of evidence may be about.
        baseline: Hidden checks of the change as proposed, where they are known.
    """
    unmended = baseline if baseline is not None else hidden_checks(entry, State(), launcher)
    return Runs(
        versions=versions_of(entry), sandbox=_level(launcher, entry), checks=tuple(hidden_checks(entry, state, launcher, unmended)),
        baseline=tuple(unmended), evidence=tuple(finished(rerun(entry, counted(state, matching), launcher))),
    )  # fmt: skip


def _level(launcher: Launcher | None, entry: Entry) -> SandboxLevel:
    """What held the code, by name of the level and of the profile."""
    if not isinstance(launcher, SandboxLauncher):
        return "none"
    kind = profile(find_driver(entry.folder))
    if kind and launcher.level is Level.NAMESPACES:
        return "namespaces-node" if kind == "node" else "namespaces-java"
    if kind and launcher.level is Level.LANDLOCK:
        return "landlock-node" if kind == "node" else "landlock-java"
    return launcher.level.value


def judge(
    submission: Submission,
    entry: Entry,
    runs: Runs,
    decided: Sequence[Decision] = (),
    matching: Matching | None = None,
) -> Scorecard:
    """Match and score what was run; needs no sandbox.

    Args:
        submission: As read and validated.
        entry: Its scenario, with rubric.
        runs: What the sandbox said.
        decided: Decisions of raters so far.
        matching: Where it is known already.
    """
    state, outside = within_change(submission.state, entry)
    card = _scored(state, entry, matching or match_state(state, entry), runs, decided, _about(submission))
    return card.model_copy(update={"flags": _flags(submission.flags, len(outside))})


def _scored(
    state: State, entry: Entry, matching: Matching, runs: Runs, decided: Sequence[Decision], about: About | None
) -> Scorecard:
    return score(
        state, entry.scenario, entry.rubric, matching, runs.checks, decided,
        about=about, baseline=runs.baseline, evidence=runs.evidence, sandbox=runs.sandbox,
    )  # fmt: skip


def within_change(state: State, entry: Entry) -> tuple[State, tuple[Finding, ...]]:
    """The state without the remarks that point at no line of the change, and these remarks: they are shown, not scored."""
    base, head = Tree(entry.folder / "base"), Tree(entry.folder / "head")
    lines = {side: {file: tree.read(file).count("\n") + 1 for file in tree.files()} for side, tree in (("R", head), ("L", base))}
    outside = tuple(finding for finding in state.findings if not exists(finding, lines["R"], lines["L"]))
    if not outside:
        return state, ()
    return replace(state, findings=tuple(f for f in state.findings if f not in outside)), outside


def _flags(problems: Sequence[Problem], outside_n: int) -> tuple[Flag, ...]:
    flags = [Flag(code=p.code, words=p.text, tampering=p.is_tampering) for p in problems]
    if outside_n:
        words = f"{outside_n} {'remarks point' if outside_n > 1 else 'remark points'} at no line of the change; shown, not counted."
        flags.append(Flag(code="place_outside", words=words))
    return tuple(flags)


def score_state(
    state: State, entry: Entry, launcher: Launcher | None, baseline: Sequence[CheckResult], about: About | None = None
) -> Scorecard:
    """Match, check and score a folded record.

    Args:
        state: The candidate's work.
        entry: Its scenario, with rubric.
        launcher: The sandbox, or None.
        baseline: Hidden checks of the change as proposed.
        about: Which submission it is.
    """
    matching = match_state(state, entry)
    return _scored(state, entry, matching, run_all(state, entry, launcher, matching, baseline), (), about)


def match_state(state: State, entry: Entry, exemplars: Exemplars | None = None) -> Matching:
    """Pair the findings of a folded record with the key of its scenario.

    Args:
        state: The candidate's work.
        entry: Its scenario, with rubric.
        exemplars: Adjudicated remarks to use beside the key; None for the entry's own.

    Raises:
        UsageError: If the entry asks for the sentence model and it is not set up.
    """
    base, head = Tree(entry.folder / "base"), Tree(entry.folder / "head")
    sources = {file: head.read(file).split("\n") for file in head.files()}
    old = {file: base.read(file).split("\n") for file in base.files()}
    scenario = entry.scenario
    return match(
        state.findings, entry.rubric, rubric_places(entry.rubric, entry.folder / "head"), sources,
        weights=entry.weights, meaning=_meaning() if entry.use_sentences else None,
        old_lines={file: line_map(lines, sources.get(file, [])) for file, lines in old.items()},
        late=state.edited_late,
        prose=[entry.text("brief.md"), entry.text("pull_request.md"), *(c.text for c in scenario.claims),
               *(e.prompt for e in scenario.exercises)],
        exemplars=entry.exemplars if exemplars is None else exemplars,
    )  # fmt: skip


def _meaning() -> Alike:
    from reviewkit.sentences.meaning import shared

    return shared().alike


def rubric_places(rubric: Rubric, head: Path) -> dict[str, list[Place]]:
    """Lines of each defect and decoy in `head/`."""
    return {
        key: [Place(span.file, span.first, span.last) for span in spans] for key, spans in rubric_spans(rubric, head).items()
    }


def _about(submission: Submission) -> About:
    return About(
        slug=submission.slug, record=submission.record_id, candidate=submission.candidate, submission_sha256=submission.sha256
    )


def hidden_checks(
    entry: Entry, state: State, launcher: Launcher | None, baseline: Sequence[CheckResult] = ()
) -> list[CheckResult]:
    """Run the hidden checks of every mend exercise on what was mended; an empty state checks the change as proposed.

    Args:
        entry: The scenario, with rubric.
        state: The candidate's work.
        launcher: The sandbox, or None.
        baseline: Results on the change as proposed, where known: taken for a mend that changes nothing, if all are decided
            and there is a sandbox; without one nothing is run, and nothing may look as if it were.
    """

    async def run() -> list[CheckResult]:
        results: list[CheckResult] = []
        for exercise in entry.scenario.exercises:
            if exercise.kind is not ExerciseKind.MEND:
                continue
            work = state.exercises.get(exercise.id)
            edited = work.files if work is not None else {}
            known = [result for result in baseline if result.exercise == exercise.id]
            if launcher is not None and known and is_unmended(entry, exercise, edited) and all(r.outcome not in UNDECIDED for r in known):
                results += known
            else:
                results += await run_hidden_checks(entry, exercise.id, edited, launcher, SEED)
        return results

    return finished(run())


def row_of(assessment: Assessment, name: str) -> Row:
    """The table line of a scored submission."""
    card, submission = assessment.card, assessment.submission
    counts = {o: sum(g.outcome is o for g in card.gates) for o in GateOutcome}
    gates = ", ".join(f"{n} {_plural(o) if n > 1 else o.value}" for o, n in counts.items() if n)
    decided = assessment.hiring[-1] if assessment.hiring else None
    return Row(
        file=name, sha256=submission.sha256, candidate=submission.candidate, scenario=submission.slug,
        scenario_version=submission.version, rubric_version=assessment.entry.rubric.version,
        total=card.total.points, over=card.total.over, low=card.total.interval_low, high=card.total.interval_high,
        band=card.total.band, gates=gates, waiting=len(card.queue), flags=len(card.flags), sandbox=card.sandbox,
        marks=", ".join(dict.fromkeys(flag.code for flag in card.flags)), tampering=sum(flag.tampering for flag in card.flags),
        unchecked=_unchecked(card), decision=decided.decision if decided else "", decided_by=decided.author if decided else "",
        shares=tuple((b.by, b.value, b.found, b.planted, b.open) for b in card.breakdown if b.by != "severity" and b.planted),
    )  # fmt: skip


def _plural(outcome: GateOutcome) -> str:
    return "need a person" if outcome is GateOutcome.PERSON else outcome.value


def _unchecked(card: Scorecard) -> int:
    """Checks without a verdict: all of them without a sandbox, otherwise those of what was mended."""
    exercises = [exercise for exercise in card.exercises if exercise.answered or card.sandbox == "none"]
    return sum(check.outcome in UNDECIDED for exercise in exercises for check in exercise.checks)
