"""Re-scoring: the archive under another rubric or scorer, old and new side by side, with what changed and why."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_archive as made
import pytest
import yaml
from made_submissions import ROOT

from reviewkit import rescore as rescoring
from reviewkit import scoring
from reviewkit.bank import find_bank
from reviewkit.comparison import Comparison
from reviewkit.errors import UsageError
from reviewkit.keydiff import changed_items, changed_whole
from reviewkit.outfolder import OutFolder
from reviewkit.rescore import Rescored, rescore
from reviewkit.sandbox import SandboxUnavailableError
from reviewkit.store import stored

SLUG = "transactions"
NEW = "Nineteen euros and ninety-nine cents become a cent less because the product of a float is cut to an integer"


def changed_rubric(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    change(data)
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), "utf-8")


def rework(data: dict[str, Any]) -> None:
    """A new version in which nearly everything that may change has changed."""
    data["version"] = "1.1.0"
    defects = {defect["id"]: defect for defect in data["defects"]}
    defects["float-cents"]["sees"][0] = NEW
    defects["float-cents"]["severity"] = "major"
    data["defects"] = [defect for defect in data["defects"] if defect["id"] != "nonfinite-amount"]
    added = defects["pool-budget"] | {"id": "pool-per-process", "title": "Every process opens a pool of its own size"}
    data["defects"].append(added)
    data["weights"]["dimensions"] |= {"detection": 38, "mending": 17}
    next(claim for claim in data["claims"] if claim["id"] == "c6")["verdict"] = "true"
    points = next(key for key in data["exercises"].values() if "points" in key)["points"]
    points[0], points[1] = points[1], points[0]
    data["gates"][0]["statement"] += " Again."


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, str]]:
    """A bank of one scenario, three reviews scored with it and decided on, then the rubric reworked."""
    base = tmp_path_factory.mktemp("rescore")
    bank, out = base / "bank", base / "out"
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, bank / part / SLUG, ignore=shutil.ignore_patterns("*.ipynb"))
    hashes = made.archive(out, made.samples(SLUG, 3), SLUG, bank)
    first = next(iter(hashes.values()))
    made.decide(out, first, *(
        made.says(rater, outcome, kind=kind, **item)
        for rater in ("a", "b")
        for kind, outcome, item in (
            ("finding", "matched", {"finding": "f0", "defect": "nonfinite-amount"}),
            ("finding", "matched", {"finding": "f0", "defect": "key-reuse"}),
            ("answer", "credited", {"item": "explain/points/0"}),
            ("answer", "credited", {"item": "explain/points/5"}),
            ("gate", "pass", {"item": "settled-is-a-promise"}),
        )
    ))  # fmt: skip
    changed_rubric(bank / "rubrics" / SLUG / "rubric.yaml", rework)
    return bank, out, hashes


@pytest.fixture
def without_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden checks take seconds each; one test below runs them."""

    def none() -> object:
        raise SandboxUnavailableError("none here")

    monkeypatch.setattr(rescoring, "open_launcher", none)


def everything(out: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(out)): p.read_bytes()
        for p in sorted(out.rglob("*"))
        if p.is_file() and "store.sqlite" not in p.name
    }


@pytest.fixture(scope="module")
def done(archive: tuple[Path, Path, dict[str, str]]) -> tuple[Rescored, dict[str, bytes]]:
    """The archive scored again once, and what lay in the folder before."""
    bank, out, _ = archive
    before = everything(out)
    with pytest.MonkeyPatch.context() as patch:

        def none() -> object:
            raise SandboxUnavailableError("none here")

        patch.setattr(rescoring, "open_launcher", none)
        return rescore(out, "1.1.0", find_bank(bank)), before


def of(result: Rescored, sha256: str) -> Comparison:
    return next(one for one in result.comparisons if one.sha256 == sha256)


