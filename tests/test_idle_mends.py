"""Code that does nothing mends nothing: what it leaves undone it also does not do wrong, and a check must tell the two apart."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from reviewkit.bank import Entry
from reviewkit.checks import run_hidden_checks
from reviewkit.sandbox import open_launcher
from reviewkit.words import ExerciseKind

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parent.parent
OFTEN = ("assistant",)
"""Most of its checks say that something must not happen; the rest with --full."""
SLUGS = ("assistant", "board", "checkout", "ledger", "stock", "transactions")


def _emptied(source: str) -> str:
    """The same file, and every function of it returns nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
            node.body = [ast.Return(None)]
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize("slug", SLUGS)
def test_code_that_does_nothing_gains_no_check(slug: str, request: pytest.FixtureRequest) -> None:
    if slug not in OFTEN and not request.config.getoption("--full"):
        pytest.skip("with --full")
    entry = Entry(slug, ROOT / "scenarios" / slug, ROOT / "rubrics" / slug)
    mend = next(exercise for exercise in entry.scenario.exercises if exercise.kind is ExerciseKind.MEND)
    paths = {file: entry.folder / "head" / file for file in mend.files if file.endswith(".py")}
    emptied = {file: _emptied(path.read_text("utf-8")) for file, path in paths.items() if path.is_file()}
    assert emptied
    with open_launcher() as launcher:
        found = [asyncio.run(run_hidden_checks(entry, mend.id, edited, launcher, 1)) for edited in ({}, emptied)]
    before = {result.check: result.outcome for result in found[0]}
    mine = {result.check: result for result in found[1]}
    assert [check for check, was in before.items() if was != "passed" and mine[check].outcome == "passed"] == []
    assert any(result.outcome == "failed" for result in mine.values())
