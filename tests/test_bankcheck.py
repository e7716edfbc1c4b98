"""`bank check` finds each kind of fault in a copy of a real scenario, with its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reviewkit import linters
from reviewkit.bank import Bank, BankNotFoundError, UnknownScenarioError, find_bank
from reviewkit.bankcheck import canary_problems, changed_lines, read_problems
from reviewkit.linters import LinterMissingError

ROOT = Path(__file__).resolve().parent.parent
SLUG = "transactions"


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, tmp_path / part / SLUG)
    return Bank(tmp_path, tmp_path / "rubrics")


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text("utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, "utf-8")


def texts(bank: Bank) -> list[str]:
    return [str(p) for p in read_problems(bank.entry(SLUG)) if p.weight == "error"]


def test_the_untouched_copy_has_no_problem(bank: Bank) -> None:
    assert texts(bank) == []


def test_every_schema_problem_is_told_with_its_line(bank: Bank) -> None:
    rubric = bank.root / "rubrics" / SLUG / "rubric.yaml"
    edit(rubric, lambda t: t.replace("hint_cost:", "hint_price:").replace("severity: major", "severity: awful", 1))
    found = texts(bank)
    assert len(found) >= 2
    line = next(n for n, text in enumerate(rubric.read_text("utf-8").split("\n"), 1) if "severity: awful" in text)
    assert any(f"rubric.yaml:{line}:" in text for text in found)
    assert any("hint_price" in text for text in found)


def test_an_anchor_that_is_gone_names_its_defect(bank: Bank) -> None:
    defect = bank.entry(SLUG).rubric.defects[0]
    first = defect.anchor.strip().split("\n")[0]
    edit(bank.root / "scenarios" / SLUG / "head" / defect.file, lambda t: t.replace(first, "changed_here()"))
    assert any(defect.id in text and "anchor" in text for text in texts(bank))


def test_an_unlisted_changed_file_is_told(bank: Bank) -> None:
    (bank.root / "scenarios" / SLUG / "head" / "extra.py").write_text("x = 1\n", "utf-8")
    assert any("extra.py is changed but not listed" in text for text in texts(bank))


def test_a_guide_without_question_or_hints_for_a_defect_is_told_with_its_line(bank: Bank) -> None:
    guide = bank.root / "rubrics" / "transactions" / "guide.md"
    edit(guide, lambda text: text.replace("### key-reuse (", "### no-such (", 1))
    line = guide.read_text("utf-8").split("\n").index("### no-such (senior, blocker)") + 1
    assert [said.partition("guide.md:")[2] for said in texts(bank)] == [
        "1: error: has no section `### key-reuse (…)`", f"{line}: error: has a section on 'no-such', which the rubric does not have",
    ]  # fmt: skip
    edit(guide, lambda text: text.replace("Ask next:", "Ask then:"))
    assert sum("has no question" in said for said in texts(bank)) == 5


def test_a_comment_with_the_keys_words_is_told_with_its_line(bank: Bank) -> None:
    defect = bank.entry(SLUG).rubric.defects[0]
    driver = bank.root / "scenarios" / SLUG / "harness" / "driver.py"
    edit(driver, lambda t: f"# {defect.sees[0]}\n{t}")
    assert any("driver.py:1: error: shares the words" in text for text in texts(bank))


def test_a_canary_on_the_candidates_side_is_told(bank: Bank) -> None:
    canary = bank.entry(SLUG).rubric.canary
    edit(bank.root / "scenarios" / SLUG / "brief.md", lambda t: t + canary)
    assert [p.file for p in canary_problems(bank)] == [f"scenarios/{SLUG}/brief.md"]


def test_claims_of_one_verdict_only_are_told(bank: Bank) -> None:
    rubric = bank.root / "rubrics" / SLUG / "rubric.yaml"
    edit(
        rubric, lambda t: t.replace('verdict: "true"', 'verdict: "false"').replace("verdict: true", 'verdict: "false"')
    )
    assert any("at least one must be true" in text for text in texts(bank))


def test_changed_lines_counts_both_sides() -> None:
    assert changed_lines("a\nb\nc", "a\nB\nc\nd") == 3


def test_the_bank_is_found_upward_by_variable_and_by_name(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REVIEWKIT_BANK", raising=False)
    assert find_bank(start=bank.root / "scenarios" / SLUG).root == bank.root
    assert find_bank(asked=bank.root).slugs == (SLUG,)
    monkeypatch.setenv("REVIEWKIT_BANK", str(bank.root))
    assert find_bank(start=Path("/")).root == bank.root
    monkeypatch.delenv("REVIEWKIT_BANK")
    with pytest.raises(BankNotFoundError, match="--bank"):
        find_bank(start=Path("/"))
    with pytest.raises(UnknownScenarioError, match="transactions"):
        bank.entry("nothing")


def test_a_linter_that_fails_is_not_taken_for_one_without_remarks(tmp_path: Path) -> None:
    with pytest.raises(LinterMissingError, match=r"json.tool failed \(.*No such file"):
        linters._run(tmp_path, "json.tool", "none.json")
