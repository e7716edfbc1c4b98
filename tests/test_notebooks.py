"""Workbooks equal their sources, and nbval really compares what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reviewkit.bank import find_bank
from reviewkit.build import build, essence

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)


def test_notebooks_are_built_from_the_scenarios() -> None:
    """Run: reviewkit build"""
    assert build(BANK, (), check=True) == []


@pytest.mark.parametrize("slug", BANK.slugs)
def test_the_expected_notebook_is_the_workbook(slug: str) -> None:
    """Cells of tests/expected are those of notebooks/. Run: scripts/expect-notebooks"""

    def cells(path: Path) -> list[tuple[str, str, tuple[str, ...]]]:
        return [item[:3] for item in essence(json.loads(path.read_text("utf-8")))]

    assert cells(ROOT / "tests" / "expected" / f"{slug}.ipynb") == cells(ROOT / "notebooks" / f"{slug}.ipynb")


@pytest.mark.parametrize("slug", BANK.slugs)
def test_a_fresh_workbook_stores_forms_only(slug: str) -> None:
    notebook = json.loads((ROOT / "notebooks" / f"{slug}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            assert "reviewkit-form" in cell["metadata"]["tags"]
            assert set(output["data"]) <= {"application/vnd.reviewkit.form+json", "text/html", "text/plain"}


def test_build_writes_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    bank = find_bank(tmp_path)
    assert build(bank, ("transactions",)) == ["transactions"]
    path = tmp_path / "notebooks" / "transactions.ipynb"
    before = path.stat().st_mtime_ns
    assert build(bank, ("transactions",)) == []
    assert path.stat().st_mtime_ns == before
    path.write_text(path.read_text("utf-8").replace("rk.claims()", "rk.blames()"), "utf-8")
    assert build(bank, ("transactions",), check=True) == ["transactions"]
    assert "rk.blames()" in path.read_text("utf-8")


@pytest.mark.kernel
def test_a_changed_verdict_fails(tmp_path: Path) -> None:
    """One digit of one verdict line is changed: nbval must notice."""
    text = (ROOT / "tests" / "expected" / "transactions.ipynb").read_text("utf-8")
    assert "5 of 5 reports answered 200" in text
    (tmp_path / "wrong.ipynb").write_text(text.replace("5 of 5 reports answered 200", "4 of 5 reports answered 200"), "utf-8")
    options = ["--nbval", "--nbval-sanitize-with", str(ROOT / "tests" / "nbval.cfg"), "--nbval-current-env"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *options, "wrong.ipynb"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "REVIEWKIT_BANK": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout
