"""The floor: the same scoring with the same isolation, one submission after another in one process, without any notebook.

No papermill, no IPython, no HTML, no row, no store: each file is read and validated, matched, checked in the sandbox and judged,
and its scorecard written. `python floor.py BANK OUT FOLDER`
"""

from __future__ import annotations

import sys
from pathlib import Path

from reviewkit.assess import assess
from reviewkit.bank import find_bank
from reviewkit.sandbox import open_launcher
from reviewkit.submission import read_submission


def main(bank_folder: str, out: str, folder: str) -> None:
    """Score a folder."""
    bank, cards = find_bank(Path(bank_folder)), Path(out) / "scorecards"
    cards.mkdir(parents=True)
    baseline = None
    with open_launcher() as launcher:
        for path in sorted(Path(folder).iterdir()):
            done = assess(read_submission(path), bank, launcher, baseline)
            baseline = done.runs.baseline
            (cards / f"{done.entry.slug}-{done.submission.sha256[:12]}.json").write_text(done.card.canonical_json(), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
