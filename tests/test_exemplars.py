"""Exemplars: who makes one, what they may do to a match, and what they may never do."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from math import exp
from pathlib import Path

import made_archive as made
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rubric import MIDDLING, NOISY, PLACES, RUBRIC, SCENARIO, SOURCES, STRONG, WEAK, remark, state
from test_scoring import says

from reviewkit import wording
from reviewkit.bank import find_bank
from reviewkit.calibration import labels
from reviewkit.errors import ReviewkitError
from reviewkit.exemplarcollect import Judged, collect, judged_pairs
from reviewkit.exemplarfiles import text_of
from reviewkit.exemplars import EMPTY, MOST_PER_DEFECT, OFF, Exemplar, Exemplars, ExemplarSet, Verdict
from reviewkit.finding import Finding
from reviewkit.matching import Matching, match
from reviewkit.outfolder import OutFolder
from reviewkit.pairing import Pair
from reviewkit.precedent import one_step
from reviewkit.scorecard import PairOutcome, Scorecard
from reviewkit.scoring import score

SLUG = "transactions"
MATCHED, NOT, PERSON = PairOutcome.MATCHED, PairOutcome.NOT_MATCHED, PairOutcome.PERSON
EVERY = (*STRONG, *NOISY)
TEXTS = (
    *(finding.body for finding in EVERY), "This is a problem, please fix it before we merge.",
    "Two buyers read the stock at once and both take the last unit.", "Errors vanish here and nobody hears of them.",
    "The money is wrong by a cent now and then because of the number type.", "Everything here looks correct and safe.",
)  # fmt: skip
DEFECTS = tuple(defect.id for defect in RUBRIC.defects)
THERE = {f.id: f for f in EVERY}


def exemplar(
    text: str, defect: str = "stock-race", verdict: Verdict = "matched", number: int = 1, **more: object
) -> Exemplar:
    fields = {"raters": 2, "rubric": "0.9.0", "text_sha256": "0" * 64, "source": "1" * 64, "use": True} | more
    return Exemplar(number=number, defect=defect, verdict=verdict, text=text, **fields)  # type: ignore[arg-type]


def using(*chosen: Exemplar) -> Exemplars:
    return Exemplars(tuple(e.model_copy(update={"number": at}) for at, e in enumerate(chosen, 1)), "1@x")


def matched(findings: tuple[Finding, ...], exemplars: Exemplars = EMPTY) -> Matching:
    return match(findings, RUBRIC, PLACES, SOURCES, exemplars=exemplars)


def pairs(found: Matching) -> dict[tuple[str, str], Pair]:
    return {(pair.finding, pair.target): pair for pair in found.pairs}


BARE = pairs(matched(EVERY))
CHOSEN = st.lists(
    st.builds(exemplar, st.sampled_from(TEXTS), st.sampled_from(DEFECTS), st.sampled_from(["matched", "not matched"])),
    max_size=8,
)


# --- what they may do
@settings(max_examples=25, deadline=None)
@given(chosen=CHOSEN, text=st.sampled_from(TEXTS), defect=st.sampled_from(DEFECTS))
def test_one_more_taken_remark_only_raises_and_one_more_refused_only_lowers(
    chosen: list[Exemplar], text: str, defect: str
) -> None:
    """And neither touches the pairs of any other item."""
    before = pairs(matched(EVERY, using(*chosen)))
    taken = pairs(matched(EVERY, using(*chosen, exemplar(text, defect))))
    refused = pairs(matched(EVERY, using(*chosen, exemplar(text, defect, "not matched"))))
    for key, pair in before.items():
        assert taken[key].probability >= pair.probability >= refused[key].probability
        if key[1] != defect:
            assert taken[key].probability == pair.probability == refused[key].probability


@settings(max_examples=25, deadline=None)
@given(chosen=CHOSEN)
def test_no_set_silences_a_guard_or_takes_what_the_key_alone_drops(chosen: list[Exemplar]) -> None:
    """Whatever stands in the file: what is taken with it had no guard against it and was no clear miss without it."""
    for key, pair in pairs(matched(EVERY, using(*chosen))).items():
        bare = BARE[key]
        if pair.outcome is MATCHED:
            assert bare.outcome is not NOT
            assert not [hit for hit in bare.guards if hit.guard != "second"]
        if bare.outcome is MATCHED:
            assert pair.outcome is not NOT


def test_without_a_place_nothing_is_taken_whatever_raters_took_before() -> None:
    elsewhere = tuple(replace(f, file=None, line=None, end_line=None) for f in STRONG)
    poison = using(*(exemplar(f.body + " Indeed.", d) for f in STRONG for d in DEFECTS))
    assert not [p for p in matched(elsewhere, poison).pairs if p.outcome is MATCHED]
    moved = tuple(replace(f, file="shop/other.py") for f in STRONG)
    assert not [p for p in matched(moved, poison).pairs if p.outcome is MATCHED and p.kind == "defect"]


def test_generic_words_at_the_right_lines_stay_unmatched_under_a_poisoned_set() -> None:
    text = "This is a problem, please fix it before we merge."
    poison = using(*(exemplar(text + " Now.", defect) for defect in DEFECTS))
    vague = tuple(remark(f"v{at}", defect, text) for at, defect in enumerate(DEFECTS))
    assert not [p for p in matched(vague, poison).pairs if p.outcome is MATCHED]


def test_outcomes_move_by_one_step() -> None:
    assert one_step(MATCHED, NOT) is PERSON
    assert one_step(NOT, MATCHED) is PERSON
    assert {one_step(PERSON, other) for other in PairOutcome} == set(PairOutcome)


def test_a_remark_that_denies_an_exemplar_gains_nothing_by_it() -> None:
    said = "Two buyers can both take the last unit because the check and the decrement are not atomic."
    denied = "Two buyers can never both take the last unit because the check and the decrement are atomic."
    finding = (remark("x", "stock-race", denied),)
    assert (
        pairs(matched(finding, using(exemplar(said))))["x", "stock-race"].probability
        == pairs(matched(finding))["x", "stock-race"].probability
    )


def test_evidence_names_the_closest_exemplars_and_still_adds_up() -> None:
    near = exemplar("Both requests can see enough stock and both decrement it, concurrent buyers win twice.")
    against = exemplar("The function name take says little about stock.", verdict="not matched")
    pair = pairs(matched(STRONG, using(exemplar("Logging could be nicer here."), near, against)))["b", "stock-race"]
    terms = {term.feature: term for term in pair.exemplars}
    assert set(terms) == {"exemplar 2", "exemplar 3"}
    assert terms["exemplar 2"].log_odds > 0 > terms["exemplar 3"].log_odds
    assert "exemplar 2, which raters took" in terms["exemplar 2"].words
    work = state(STRONG)
    card = score(work, SCENARIO, RUBRIC, matched(STRONG, using(near)), ())
    shown = next(p for f in card.findings if f.id == "b" for p in f.pairs if p.target == "stock-race")
    odds = sum(term.log_odds for term in shown.contributions)
    assert shown.probability == pytest.approx(1 / (1 + exp(-odds)), abs=2e-4)
    assert "exemplar 1" in {term.feature for term in shown.contributions}
    assert card.versions.exemplars == "1@x"


# --- a review never meets its own
def test_what_a_review_gave_is_left_out_when_it_is_scored_again() -> None:
    own = [exemplar(f.body, d, text_sha256=wording.prepare(f.text).sha256) for f in STRONG for d in DEFECTS]
    assert matched(STRONG, using(*own)).pairs == matched(STRONG).pairs
    laid_out = [exemplar("  " + f.text.replace(" ", "\n"), d) for f in STRONG for d in DEFECTS]
    assert matched(STRONG, using(*laid_out)).pairs == matched(STRONG).pairs
    assert matched(STRONG, using(*own)).exemplars == "1@x"
    assert matched(NOISY, using(*own)).pairs != matched(NOISY).pairs


def test_they_are_used_from_the_next_version_on() -> None:
    held = ExemplarSet(
        version=4,
        exemplars=(exemplar("A first text.", number=1, rubric="1.2.0"), exemplar("A second one.", number=2, use=False)),
    )
    assert (held.usable("1.2.0").chosen, held.usable("1.2.0").name, held.waiting("1.2.0")) == ((), "none", 1)
    assert held.usable("1.1.9").chosen == ()
    later = held.usable("1.10.0")
    assert [e.number for e in later.chosen] == [1]
    assert later.name.startswith("4@")
    assert held.waiting("1.10.0") == 0


# --- collecting
def judgement(
    text: str, words: tuple[str, ...] = ("matched", "matched"), defect: str = "stock-race", **more: object
) -> Judged:
    finding = remark(f"f{abs(hash(text))}", defect, text)
    fields = {"program": PERSON, "guards": (), "source": "s"} | more
    return Judged(finding, defect, words, **fields)  # type: ignore[arg-type]


def gathered(*said: Judged, known: ExemplarSet | None = None) -> tuple[ExemplarSet, str]:
    made_set, notes = collect(known or ExemplarSet(), said, RUBRIC)
    return made_set, " ".join(notes)


GOOD = "Whoever comes second overwrites what the first one wrote, so units are sold that nobody has."


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (("matched", "matched"), "matched"), (("not matched", "not matched"), "not matched"), (("matched",), None),
        (("matched", "not matched"), None), (("matched", "matched", "not matched"), "matched"),
        (("matched", "matched", "not matched", "not matched"), None), ((), None),
    ],
)  # fmt: skip
def test_two_raters_must_agree_by_majority(words: tuple[str, ...], verdict: str | None) -> None:
    found, notes = gathered(judgement(GOOD, words))
    assert [e.verdict for e in found.exemplars] == ([verdict] if verdict else [])
    assert bool(notes) is (verdict is None)
    assert found.version == (1 if verdict else 0)


def test_what_is_no_reference_is_left_out_with_its_reason() -> None:
    title = RUBRIC.defect("stock-race").title
    cases = {
        "guard fires": judgement(GOOD, guards=("parroted",)),
        "guard fires on": judgement("Looks good to me, this stock code is fine and well designed."),
        "not English": judgement(
            "Der zweite Käufer überschreibt, was der erste geschrieben hat, und das ist nicht gut."
        ),
        "says what a statement": judgement(title),
        "worded like the defect": judgement(title + " Quite so, everywhere in here.", ("not matched",) * 2),
        "longer than": judgement(GOOD + " More words about nothing at all." * 60),
        "no longer has the defect": replace(judgement(GOOD), defect="gone"),
    }
    for reason, said in cases.items():
        found, notes = gathered(said)
        assert found.exemplars == (), reason
        assert reason in notes


def test_near_copies_are_dropped_and_contradictions_too() -> None:
    found, notes = gathered(judgement(GOOD), judgement(GOOD + " Really."))
    assert len(found.exemplars) == 1
    assert "nearly the same" in notes
    found, notes = gathered(judgement(GOOD), judgement(GOOD + " Really.", ("not matched",) * 2))
    assert found.exemplars == ()
    assert "2 left out: contradicts" in notes


def test_a_defect_holds_a_few_the_informative_first_and_order_does_not_matter() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda"]
    texts = [f"Buyers {w} collide {w}ing over {w}ness while {w}ed stock disappears" for w in words]
    said = [judgement(text, program=MATCHED if at < 6 else PERSON) for at, text in enumerate(texts)]
    found, notes = gathered(*said)
    assert len(found.exemplars) == MOST_PER_DEFECT
    assert {e.text for e in found.exemplars} == set(texts[6:])
    assert f"over {MOST_PER_DEFECT} of a defect" in notes
    assert gathered(*reversed(said))[0] == found
    assert [e.number for e in found.exemplars] == list(range(1, MOST_PER_DEFECT + 1))


def test_a_set_only_grows_and_what_a_person_refused_stays_out() -> None:
    first, _ = gathered(judgement(GOOD))
    refused = first.model_copy(update={"exemplars": (first.exemplars[0].model_copy(update={"use": False}),)})
    again, notes = gathered(judgement(GOOD), known=refused)
    assert again is refused
    assert "nearly the same" in notes
    more, _ = gathered(
        judgement("Another thing altogether: the decrement can go below zero under load."), known=refused
    )
    assert (more.version, [e.number for e in more.exemplars]) == (2, [1, 2])


def test_the_file_reads_back_and_names_nobody() -> None:
    found, _ = gathered(judgement(GOOD, source="deadbeef" * 8))
    text = text_of(found)
    assert ExemplarSet.model_validate(yaml.safe_load(text)) == found
    assert "deadbeef" not in text
    assert text.startswith("# Remarks")


def test_pairs_of_a_card_are_those_that_raters_decided() -> None:
    said = [
        says(w, finding="b", defect="stock-race", author=a) for a, w in (("ann", "matched"), ("bob", "not matched"))
    ]
    card = score(state(MIDDLING), SCENARIO, RUBRIC, matched(MIDDLING), (), said)
    (pair,) = judged_pairs(card, [*said, says("false", finding="d")])
    assert (pair.defect, pair.words, pair.program) == ("stock-race", ("matched", "not matched"), MATCHED)
    late = replace(MIDDLING[0], after_exercises=True)
    card = score(state((late,)), SCENARIO, RUBRIC, matched((late,)), (), said)
    assert list(judged_pairs(card, said)) == []


def test_weak_reviews_do_not_become_strong_by_exemplars() -> None:
    """Exemplars of strong reviews leave a weak one where it is."""
    taken = using(*(exemplar(f.body, d) for f in STRONG[:3] for d in DEFECTS[:3]))
    plain, helped = (score(state(WEAK), SCENARIO, RUBRIC, matched(WEAK, e), ()).total.points for e in (EMPTY, taken))
    assert helped == pytest.approx(plain, abs=1)


# --- on a bank
@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A bank with one scenario whose rubric can be changed."""
    for part in ("scenarios", "rubrics"):
        shutil.copytree(
            made.made.ROOT / part / SLUG, tmp_path / "bank" / part / SLUG, ignore=shutil.ignore_patterns("*.ipynb")
        )
    return tmp_path / "bank"


