"""Scores one submission: the order of the steps. Each step lives in a module of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from reviewkit.anchor import rubric_spans
from reviewkit.bank import Bank, Entry, UnknownScenarioError, find_bank
from reviewkit.checks import run_hidden_checks
from reviewkit.collect import write_whole
from reviewkit.errors import ReviewkitError, SubmissionError
from reviewkit.harness.job import Launcher
from reviewkit.harness.stage import Tree
from reviewkit.matching import Matching, match
from reviewkit.place import Place, line_map
from reviewkit.record import State
from reviewkit.report import render_report
from reviewkit.row import Row
from reviewkit.rubric import Rubric
from reviewkit.sandbox import SandboxUnavailableError, open_launcher
from reviewkit.scorecard import About, CheckResult, GateOutcome, Scorecard
from reviewkit.scoring import score
from reviewkit.submission import Submission, read_submission
from reviewkit.words import ExerciseKind

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
    baseline: tuple[CheckResult, ...] = ()
    """Hidden checks of the change as proposed."""


def assess(
    submission: Submission, bank: Bank, launcher: Launcher | None, baseline: Sequence[CheckResult] | None = None
) -> Assessment:
    """Match, check and score a submission.

    Args:
        submission: As read and validated.
        bank: Where its scenario and rubric are.
        launcher: The sandbox; None scores without hidden checks, which are then `not run`.
        baseline: Hidden checks of the change as proposed, where they are known; run otherwise.

    Raises:
        SubmissionError: If the bank does not have the scenario.
        ContentError: If the scenario or its rubric is broken.
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
    unmended = baseline if baseline is not None else hidden_checks(entry, State(), launcher)
    card = score_state(submission.state, entry, launcher, unmended, _about(submission))
    return Assessment(submission, entry, card, tuple(unmended))


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
    checks = hidden_checks(entry, state, launcher)
    return score(state, entry.scenario, entry.rubric, match_state(state, entry), checks, about=about, baseline=baseline)


def match_state(state: State, entry: Entry) -> Matching:
    """Pair the findings of a folded record with the key of its scenario."""
    base, head = Tree(entry.folder / "base"), Tree(entry.folder / "head")
    sources = {file: head.read(file).split("\n") for file in head.files()}
    old = {file: base.read(file).split("\n") for file in base.files()}
    scenario = entry.scenario
    return match(
        state.findings, entry.rubric, rubric_places(entry.rubric, entry.folder / "head"), sources,
        old_lines={file: line_map(lines, sources.get(file, [])) for file, lines in old.items()},
        late=state.edited_late,
        prose=[entry.text("brief.md"), entry.text("pull_request.md"), *(c.text for c in scenario.claims),
               *(e.prompt for e in scenario.exercises)],
    )  # fmt: skip


def rubric_places(rubric: Rubric, head: Path) -> dict[str, list[Place]]:
    """Lines of each defect and decoy in `head/`."""
    return {
        key: [Place(span.file, span.first, span.last) for span in spans] for key, spans in rubric_spans(rubric, head).items()
    }


def _about(submission: Submission) -> About:
    return About(
        slug=submission.slug, record=submission.record_id, candidate=submission.candidate, submission_sha256=submission.sha256
    )


def hidden_checks(entry: Entry, state: State, launcher: Launcher | None) -> list[CheckResult]:
    """Run the hidden checks of every mend exercise on what was mended; an empty state checks the change as proposed."""

    async def run() -> list[CheckResult]:
        results: list[CheckResult] = []
        for exercise in entry.scenario.exercises:
            if exercise.kind is ExerciseKind.MEND:
                work = state.exercises.get(exercise.id)
                edited = work.files if work is not None else {}
                results += await run_hidden_checks(entry, exercise.id, edited, launcher, SEED)
        return results

    with ThreadPoolExecutor(1) as pool:  # the caller may have an event loop of its own, as a notebook's kernel does
        return pool.submit(asyncio.run, run()).result()


