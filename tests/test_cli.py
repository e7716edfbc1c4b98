"""The command line: exit codes, one-line errors, JSON for scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import made_submissions as made
import pytest

ROOT = Path(__file__).resolve().parent.parent


def reviewkit(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does; PYTHONPATH only where the package is not installed."""
    command = [sys.executable, "-m", "reviewkit.cli", *arguments]
    env = {k: v for k, v in os.environ.items() if k not in ("REVIEWKIT_BANK", "REVIEWKIT_RUBRICS")} | environment
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_help_shows_a_newcomer_where_to_start() -> None:
    done = reviewkit("--help")
    assert done.returncode == 0
    assert "reviewkit demo" in done.stdout
    for verb in ("demo", "score", "open", "bank", "build", "doctor"):
        assert verb in done.stdout


def test_version() -> None:
    from reviewkit import __version__

    assert reviewkit("--version").stdout.strip() == f"reviewkit {__version__}"


def test_bank_list_as_json() -> None:
    rows = json.loads(reviewkit("bank", "list", "--json").stdout)
    assert [set(row) for row in rows] == [{"slug", "version", "title", "stack", "languages", "runs_in", "minutes"}] * len(rows)
    told = {row["slug"]: row["runs_in"] for row in rows}
    assert {"board": "python", "fulfilment": "node", "colleagues": "react", "warehouse": "java"}.items() <= told.items()
    assert {"checkout", "stock", "ledger", "assistant", "transactions"} <= {row["slug"] for row in rows}
    assert all(language == language.lower() for row in rows for language in row["languages"])


def test_bank_list_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = reviewkit("bank", "list").stdout
    assert "runs_in" in shown
    assert "…" not in shown, "no word is cut"
    assert max(map(len, shown.splitlines())) <= 80


def test_bank_show_keeps_the_key_back_unless_asked() -> None:
    plain = reviewkit("bank", "show", "transactions", "--json").stdout
    keyed = json.loads(reviewkit("bank", "show", "transactions", "--json", "--key").stdout)
    assert "key" not in json.loads(plain)
    assert len(keyed["key"]) == keyed["defects"]


