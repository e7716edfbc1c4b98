"""Scores one completed notebook of an output folder and writes what comes of it: scorecard, report, row."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reviewkit import decisions, hiring
from reviewkit.assess import UNDECIDED, Assessment, entry_of, judge, match_state, row_of, run_all, within_change
from reviewkit.bank import Entry, find_bank
from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.errors import ReviewkitError, SubmissionError
from reviewkit.handover import voices
from reviewkit.hiring import HiringDecision
from reviewkit.matching import Matching
from reviewkit.notice import notice_text
from reviewkit.opinion import SecondOpinion, with_opinion
from reviewkit.outfolder import OutFolder
from reviewkit.record import State
from reviewkit.report import render_report
from reviewkit.row import Row, write_row
from reviewkit.runs import Runs, content_of, keep
from reviewkit.sandbox import SandboxUnavailableError, open_launcher
from reviewkit.scorecard import CheckResult, Decision
from reviewkit.submission import Submission, parse_submission, read_bytes

if TYPE_CHECKING:
    from reviewkit.opinionclient import Endpoint


def score_file(
    path: Path,
    out: Path,
    *,
    bank: Path | None = None,
    rubrics: Path | None = None,
    name: str | None = None,
    exemplars: bool = True,
    sentences: bool = False,
    endpoint: Endpoint | None = None,
    opinion: SecondOpinion | None = None,
) -> Row:
    """Score one completed notebook and write scorecard and report below `out`; what the scoring notebook calls.

    Decisions of raters that the store of `out` holds are taken into account.

    Args:
        path: The notebook: data, never executed.
        out: Output folder; gets `scorecards/` and `reports/`.
        bank: Bank folder; None searches as `reviewkit` does.
        rubrics: Folder of the rubrics; None for the bank's own.
        name: Name to show for the file; its own by default.
        exemplars: Whether matching looks at adjudicated remarks.
        sentences: Whether matching uses the optional sentence model.
        endpoint: Who is asked for a second opinion on what waits for a person; nobody by default.
        opinion: Opinions given before, to be kept where nobody is asked.

    Returns:
        The row; a file that cannot be scored gives one with `unscored`, never an exception.
    """
    shown = name or path.name
    folder = OutFolder(out)
    submission: Submission | None = None
    try:
        data = read_bytes(path)
        submission = folder.owned(parse_submission(data, path))
        found = replace(find_bank(bank, rubrics), use_exemplars=exemplars, use_sentences=sentences)
        entry = entry_of(submission, found)
        out.mkdir(parents=True, exist_ok=True)
        folder.stage(data, submission)
        counted_state, _ = within_change(submission.state, entry)
        matching = match_state(counted_state, entry)
        runs = _run_in_sandbox(counted_state, entry, folder, matching)
        keep(folder.runs_file(submission.sha256), runs)
        if endpoint is not None:
            opinion = _asked(endpoint, folder, submission, entry, runs, matching)
        with folder.locked():
            return write_result(folder, submission, entry, runs, found.rubrics, shown, matching, opinion)
    except SubmissionError as error:
        return _unscored(folder, shown, submission, error.reason_code, str(error))
    except ReviewkitError as error:
        return _unscored(folder, shown, submission, "bank_error", str(error))


def write_result(
    folder: OutFolder,
    submission: Submission,
    entry: Entry,
    runs: Runs,
    rubrics: Path | None,
    name: str,
    matching: Matching | None = None,
    opinion: SecondOpinion | None = None,
) -> Row:
    """Score with the decisions of the store, write scorecard, report and row; the caller holds the folder's lock."""
    decided, hired = finished(_said(folder.store_url, submission.sha256))
    if decided and matching is None:  # each voice is scored with it
        matching = match_state(within_change(submission.state, entry)[0], entry)
    card = with_opinion(judge(submission, entry, runs, decided, matching), opinion)
    heard = voices(card, lambda said: judge(submission, entry, runs, said, matching))
    assessment = Assessment(submission, entry, card, runs, hired)
    stem = f"{entry.slug}-{submission.sha256[:12]}"
    generated = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    notice = notice_text(folder.root, rubrics)
    html = render_report(card, entry, submission, generated, hiring=hired, notice=notice, heard=heard)
    if not folder.key_file(entry.rubric.sha256).is_file():
        write_whole(folder.key_file(entry.rubric.sha256), entry.rubric.canonical_json.encode())
    write_whole(folder.root / "scorecards" / f"{stem}.json", card.canonical_json().encode())
    write_whole(folder.root / "reports" / f"{stem}.html", html.encode("utf-8", "backslashreplace"))
    row = replace(row_of(assessment, name), report=f"reports/{stem}.html", scorecard=f"scorecards/{stem}.json")
    write_row(folder.row_file(row.sha256), row)
    return row


async def _said(url: str, sha256: str) -> tuple[tuple[Decision, ...], tuple[HiringDecision, ...]]:
    """What people decided about a submission so far."""
    return await decisions.of(url, sha256), await hiring.of(url, sha256)


def _asked(
    endpoint: Endpoint, folder: OutFolder, submission: Submission, entry: Entry, runs: Runs, matching: Matching
) -> SecondOpinion:
    """Opinions on what waits now; asked before the folder is locked, since an endpoint takes its time."""
    from reviewkit.opinionround import second_opinion

    card = judge(submission, entry, runs, finished(decisions.of(folder.store_url, submission.sha256)), matching)
    return second_opinion(card, entry.rubric, submission.state.findings, endpoint, folder.root)


def _run_in_sandbox(state: State, entry: Entry, folder: OutFolder, matching: Matching) -> Runs:
    """Run with the checks of the unmended change taken from the folder, where an earlier submission left them."""
    known = folder.root / "baselines" / f"{entry.slug}-{content_of(entry)[:16]}.json"
    try:
        with open_launcher() as launcher:
            runs = run_all(state, entry, launcher, matching, _read_baseline(known))
    except SandboxUnavailableError:
        return run_all(state, entry, None, matching)
    if all(r.outcome not in UNDECIDED for r in runs.baseline):
        write_whole(known, json.dumps([r.model_dump(mode="json") for r in runs.baseline]).encode())
    return runs


def _read_baseline(path: Path) -> list[CheckResult] | None:
    if not path.is_file():
        return None
    return [CheckResult.model_validate(item) for item in json.loads(path.read_text("utf-8"))]


def _unscored(folder: OutFolder, name: str, submission: Submission | None, code: str, sentence: str) -> Row:
    """The row of a submission that gets no score; written like any other, so that no earlier row stands in for it."""
    if submission is None:
        return Row(file=name, sha256="", unscored=code, sentence=sentence)
    row = Row(
        file=name, sha256=submission.sha256, candidate=submission.candidate, scenario=submission.slug,
        scenario_version=submission.version, unscored=code, sentence=sentence,
    )  # fmt: skip
    write_row(folder.row_file(row.sha256), row)
    return row