def test_nothing_old_is_touched_and_everything_new_lies_beside_it(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]]
) -> None:
    _bank, out, hashes = archive
    result, before = done
    after = everything(out)
    assert {name: after[name] for name in before} == before
    assert result.folder == out / "rescored" / f"rubric-1.1.0-scorer-{scoring.SCORER_VERSION}"
    fresh = {name for name in after if name not in before}
    assert all(name.startswith("rescored/rubric-1.1.0-scorer-") or name == ".lock" for name in fresh)
    for sha256 in hashes.values():
        for part in ("scorecards", "reports"):
            assert (
                result.folder / part / f"{SLUG}-{sha256[:12]}.{'json' if part == 'scorecards' else 'html'}"
            ).is_file()
    assert {c.old.rubric for c in result.comparisons} == {"1.0.0"}
    assert {c.new.rubric for c in result.comparisons} == {"1.1.0"}
    page = (result.folder / "comparison.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert "<script" not in page
    for one in result.comparisons:
        assert (result.folder / one.report_old).resolve().parent == out / "reports"
        assert (result.folder / one.report_new).is_file()


def test_what_holds_for_all_is_said_once(done: tuple[Rescored, dict[str, bytes]]) -> None:
    words = " ".join(done[0].comparisons[0].versions)
    for part in (
        "rubric 1.0.0 -> 1.1.0", "detection counts 38 points instead of 40", "mending counts 17 points instead of 15",
        "flaw 'pool-per-process' was added", "flaw 'nonfinite-amount' was removed",
    ):  # fmt: skip
        assert part in words


def test_each_change_names_its_reason(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]]
) -> None:
    for one in done[0].comparisons:
        flaws = {change.item: change for change in one.changes if change.kind == "flaw"}
        assert (flaws["nonfinite-amount"].after, "removed" in flaws["nonfinite-amount"].why) == ("not in the key", True)
        assert (flaws["pool-per-process"].before, "new in the rubric" in flaws["pool-per-process"].why) == (
            "not in the key",
            True,
        )
        if "float-cents" in flaws:
            assert "severity is 'major' instead of 'blocker'" in flaws["float-cents"].why
            assert f"`sees 1` is new: {NEW!r}" in flaws["float-cents"].why
        assert all(change.why for change in one.changes)
        claim = next((change for change in one.changes if change.kind == "claim"), None)
        if claim is not None:
            assert "the key says 'true' instead of 'not shown'" in claim.why
        dimensions = {change.item: change.why for change in one.changes if change.kind == "dimension"}
        assert "worth 38 points instead of 40" in dimensions["detection"]
    assert any("float-cents" in {c.item for c in one.changes} for one in done[0].comparisons)


def test_the_statement_that_is_responsible_is_quoted(done: tuple[Rescored, dict[str, bytes]]) -> None:
    whys = [
        c.why
        for one in done[0].comparisons
        for c in one.changes
        if c.kind in ("flaw", "remark") and "closest to" in c.why
    ]
    assert whys
    assert any("now matched at" in why or "now not matched at" in why or "now needs a person at" in why for why in whys)


def test_decisions_carry_over_where_their_item_still_asks_the_same(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]]
) -> None:
    result, _ = done
    first = next(iter(archive[2].values()))
    notes = [change.why for change in of(result, first).changes if change.kind == "decision"]
    assert notes == [
        "No longer applied: decisions on 'nonfinite-amount', which the rubric no longer has.",
        "No longer applied: decisions on answer 'explain/points/0', whose statement is another one now.",
        "Still applied, look again: the statement of gate 'settled-is-a-promise' was reworded.",
    ]
    card = json.loads((result.folder / "scorecards" / f"{SLUG}-{first[:12]}.json").read_text("utf-8"))
    kept = {(d["kind"], d["defect"] or d["item"]) for d in card["decisions"]}
    assert kept == {("finding", "key-reuse"), ("answer", "explain/points/5"), ("gate", "settled-is-a-promise")}
    assert card["gates_outcome"] == "pass"


def test_the_store_gets_rows_beside_the_old_ones(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]]
) -> None:
    import asyncio

    rows = asyncio.run(stored(OutFolder(archive[1]).store_url))
    versions = sorted((row["sha256"], row["rubric_version"]) for row in rows)
    assert versions == sorted((sha, version) for sha in archive[2].values() for version in ("1.0.0", "1.1.0"))


