"""Agreement in an output folder: who said what of the same item, and the numbers that come of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import made_archive as made
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rubric import NOISY, STRONG, state, worked
from rich.console import Console
from test_scoring import card, says

from reviewkit.agreement import PROGRAM, report
from reviewkit.archive import read_archive
from reviewkit.bank import find_bank
from reviewkit.batch import publish
from reviewkit.calibration import labels
from reviewkit.cohort import render_cohort
from reviewkit.errors import UsageError
from reviewkit.judgements import Judged, judged
from reviewkit.ratertotals import agreement_of
from reviewkit.row import Row
from reviewkit.scorecard import DecisionKind, GateOutcome, ItemState, PairOutcome
from reviewkit.statsviews import print_agreement
from reviewkit.words import Dimension

SLUG = "transactions"


def of(found: list[Judged], topic: str) -> list[Judged]:
    return [item for item in found if item.topic == topic]


# --- who said what
def test_the_programs_first_word_is_kept_beside_a_raters() -> None:
    """Raters who overturn the program do not change what it is compared by."""
    taken = next(f for f in card(state(STRONG)).findings if f.program_outcome == "matched")
    defect = taken.defects[0]
    overturned = [says("not matched", finding=taken.id, defect=defect, author=who) for who in ("ann", "bob")]
    result = card(state(STRONG), decisions=overturned)
    assert next(d for d in result.defects if d.id == defect).state is ItemState.MISSED
    (item,) = of(judged(result, result.decisions), "match")
    assert (item.program, dict(item.said)) == ("matched", {"ann": "not matched", "bob": "not matched"})
    assert item.level is not None


def test_a_match_that_raters_took_away_stays_in_the_evidence_wherever_it_ranks() -> None:
    """Evidence of what the program said first is never lost, however many pairs rank above it."""
    plain = card(state(STRONG))
    for finding in plain.findings:
        for pair in finding.pairs:
            if pair.program_outcome is not PairOutcome.NOT_MATCHED:
                said = [
                    says("not matched", finding=finding.id, defect=p.target)
                    for p in finding.pairs
                    if p.kind == "defect"
                ]
                after = next(f for f in card(state(STRONG), decisions=said).findings if f.id == finding.id)
                assert pair.target in {p.target for p in after.pairs}


def test_what_a_word_about_a_remark_says_of_its_pairs() -> None:
    """`false` of one rater is `not matched` against a match of the other, and a match is `matched` among remarks."""
    said = [says("matched", finding="n1", defect="float-money"), says("false", finding="n1", author="bob")]
    found = judged(card(state(NOISY)), said)
    assert dict(of(found, "match")[0].said) == {"ann": "matched", "bob": "not matched"}
    assert dict(of(found, "remark")[0].said) == {"ann": "matched", "bob": "false"}


def test_open_items_of_the_program_are_no_word_of_it() -> None:
    nothing, everything = card(state(())), card(worked())
    assert {g.program_outcome for g in nothing.gates} == {GateOutcome.PERSON}
    passed = [g.id for g in everything.gates if g.program_outcome is GateOutcome.PASS]
    said = [says("fail", kind=DecisionKind.GATE, item=gate) for gate in passed]
    assert passed
    assert {item.program for item in judged(nothing, said)} == {None}
    assert {item.program for item in judged(everything, said)} == {"pass"}


def test_understanding_keeps_what_the_program_said() -> None:
    before = {
        i.item: i.program_state for i in card(worked()).dimension(Dimension.UNDERSTANDING).items if i.program_state
    }
    defect = next(d for d, said in before.items() if said is ItemState.CREDITED)
    result = card(worked(), decisions=[says("missed", kind=DecisionKind.UNDERSTANDING, defect=defect)])
    (item,) = of(judged(result, result.decisions), "understanding")
    assert (item.program, item.said["ann"]) == ("credited", "missed")


def test_hints_and_withdrawn_words_are_no_judgements() -> None:
    said = [
        says("given", kind=DecisionKind.HINT, defect="stock-race"),
        says("pass", kind=DecisionKind.GATE, item="isolation", time=1),
        says("withdrawn", kind=DecisionKind.GATE, item="isolation", time=2),
    ]
    assert judged(card(worked()), said) == []


# --- the numbers
def made_items(words: list[tuple[str, str]], topic: str = "gate") -> list[Judged]:
    return [
        Judged(topic, f"{at:064d}", {"ann": one, "bob": other}, "pass", "senior")
        for at, (one, other) in enumerate(words)
    ]


@settings(max_examples=15, deadline=None)
@given(words=st.lists(st.tuples(st.sampled_from(["pass", "fail"]), st.sampled_from(["pass", "fail"])), max_size=9))
def test_any_decisions_make_a_report_without_nan(words: list[tuple[str, str]]) -> None:
    made_report = report(made_items(words), {PROGRAM: {}, "ann": {"1": 1.0}, "bob": {}})
    json.dumps(made_report.as_dict(), allow_nan=False)
    print_agreement(made_report, Console(file=io.StringIO()))


def test_lines_are_per_pair_of_voices_with_n_and_what_was_left_open() -> None:
    items = made_items([("pass", "pass"), ("fail", "pass"), ("fail", "fail"), ("pass", "pass")])
    items.append(Judged("gate", "9" * 64, {"ann": "fail"}, None))
    lines = {(line.one, line.other): line for line in report(items).lines if not line.by}
    assert set(lines) == {(PROGRAM, "ann"), (PROGRAM, "bob"), ("ann", "bob")}
    assert (lines[PROGRAM, "ann"].n, lines[PROGRAM, "ann"].left_open) == (4, 1)
    ours = lines["ann", "bob"].measures["kappa"].value
    assert ours == pytest.approx(references.sklearn_metrics().cohen_kappa_score(list("pffp"), list("ppfp")), abs=1e-4)
    assert {line.value for line in report(items).lines if line.by == "level"} == {"senior"}


def test_icc_needs_ten_reviews() -> None:
    def single(n: int) -> str:
        totals = {
            PROGRAM: {},
            "ann": {str(at): float(at) for at in range(n)},
            "bob": {str(at): at + 1.0 for at in range(n)},
        }
        (found,) = [t for t in report([], totals).totals if t.voices == ("ann", "bob")]
        return found.single.words if found.single.value is None else "told"

    assert "too few reviews: 9" in single(9)
    assert single(10) == "told"


def test_a_rater_who_goes_by_the_programs_name_is_shown_apart() -> None:
    lines = report([Judged("gate", "1" * 64, {PROGRAM: "fail"}, "pass")]).lines
    assert [(line.one, line.other) for line in lines if not line.by] == [(PROGRAM, f"'{PROGRAM}'")]


# --- a folder
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Ten sample reviews, scored, with both labellers' words on the first half as decisions of two raters."""
    out = tmp_path_factory.mktemp("agreement")
    hashes = made.archive(out, made.samples(SLUG, 10), SLUG)
    entry = find_bank(made.made.ROOT).entry(SLUG)
    for rater in ("a", "b"):
        said = labels(entry, rater)  # type: ignore[arg-type]
        for review, sha256 in hashes.items():
            held = [
                made.says(
                    rater, "matched" if defect in label.defects else "not matched", finding=f"f{at}", defect=defect
                )
                for at, label in enumerate(said[review])
                for defect in sorted({d for who in ("a", "b") for d in labels(entry, who)[review][at].defects})  # type: ignore[arg-type]
            ]
            held.append(made.says(rater, "3" if len(review) % 2 else "2", kind="rating", item="communication"))
            made.decide(out, sha256, *held)
    return out, hashes


