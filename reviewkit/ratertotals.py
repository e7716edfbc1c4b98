"""Totals of archived reviews as each rater alone would have made them: the scorer run with one rater's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reviewkit.agreement import PROGRAM, AgreementReport, named, report
from reviewkit.archive import Archived, read_archive
from reviewkit.bank import Bank, BankNotFoundError, find_bank
from reviewkit.case import bank_of, load
from reviewkit.errors import ReviewkitError
from reviewkit.judgements import judged
from reviewkit.scoring import SCORER_VERSION


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
            case = load(one.folder, bank_of(bank, one.card), one.sha256)
        except ReviewkitError as error:
            left_out.append(f"The totals leave out {one.sha256[:12]}: {error}")
            continue
        if case.runs is None or case.entry.rubric.version != one.card.versions.rubric:
            left_out.append(
                f"The totals leave out {one.sha256[:12]}: it was scored with rubric {one.card.versions.rubric} of {case.entry.slug} "
                f"and scorer {one.card.versions.scorer}; here are {case.entry.rubric.version} and {SCORER_VERSION}."
            )
            continue
        totals.setdefault(PROGRAM, {})[one.sha256] = case.card([]).total.percent
        for rater in sorted({decision.author for decision in one.decisions}):
            own = [decision for decision in one.decisions if decision.author == rater]
            totals.setdefault(named(rater), {})[one.sha256] = case.card(own).total.percent
    return totals, left_out


def agreement_lines(out: Path) -> AgreementReport:
    """Agreement in an output folder without what takes time: no alpha, no totals. For the cohort page.

    Raises:
        DataError: If a scorecard cannot be read.
    """
    archive = read_archive(out, decided=True)
    return report([item for one in archive for item in judged(one.card, one.decisions)], alphas=False)


def agreement_of(out: Path, bank: Path | None = None, rubrics: Path | None = None) -> AgreementReport:
    """
    Agreement in an output folder.

    Args:
        out: What `reviewkit score --out` wrote.
        bank: Bank folder for the totals; None searches as `reviewkit` does.
        rubrics: Folder of the rubrics; None for the bank's own.

    Raises:
        UsageError: If the folder holds no scorecards.
        DataError: If a scorecard cannot be read.
    """
    archive = read_archive(out)
    items = [item for one in archive for item in judged(one.card, one.decisions)]
    if not items:
        return report(items)
    try:
        found = find_bank(bank, rubrics)
    except BankNotFoundError as error:
        return report(items, notes=[f"No totals: {error}"])
    made, left_out = totals_by_voice(archive, found)
    return report(items, made, left_out)