def test_collected_on_one_version_and_used_from_the_next(bank: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hashes = made.archive(out, made.samples(SLUG, 3), SLUG, bank)
    entry = find_bank(bank).entry(SLUG)
    for rater in ("a", "b"):
        said = labels(entry, rater)  # type: ignore[arg-type]
        for review, sha256 in hashes.items():
            made.decide(out, sha256, *(
                made.says(rater, "matched" if d.id in label.defects else "not matched", finding=f"f{at}", defect=d.id)
                for at, label in enumerate(said[review]) for d in entry.rubric.defects
            ))  # fmt: skip
    code, tried, _ = made.run("exemplars", "collect", str(out), "--bank", str(bank), "--dry-run")
    path = bank / "rubrics" / SLUG / "exemplars.yaml"
    assert (code, "Would be written" in tried, path.exists()) == (0, True, False)
    code, said_out, _ = made.run("exemplars", "collect", str(out), "--bank", str(bank), "--json")
    (result,) = json.loads(said_out)
    assert code == 0
    assert result["waiting"] == result["in_all"] == len(result["added"]) > 5
    text = path.read_text("utf-8")
    assert not [name for name in (*hashes, *hashes.values()) if name in text]
    assert find_bank(bank).entry(SLUG).exemplars.chosen == ()
    rubric = bank / "rubrics" / SLUG / "rubric.yaml"
    rubric.write_text(rubric.read_text("utf-8").replace("version: 1.0.0", "version: 1.1.0", 1), "utf-8")
    assert len(find_bank(bank).entry(SLUG).exemplars.chosen) == result["in_all"]
    assert replace(find_bank(bank), use_exemplars=False).entry(SLUG).exemplars == Exemplars(name=OFF)
    again = tmp_path / "again"
    made.archive(again, made.samples(SLUG, 5)[3:], SLUG, bank)
    cards = [Scorecard.model_validate_json(p.read_bytes()) for p in sorted((again / "scorecards").glob("*.json"))]
    assert {card.versions.exemplars.split("@")[0] for card in cards} == {"1"}
    assert any(
        t.feature.startswith("exemplar ") for c in cards for f in c.findings for p in f.pairs for t in p.contributions
    )
    path.write_text("version: x\n", "utf-8")
    code, _, complaint = made.run("exemplars", "collect", str(out), "--bank", str(bank))
    assert (code, "exemplars.yaml" in complaint, "Traceback" in complaint) == (1, True, False)


def test_nothing_of_the_scenario_is_said(tmp_path: Path) -> None:
    made.archive(tmp_path / "out", made.samples(SLUG, 1), SLUG)
    code, _, complaint = made.run("exemplars", "collect", str(tmp_path / "out"), "--scenario", "stock")
    assert (code, "holds nothing of 'stock'" in complaint) == (2, True)


def test_a_switched_off_card_is_refreshed_switched_off(bank: Path, tmp_path: Path) -> None:
    from reviewkit.refresh import refresh

    out = tmp_path / "out"
    (sha256,) = made.archive(out, made.samples(SLUG, 1), SLUG, bank, exemplars=False).values()
    folder = OutFolder(out)
    assert folder.card(folder.scored()[sha256]).versions.exemplars == OFF
    (row,) = refresh(folder, find_bank(bank), [sha256])
    assert folder.card(row).versions.exemplars == OFF


def test_they_improve_the_other_half_of_a_scenario() -> None:
    """The numbers of all scenarios are in benchmarks/matching/README.md; this is the smallest one."""
    sys.path.insert(0, str(made.made.ROOT / "benchmarks" / "matching"))
    try:
        from exemplars import NEXT, halves, judged, measured
    finally:
        sys.path.pop(0)
    from reviewkit.agreement import count

    entry = find_bank(made.made.ROOT).entry(SLUG)
    one, other = halves(entry)
    without, helped = [], []
    for learn, test in ((one, other), (other, one)):
        found, _notes = collect(ExemplarSet(), list(judged(entry, learn)), entry.rubric)
        without += measured(entry, test, EMPTY)
        helped += measured(entry, test, found.usable(NEXT))
    before, after = count(without), count(helped)
    assert after.kappa > before.kappa
    assert after.queued < before.queued
    assert after.false_accepts <= before.false_accepts
    assert after.false_rejects <= before.false_rejects


def test_a_broken_file_is_one_sentence(bank: Path) -> None:
    path = bank / "rubrics" / SLUG / "exemplars.yaml"
    path.write_text("exemplars: [{number: 1}]\n", "utf-8")
    with pytest.raises(ReviewkitError, match=r"exemplars\.yaml"):
        _ = find_bank(bank).entry(SLUG).exemplars
