"""Totals of archived reviews as each rater alone would have made them: the scorer run with one rater's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reviewkit.agreement import PROGRAM, AgreementReport, named, report
from reviewkit.archive import Archived, read_archive
from reviewkit.assess import entry_of, judge, match_state
from reviewkit.bank import Bank, BankNotFoundError, Entry, find_bank
from reviewkit.errors import ReviewkitError
from reviewkit.judgements import judged
from reviewkit.runs import Runs, kept
from reviewkit.scorecard import Decision
from reviewkit.scoring import SCORER_VERSION
from reviewkit.submission import Submission, read_submission


def totals_by_voice(archive: Sequence[Archived], bank: Bank) -> tuple[dict[str, dict[str, float]], list[str]]:
    """
    Score every review that has decisions once without any, and once for each of its raters with that rater's alone.

    Args:
        archive: From `archive.read_archive`.
        bank: Must have the rubrics that the scorecards name.

    Returns:
        Voice -> hash of the review -> total in percent of the points; and a sentence for each review left out.
    """
    totals: dict[str, dict[str, float]] = {}
    left_out: list[str] = []
    for one in archive:
        if not one.decisions:
            continue
        try:
            submission = read_submission(one.staged)
            entry = entry_of(submission, bank)
            runs = kept(one.folder.runs_file(one.sha256), entry)
        except ReviewkitError as error:
            left_out.append(f"The totals leave out {one.sha256[:12]}: {error}")
            continue
        if runs is None or entry.rubric.version != one.card.versions.rubric:
            left_out.append(
                f"The totals leave out {one.sha256[:12]}: it was scored with rubric {one.card.versions.rubric} of {entry.slug} "
                f"and scorer {one.card.versions.scorer}; here are {entry.rubric.version} and {SCORER_VERSION}."
            )
            continue
        for voice, total in _totals(one, submission, entry, runs).items():
            totals.setdefault(voice, {})[one.sha256] = total
    return totals, left_out


def _totals(one: Archived, submission: Submission, entry: Entry, runs: Runs) -> dict[str, float]:
    """Voice -> percent of the points."""
    matching = match_state(submission.state, entry)

    def total(decided: Sequence[Decision]) -> float:
        return judge(submission, entry, runs, decided, matching).total.percent

    own = {
        rater: [d for d in one.decisions if d.author == rater] for rater in sorted({d.author for d in one.decisions})
    }
    return {PROGRAM: total([]), **{named(rater): total(said) for rater, said in own.items()}}


def agreement_of(
    out: Path, bank: Path | None = None, rubrics: Path | None = None, *, totals: bool = True
) -> AgreementReport:
    """
    Agreement in an output folder.

    Args:
        out: What `reviewkit score --out` wrote.
        bank: Bank folder for the totals; None searches as `reviewkit` does.
        rubrics: Folder of the rubrics; None for the bank's own.
        totals: Whether to score again for the ICC of totals.

    Raises:
        UsageError: If the folder holds no scorecards.
        DataError: If a scorecard cannot be read.
    """
    archive = read_archive(out)
    items = [item for one in archive for item in judged(one.card, one.decisions)]
    if not totals or not items:
        return report(items)
    try:
        found = find_bank(bank, rubrics)
    except BankNotFoundError as error:
        return report(items, notes=[f"No totals: {error}"])
    made, left_out = totals_by_voice(archive, found)
    return report(items, made, left_out)
