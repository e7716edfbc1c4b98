"""Brings the files of an output folder up to what raters decided since: scorecard, report, row, cohort, CSV, store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reviewkit import decisions, hiring
from reviewkit.bank import Bank
from reviewkit.batch import show_cohort
from reviewkit.blocking import finished
from reviewkit.case import bank_of, load
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row
from reviewkit.scorecard import canonical
from reviewkit.scoredfile import score_file, write_result
from reviewkit.store import save_rows


def stale(folder: OutFolder) -> list[str]:
    """Hashes of the submissions whose files lack a decision that the store has."""
    decided = finished(decisions.everything(folder.store_url))
    hired = finished(hiring.everything(folder.store_url))
    found: list[str] = []
    for sha, row in folder.scored().items():
        said = sorted(canonical(d.model_dump(mode="json")) for d in decided.get(sha, ()))
        known = sorted(canonical(d.model_dump(mode="json")) for d in folder.card(row).decisions) if said else []
        last = hired[sha][-1] if sha in hired else None
        shown = (last.decision, last.author) if last else ("", "")
        if said != known or shown != (row.decision, row.decided_by):
            found.append(sha)
    return found


def refresh(folder: OutFolder, bank: Bank, wanted: Collection[str]) -> list[Row]:
    """Score submissions again with the decisions of the store and rewrite everything made from them.

    What the sandbox said is taken from the folder; where it was said about other versions of program, scorer, scenario
    or rubric, everything is run again.

    Args:
        folder: What `reviewkit score` wrote.
        bank: With rubrics.
        wanted: Hashes of submissions.

    Returns:
        Their rows, in order of the hashes.

    Raises:
        DataError: If the copy of a submission is missing or was changed.
    """
    rows = [_score_again(folder, bank, sha) for sha in sorted(wanted)]
    if rows:
        with folder.locked():
            _publish(folder, rows)
    return rows


def _score_again(folder: OutFolder, bank: Bank, sha256: str) -> Row:
    row = folder.scored()[sha256]
    before = folder.card(row)
    used = bank_of(bank, before)
    case, name = load(folder, used, sha256), row.file
    same_key = before.versions.rubric_sha256 == case.entry.rubric.sha256
    opinion = before.second_opinion if same_key else None
    if case.runs is None:
        staged = folder.staged(sha256)
        return score_file(
            staged, folder.root, bank=bank.root, rubrics=bank.rubrics, name=name, exemplars=used.use_exemplars,
            sentences=used.use_sentences, opinion=opinion,
        )  # fmt: skip
    with folder.locked():
        return write_result(folder, case.submission, case.entry, case.runs, bank.rubrics, name, opinion=opinion)


def _publish(folder: OutFolder, rows: list[Row]) -> None:
    """Rows of the cohort keep their place and the name of their file."""
    fresh = {row.sha256: row for row in rows}
    cohort = [_anew(fresh[r.sha256], r) if r.sha256 in fresh else r for r in folder.cohort()]
    named = {row.sha256 for row in cohort}
    touched = [row for row in cohort if row.sha256 in fresh] + [row for row in rows if row.sha256 not in named]
    finished(save_rows(folder.store_url, touched, folder.root))
    show_cohort(cohort, folder.root)


def _anew(fresh: Row, before: Row) -> Row:
    """A row scored again; whose it is, its file and when it came in are what they were."""
    return replace(fresh, file=before.file, candidate=before.candidate or fresh.candidate, received=before.received)