def row_of(assessment: Assessment, name: str) -> Row:
    """The table line of a scored submission."""
    card, submission = assessment.card, assessment.submission
    counts = {o: sum(g.outcome is o for g in card.gates) for o in GateOutcome}
    gates = ", ".join(f"{n} {_plural(o) if n > 1 else o.value}" for o, n in counts.items() if n)
    return Row(
        file=name, sha256=submission.sha256, candidate=submission.candidate, scenario=submission.slug,
        scenario_version=submission.version, rubric_version=assessment.entry.rubric.version,
        total=card.total.points, over=card.total.over, low=card.total.interval_low, high=card.total.interval_high,
        band=card.total.band, gates=gates, waiting=len(card.queue), flags=len(submission.flags),
    )  # fmt: skip


def _plural(outcome: GateOutcome) -> str:
    return "need a person" if outcome is GateOutcome.PERSON else outcome.value


def score_file(path: Path, out: Path, *, bank: Path | None = None, rubrics: Path | None = None, name: str | None = None) -> Row:
    """Score one completed notebook and write scorecard and report below `out`; what the scoring notebook calls.

    Args:
        path: The notebook: data, never executed.
        out: Output folder; gets `scorecards/` and `reports/`.
        bank: Bank folder; None searches as `reviewkit` does.
        rubrics: Folder of the rubrics; None for the bank's own.
        name: Name to show for the file; its own by default.

    Returns:
        The row; a file that cannot be scored gives one with `unscored`, never an exception.
    """
    shown = name or path.name
    submission: Submission | None = None
    try:
        submission = read_submission(path)
        assessment = _assess_in_sandbox(submission, find_bank(bank, rubrics), out)
    except SubmissionError as error:
        return _unscored(out, shown, submission, error.reason_code, str(error))
    except ReviewkitError as error:
        return _unscored(out, shown, submission, "bank_error", str(error))
    return _write(out, assessment, shown)


def _assess_in_sandbox(submission: Submission, bank: Bank, out: Path) -> Assessment:
    """Assess with the checks of the unmended change taken from `out`, where an earlier submission left them."""
    known = _baseline_file(submission, bank, out)
    try:
        with open_launcher() as launcher:
            assessment = assess(submission, bank, launcher, _read_baseline(known))
    except SandboxUnavailableError:
        return assess(submission, bank, None)
    if known is not None and all(r.outcome not in UNDECIDED for r in assessment.baseline):
        write_whole(known, json.dumps([r.model_dump(mode="json") for r in assessment.baseline]).encode())
    return assessment


def _baseline_file(submission: Submission, bank: Bank, out: Path) -> Path | None:
    if submission.slug not in bank.slugs:
        return None
    entry = bank.entry(submission.slug)
    return out / "baselines" / f"{entry.slug}-{entry.scenario.version}-{entry.rubric.version}.json"


def _read_baseline(path: Path | None) -> list[CheckResult] | None:
    if path is None or not path.is_file():
        return None
    return [CheckResult.model_validate(item) for item in json.loads(path.read_text("utf-8"))]


def _unscored(out: Path, name: str, submission: Submission | None, code: str, sentence: str) -> Row:
    """The row of a submission that gets no score; written like any other, so that no earlier row stands in for it."""
    if submission is None:
        return Row(file=name, sha256="", unscored=code, sentence=sentence)
    row = Row(
        file=name, sha256=submission.sha256, candidate=submission.candidate, scenario=submission.slug,
        scenario_version=submission.version, unscored=code, sentence=sentence,
    )  # fmt: skip
    _write_row(out, row)
    return row


def row_file(out: Path, sha256: str) -> Path:
    """Where the row of a submission is written."""
    return out / "rows" / f"{sha256}.json"


def _write_row(out: Path, row: Row) -> None:
    write_whole(row_file(out, row.sha256), json.dumps(row.as_dict(), sort_keys=True).encode())


def _write(out: Path, assessment: Assessment, name: str) -> Row:
    stem = f"{assessment.entry.slug}-{assessment.submission.sha256[:12]}"
    generated = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    html = render_report(assessment.card, assessment.entry, assessment.submission, generated)
    write_whole(out / "scorecards" / f"{stem}.json", assessment.card.canonical_json().encode())
    write_whole(out / "reports" / f"{stem}.html", html.encode("utf-8", "backslashreplace"))
    row = row_of(assessment, name)
    finished = replace(row, report=f"reports/{stem}.html", scorecard=f"scorecards/{stem}.json")
    _write_row(out, finished)
    return finished