def test_csv_has_a_safe_line_for_each(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]]
) -> None:
    with (done[0].folder / "comparison.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert {line["sha256"] for line in lines} == set(archive[2].values())
    assert all(line["rubric_old"] == "1.0.0" and "removed from the rubric" in line["why"] for line in lines)


def test_again_gives_the_same_and_keeps_it(
    archive: tuple[Path, Path, dict[str, str]], done: tuple[Rescored, dict[str, bytes]], without_sandbox: None
) -> None:
    bank, out, _ = archive
    before = everything(out)
    again = rescore(out, "1.1.0", find_bank(bank))
    assert (again.folder, again.repeated, again.comparisons) == (done[0].folder, True, done[0].comparisons)
    assert everything(out) == before
    assert not list((out / "rescored").glob(".new-*"))


def test_other_results_of_the_same_versions_get_a_number(
    archive: tuple[Path, Path, dict[str, str]],
    done: tuple[Rescored, dict[str, bytes]],
    without_sandbox: None,
    tmp_path: Path,
) -> None:
    """A decision taken since changes the result, and not the folder that is there."""
    bank, source, hashes = archive
    out = shutil.copytree(source, tmp_path / "out")
    second = list(hashes.values())[1]
    made.decide(out, second, made.says("a", "matched", finding="f0", defect="pool-per-process", minute=5))
    before = everything(out)
    again = rescore(out, "1.1.0", find_bank(bank))
    assert again.folder.name.endswith("-2")
    after = everything(out)
    assert {name: after[name] for name in before} == before


def test_a_new_scorer_with_the_same_rubric(
    archive: tuple[Path, Path, dict[str, str]], without_sandbox: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bank, source, hashes = archive
    out = shutil.copytree(source, tmp_path / "out")
    shutil.rmtree(out / "rescored", ignore_errors=True)
    bank = tmp_path / "bank"
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, bank / part / SLUG, ignore=shutil.ignore_patterns("*.ipynb"))
    for module in (scoring, rescoring):
        monkeypatch.setattr(module, "SCORER_VERSION", "99.0.0")
    result = rescore(out, "1.0.0", find_bank(bank))
    assert result.folder.name == "rubric-1.0.0-scorer-99.0.0"
    undecided = of(result, list(hashes.values())[1])
    assert undecided.versions == (f"scorer {undecided.old.scorer} -> 99.0.0",)
    assert (undecided.changes, undecided.moved) == ((), 0.0)
    decided = of(result, next(iter(hashes.values())))
    assert any("decided since by a, b" in change.why for change in decided.changes)


def test_a_version_that_the_bank_does_not_have_is_said(archive: tuple[Path, Path, dict[str, str]]) -> None:
    bank, out, _ = archive
    code, said, complaint = made.run("rescore", str(out), "--rubric-version", "2.0.0", "--bank", str(bank))
    assert (code, said) == (2, "")
    assert "No rubric of version 2.0.0" in complaint
    assert "its rubric in the bank is 1.1.0, not 2.0.0" in complaint
    with pytest.raises(UsageError, match="Nothing of stock was scored here"):
        rescore(out, "1.1.0", find_bank(bank), ["stock"])


def test_a_submission_that_cannot_be_scored_again_is_a_sentence_and_its_neighbours_go_on(
    archive: tuple[Path, Path, dict[str, str]], without_sandbox: None, tmp_path: Path
) -> None:
    bank, source, hashes = archive
    out = shutil.copytree(source, tmp_path / "out")
    gone, *others = sorted(hashes.values())
    (out / "staged" / f"{gone}.ipynb").unlink()
    code, said, complaint = made.run("rescore", str(out), "--rubric-version", "1.1.0", "--bank", str(bank), "--json")
    data = json.loads(said)
    assert (code, complaint) == (1, "")
    assert {one["sha256"] for one in data["comparisons"]} == set(others)
    assert gone[:12] in data["failed"][0]
    assert "copy of this submission is gone" in data["failed"][0]


def test_without_the_old_rubric_the_reasons_say_so(
    archive: tuple[Path, Path, dict[str, str]], without_sandbox: None, tmp_path: Path
) -> None:
    bank, source, _ = archive
    out = shutil.copytree(source, tmp_path / "out")
    shutil.rmtree(out / "keys")
    result = rescore(out, "1.1.0", find_bank(bank))
    whys = " ".join(change.why for one in result.comparisons for change in one.changes)
    assert "the old rubric was not kept" in whys


def test_differences_of_rubrics_are_sentences() -> None:
    old = find_bank(ROOT).entry(SLUG).rubric
    assert (changed_items(old, old), changed_whole(old, old)) == ({}, [])
    other = old.defects[0].model_copy(
        update={"mends": (*old.defects[0].mends, "Use integers of minor units all the way.")}
    )
    new = old.model_copy(update={"defects": (other, *old.defects[1:]), "hint_cost": 0.25})
    assert changed_items(old, new) == {
        other.id: [f"`mends {len(other.mends)}` is new: 'Use integers of minor units all the way.'"]
    }
    assert changed_whole(old, new) == ["a hint costs 0.25 of a flaw's points instead of 0.5"]


@pytest.mark.sandbox
def test_hidden_checks_run_again(
    archive: tuple[Path, Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive was scored without a sandbox; scored again with one, the mended files earn what they should, and it says why."""
    monkeypatch.setenv("COLUMNS", "200")
    bank, source, hashes = archive
    out = shutil.copytree(source, tmp_path / "out")
    keep = next(iter(hashes.values()))
    for sha256 in hashes.values():
        if sha256 != keep:
            (out / "rows" / f"{sha256}.json").unlink()
    code, said, complaint = made.run("rescore", str(out), "--rubric-version", "1.1.0", "--bank", str(bank))
    assert (code, complaint) == (0, "")
    assert "What changed and why" in said
    folder = out / "rescored" / f"rubric-1.1.0-scorer-{scoring.SCORER_VERSION}-2"
    folder = folder if folder.is_dir() else folder.with_name(folder.name.removesuffix("-2"))
    (one,) = json.loads((folder / "comparison.json").read_text("utf-8"))["comparisons"]
    checks = [change for change in one["changes"] if change["kind"] == "check"]
    assert {change["before"] for change in checks} == {"not_run"}
    assert "passed" in {change["after"] for change in checks}
