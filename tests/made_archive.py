"""An output folder as `reviewkit score` leaves it, made without kernels: sample reviews scored, staged, decided on."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import made_submissions as made

from reviewkit import cli, decisions
from reviewkit.assess import assess, row_of
from reviewkit.bank import find_bank
from reviewkit.calibration import Review, reviews
from reviewkit.collect import write_whole
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row
from reviewkit.runs import keep
from reviewkit.scorecard import Decision, DecisionKind
from reviewkit.store import save_rows
from reviewkit.submission import read_submission


def samples(slug: str, most: int = 100, root: Path = made.ROOT) -> list[tuple[Review, Path]]:
    """The first sample reviews of a scenario that are no gaming."""
    return [(r, folder) for r, folder in reviews(find_bank(root).entry(slug)) if r.kind != "gaming"][:most]


def archive(
    out: Path, chosen: Sequence[tuple[Review, Path]], slug: str, bank: Path = made.ROOT, *, exemplars: bool = True, sentences: bool = False
) -> dict[str, str]:
    """Score reviews into `out`; the candidate of each is its review's id.

    Returns:
        Review id -> hash of its submission.
    """
    found, kept = replace(find_bank(bank), use_exemplars=exemplars, use_sentences=sentences), OutFolder(out)
    inbox = out / "inbox"
    inbox.mkdir(parents=True)
    rows: list[Row] = []
    for review, folder in chosen:
        path = made.write(inbox / f"{review.id}.ipynb", made.completed(review, folder, candidate=review.id, slug=slug))
        submission = read_submission(path)
        done = assess(submission, found, None, ())  # hidden checks take a sandbox and tell nothing here
        card = f"scorecards/{slug}-{done.submission.sha256[:12]}.json"
        write_whole(out / card, done.card.canonical_json().encode())
        row = replace(
            row_of(done, path.name),
            scorecard=card,
            report=card.replace("scorecards/", "reports/").replace(".json", ".html"),
        )
        write_whole(kept.row_file(row.sha256), json.dumps(row.as_dict()).encode())
        rubric = done.entry.rubric
        write_whole(kept.key_file(rubric.sha256), rubric.canonical_json.encode())
        keep(kept.runs_file(row.sha256), done.runs)
        kept.stage(path.read_bytes(), submission)
        rows.append(row)
    asyncio.run(save_rows(OutFolder(out).store_url, rows, out))
    shutil.rmtree(inbox)
    return {row.candidate: row.sha256 for row in rows}


def run(*arguments: str) -> tuple[int, str, str]:
    """The command line in this process: exit code, what it printed, what it complained of."""
    out, complaints = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(complaints), patch.object(sys, "argv", ["reviewkit", *arguments]):
        try:
            cli.main()
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), complaints.getvalue()
    return 0, out.getvalue(), complaints.getvalue()


def says(author: str, outcome: str, *, kind: str = "finding", minute: int = 0, **item: str) -> Decision:
    """One decision."""
    time = f"2026-03-02T11:{minute:02d}:00Z"
    return Decision(kind=DecisionKind(kind), outcome=outcome, author=author, time=time, reason="Read it.", **item)


def decide(out: Path, sha256: str, *said: Decision) -> None:
    """Store decisions about a submission."""
    asyncio.run(decisions.add(OutFolder(out).store_url, sha256, said))