def test_a_folder_is_reported_with_totals_as_each_rater_would_have_them(folder: tuple[Path, dict[str, str]]) -> None:
    found = agreement_of(folder[0], made.made.ROOT)
    assert (found.reviews, found.raters, found.notes) == (10, ("a", "b"), ())
    assert {line.topic for line in found.lines} == {"match", "rating"}
    totals = {t.voices: t for t in found.totals}
    assert set(totals) == {(PROGRAM, "a"), (PROGRAM, "b"), ("a", "b")}
    both = totals["a", "b"].single
    assert both.n == 10
    assert both.value is not None
    assert 0.5 < (both.low or 0) < both.value <= 1
    assert (totals[PROGRAM, "a"].single.value or 0) < 1
    assert {a.topic for a in found.alphas} == {"match", "rating"}


def test_another_rubric_version_leaves_totals_out_in_words(folder: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    import shutil

    rubrics = tmp_path / "rubrics"
    shutil.copytree(made.made.ROOT / "rubrics" / SLUG, rubrics / SLUG)
    path = rubrics / SLUG / "rubric.yaml"
    path.write_text(path.read_text("utf-8").replace("version: 1.0.0", "version: 1.1.0", 1), "utf-8")
    found = agreement_of(folder[0], made.made.ROOT, rubrics)
    assert len(found.notes) == 10
    assert "rubric 1.0.0" in found.notes[0]
    assert "1.1.0" in found.notes[0]


def test_the_command_prints_tables_and_json(
    folder: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setenv("REVIEWKIT_BANK", str(made.made.ROOT))
    code, said, _ = made.run("agreement", str(folder[0]))
    assert code == 0
    for words in ("the program and a", "a and b", "Krippendorff", "ICC", "95 % intervals"):
        assert words in said, said
    data = json.loads(made.run("agreement", str(folder[0]), "--json")[1])
    assert data["raters"] == ["a", "b"]
    kappas = [p["measures"]["kappa"]["value"] for p in data["pairs"] if p["topic"] == "match" and p["by"] is None]
    assert len(kappas) == 3
    code, _, complaint = made.run("agreement", str(tmp_path))
    assert (code, "holds no scored" in complaint) == (2, True)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "x.json").write_text("[]", "utf-8")
    code, _, complaint = made.run("agreement", str(tmp_path))
    assert (code, complaint.startswith("reviewkit: rows/x.json: is no row")) == (1, True)


def test_without_decisions_it_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made.archive(out, made.samples(SLUG, 1), SLUG)
    code, said, _ = made.run("agreement", str(out))
    assert (code, "no agreement to report" in said) == (0, True)


def test_the_cohort_page_has_a_small_table(folder: tuple[Path, dict[str, str]]) -> None:
    out = folder[0]
    rows = [Row(**json.loads(path.read_text("utf-8"))) for path in sorted((out / "rows").glob("*.json"))]
    publish(rows, out)
    page = (out / "cohort.html").read_text("utf-8")
    assert "Agreement of program and raters" in page
    assert "remark and flaw" in page
    assert "Agreement of program" not in render_cohort(rows)


def test_a_hostile_raters_name_is_shown_as_written(folder: tuple[Path, dict[str, str]]) -> None:
    items = [Judged("gate", "1" * 64, {"<script>\u202e": "fail"}, "pass")]
    from reviewkit.statsviews import cohort_rows

    page = render_cohort([], cohort_rows(report(items)))
    assert page.count("<script>") == 1, "the page's own"
    assert "\u202e" not in page


def test_an_archive_is_read_in_a_fixed_order(folder: tuple[Path, dict[str, str]]) -> None:
    archive = read_archive(folder[0])
    assert [a.sha256 for a in archive] == sorted(folder[1].values())
    assert all(len(a.decisions) > 1 and a.staged.is_file() for a in archive)
    with pytest.raises(UsageError):
        read_archive(folder[0] / "nowhere")
