"""The command line: exit codes, one-line errors, JSON for scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
    assert [set(row) for row in rows] == [{"slug", "version", "title", "stack", "languages", "minutes"}] * len(rows)
    assert {"checkout", "stock", "ledger", "assistant", "transactions"} <= {row["slug"] for row in rows}
    assert all(language == language.lower() for row in rows for language in row["languages"])


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
        (["bank", "show", "nothing"], 1, "No scenario 'nothing'"),
        (["bank", "list", "--bank", "/nonexistent"], 1, "no scenarios/ folder"),
        (["bank", "schema", "nothing"], 2, "Use one of"),
        (["score", "no-such-file.ipynb"], 2, "there is no such file"),
        (["open", "nothing"], 1, "No scenario 'nothing'"),
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
    assert done.returncode == 1
    assert "--bank" in done.stderr


def test_without_a_bank_unreadable_files_still_get_their_line(tmp_path: Path) -> None:
    (tmp_path / "empty.ipynb").write_bytes(b"")
    (tmp_path / "broken.ipynb").write_bytes(b'{"cells": [')
    done = reviewkit("score", "empty.ipynb", "broken.ipynb", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "empty.ipynb" in done.stdout
    assert "broken.ipynb" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_scoring_notebook_is_there() -> None:
    path = Path(reviewkit("notebook", "score").stdout.strip())
    assert "parameters" in path.read_text("utf-8")


def test_importing_the_package_stays_cheap() -> None:
    """No notebook machinery, no pandas: the candidate's kernel starts fast."""
    code = "import sys, reviewkit.workbook, reviewkit; print(sorted({'nbformat','jsonschema','pandas','papermill','jupyterlab'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