@pytest.mark.parametrize("which", ["scenario", "rubric", "scorecard"])
def test_schemas_are_exported(which: str) -> None:
    assert json.loads(reviewkit("bank", "schema", which).stdout)["type"] == "object"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["bank", "show", "nothing"], 2, "No scenario 'nothing'"),
        (["bank", "check", "nothing"], 2, "No scenario 'nothing'"),
        (["build", "nothing"], 2, "No scenario 'nothing'"),
        (["bank", "list", "--bank", "/nonexistent"], 2, "no scenarios/ folder"),
        (["bank", "show", "transactions", "--rubrics", "/nonexistent"], 2, "no such folder of rubrics"),
        (["open", "none.ipynb"], 2, "there is no such notebook"),
        (["open", "transactions", "--folder", "README.md"], 2, "is not a folder"),
        (["open", "transactions", "--candidate", "a b"], 2, "letters, digits"),
        (["score", "README.md", "--jobs", "0"], 2, "--jobs"),
        (["score", "README.md", "--out", "README.md"], 2, "cannot be an output folder"),
        (["score", "docs/images"], 2, "no notebooks in this folder"),
        (["match", "README.md"], 1, "README.md, line 1: is not JSON"),
        (["bank", "schema", "nothing"], 2, "Use one of"),
        (["score", "no-such-file.ipynb"], 2, "there is no such file"),
        (["open", "nothing"], 2, "No scenario 'nothing'"),
        (["match", "no-such.jsonl"], 2, "cannot be read"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(arguments: list[str], code: int, words: str) -> None:
    done = reviewkit(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert words in done.stderr


def test_without_a_bank_the_message_says_how_to_name_one(tmp_path: Path) -> None:
    done = reviewkit("bank", "list", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 2
    assert "--bank" in done.stderr


def test_without_a_bank_unreadable_files_still_get_their_line(tmp_path: Path) -> None:
    (tmp_path / "empty.ipynb").write_bytes(b"")
    (tmp_path / "broken.ipynb").write_bytes(b'{"cells": [')
    done = reviewkit("score", "empty.ipynb", "broken.ipynb", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "empty.ipynb" in done.stdout
    assert "broken.ipynb" in done.stdout
    assert "Traceback" not in done.stderr


def small_bank(folder: Path) -> Path:
    """A bank of the warm-up alone, to be broken."""
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / "transactions", folder / part / "transactions")
    return folder


def test_broken_files_of_a_bank_are_named_with_their_line(tmp_path: Path) -> None:
    bank = small_bank(tmp_path)
    (bank / "scenarios" / "transactions" / "brief.md").unlink()
    (bank / "rubrics" / "transactions" / "rubric.yaml").write_bytes(b"title: \xff")
    done = reviewkit("build", "--check", "--bank", str(bank))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "scenarios/transactions/brief.md: there is no such file" in done.stderr
    done = reviewkit("bank", "show", "transactions", "--bank", str(bank))
    assert "rubrics/transactions/rubric.yaml: is not UTF-8 text (byte 7)" in done.stderr
    (bank / "scenarios" / "transactions" / "scenario.yaml").write_text("a: 1\ntitle: [unclosed\n", "utf-8")
    done = reviewkit("bank", "list", "--bank", str(bank))
    assert done.returncode == 1
    assert "scenario.yaml: is not YAML: line 3: while parsing a flow sequence" in done.stderr


def test_without_rubrics_files_still_get_their_line(tmp_path: Path) -> None:
    bank = small_bank(tmp_path)
    shutil.rmtree(bank / "rubrics")
    (tmp_path / "empty.ipynb").write_bytes(b"")
    made.write(tmp_path / "fine.ipynb", made.completed(made.review(), tmp_path))
    done = reviewkit("score", "empty.ipynb", "fine.ipynb", "--bank", str(bank), cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "unscored (empty): empty.ipynb" in done.stdout
    assert "unscored (no_rubrics): fine.ipynb: the bank has no rubrics" in done.stdout
    assert "--rubrics" in done.stdout


def test_names_that_are_no_text_stay_one_plain_line(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\x1b[31m\nb.ipynb")
    (tmp_path / name).write_bytes(b"")
    done = reviewkit("score", name, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "unscored (empty): a" in done.stdout.splitlines()[0]
    missing = reviewkit("score", "x" + name, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert missing.returncode == 2
    assert "\x1b" not in missing.stderr
    assert len(missing.stderr.splitlines()) == 1


def test_help_names_the_exit_codes_and_cuts_no_sentence() -> None:
    shown = reviewkit("--help").stdout
    assert "Exit codes: 0 fine; 1" in " ".join(shown.split())
    assert "..." not in shown.split("Commands:")[1]
    commands = re.findall(r"^  ([a-z]+)  ", shown.split("Commands:")[1], re.MULTILINE)
    assert commands.index("demo") < commands.index("score") < commands.index("match")


def test_the_table_shows_marks_on_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from reviewkit.demo import show
    from reviewkit.row import Row

    row = Row("a.ipynb", "0" * 64, "c-1", "checkout", total=1.0, over=97, low=0.5, high=2, band="weak", waiting=3, flags=1, marks="edited", tampering=1, report="r.html")
    show([row], Path("out"), Console(width=100))
    shown = capsys.readouterr().out
    assert "marks" in shown
    assert re.search(r"3\s*│\s*! edited\s*│", shown)
    assert "a person must judge" in shown


def test_the_scoring_notebook_is_there() -> None:
    path = Path(reviewkit("notebook", "score").stdout.strip())
    assert "parameters" in path.read_text("utf-8")


def test_importing_the_package_stays_cheap() -> None:
    """No notebook machinery, no pandas: the candidate's kernel starts fast."""
    code = "import sys, reviewkit.workbook, reviewkit; print(sorted({'nbformat','jsonschema','pandas','papermill','jupyterlab'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
