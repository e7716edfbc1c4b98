"""An output folder as `reviewkit score` leaves it, made once without a sandbox: hidden checks are `not run` in it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import made_submissions as made

from reviewkit.assess import entry_of, match_state, run_all
from reviewkit.bank import find_bank
from reviewkit.batch import publish
from reviewkit.outfolder import OutFolder
from reviewkit.runs import keep
from reviewkit.scoredfile import write_result
from reviewkit.submission import read_submission

BANK = find_bank(made.ROOT)
FILE = "jane-doe-final.ipynb"
CANDIDATE = "cand-4711"
EMPTY = made.SEEN | {"file": "txservice/models.py", "line": 3, "end_line": 3, "severity": "minor", "category": "api",
                     "body": "Amounts are floats here, and sums of money drift away from what was paid.", "why": "", "fix": ""}  # fmt: skip
HOSTILE = made.SEEN | {"body": "<img src=x onerror=alert(1)> \u202etxt \x1b[2J nothing checks the currency"}


def submissions(folder: Path) -> dict[str, Path]:
    """Completed notebooks by the name of their file: one of every kind of open item, one small and hostile."""
    real = folder / FILE
    text = (made.ROOT / "rubrics" / "checkout" / "calibration" / "noisy-1.ipynb").read_text("utf-8")
    real.write_text(text.replace('"candidate": "noisy-1"', f'"candidate": "{CANDIDATE}"'), "utf-8")
    assert CANDIDATE in real.read_text("utf-8")
    small = made.write(folder / "small.ipynb", made.completed(made.review(findings=[made.SEEN, EMPTY, HOSTILE]), folder, candidate="cand-2"))
    return {FILE: real, "small.ipynb": small}


def score_into(out: Path, path: Path) -> str:
    """Score one file without a sandbox, as `score_file` does with one; its hash."""
    folder = OutFolder(out)
    out.mkdir(exist_ok=True)
    submission = read_submission(path)
    entry = entry_of(submission, BANK)
    folder.stage(path.read_bytes(), submission)
    runs = run_all(submission.state, entry, None, match_state(submission.state, entry))
    keep(folder.runs_file(submission.sha256), runs)
    write_result(folder, submission, entry, runs, BANK.rubrics, f"{submission.sha256}.ipynb")
    return submission.sha256


@cache
def scored_once(place: Path) -> Path:
    """The folder that tests copy."""
    out = place / "out"
    names = {score_into(out, path): name for name, path in submissions(place).items()}
    rows = OutFolder(out).scored()
    publish([replace(rows[sha], file=name) for sha, name in names.items()], out)
    return out


def fresh(place: Path, target: Path) -> OutFolder:
    """A copy of the scored folder for one test."""
    return OutFolder(Path(shutil.copytree(scored_once(place), target / "out")))
