"""On a machine without a sandbox nothing is run bare: terminal, exit code, row, scorecard and report all say `not run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import made_submissions as made
import pytest

from reviewkit.cohortgroup import percent
from reviewkit.demo import unchecked
from reviewkit.row import Row

ROOT = made.ROOT
NO_SANDBOX = Path(__file__).with_name("no_sandbox.py")
FILE = "txservice/store.py"


def score(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Score a submission whose mend would leave a file behind if it ever ran."""
    mended = folder / "mend" / FILE
    mended.parent.mkdir(parents=True)
    mended.write_text(f"open({str(folder / 'ran')!r}, 'w')\n", "utf-8")
    made.write(folder / "one.ipynb", made.completed(made.review(mend={"mend": [FILE]}), folder))
    command = [sys.executable, str(NO_SANDBOX), sys.executable, "-m", "reviewkit.cli", "score", str(folder / "one.ipynb")]
    return subprocess.run(
        [*command, "--out", str(folder / "out"), *options], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "no interpreter for level wasi")},
    )  # fmt: skip


@pytest.mark.kernel
def test_it_says_not_run_and_exits_with_one(tmp_path: Path) -> None:
    done = score(tmp_path, "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (row,) = json.loads(done.stdout)
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("not run (1 submission): ")]
    assert "No sandbox on this machine: " in said and "Hidden checks are not run." in said and "Install bubblewrap" in said
    assert not (tmp_path / "ran").exists()
    assert (row["sandbox"], row["unchecked"], row["unscored"]) == ("none", 10, "")
    card = json.loads((tmp_path / "out" / row["scorecard"]).read_text("utf-8"))
    assert card["sandbox"] == "none"
    (mending,) = [part for part in card["dimensions"] if part["dimension"] == "mending"]
    assert (mending["scored"], mending["reason"]) == (False, "checks_not_run")
    html = (tmp_path / "out" / row["report"]).read_text("utf-8")
    assert "10 hidden checks NOT RUN: no sandbox on the machine that scored" in html


def test_each_cause_is_one_line() -> None:
    fine = Row("a.ipynb", "1", total=5.0, over=10.0, sandbox="namespaces")
    busy = Row("b.ipynb", "2", sandbox="landlock", unchecked=1)
    assert unchecked([fine]) == [] and percent(fine) == 50
    (line,) = unchecked([fine, busy])
    assert line.startswith("undecided: b.ipynb: 1 hidden check gave no verdict") and "\n" not in line
    bare = [Row(f"{n}.ipynb", str(n), sandbox="none", unchecked=8) for n in range(2)]
    (line,) = unchecked(bare)
    assert line.startswith("not run (2 submissions): ")
