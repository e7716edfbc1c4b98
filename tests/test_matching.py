"""What counts as the same issue, and what can never change that."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rubric import MIDDLING, NOISY, PLACES, RUBRIC, SOURCES, STRONG, remark

from reviewkit import model, pairing, place
from reviewkit.finding import Finding
from reviewkit.matching import Matching, match
from reviewkit.scorecard import Outcome, PairOutcome

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "matching"


def matched(findings: tuple[Finding, ...]) -> Matching:
    return match(findings, RUBRIC, PLACES, SOURCES)


def credited(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {defect: names[0] for defect, names in matched(findings).credits.items()}


def changed(finding: Finding, **fields: object) -> Finding:
    return Finding(**{**{name: getattr(finding, name) for name in Finding.__slots__}, **fields})


NEAR_THE_CALL = ("blocking-call", "card-in-log")
RIGHT = {
    "blocking-call": "a", "stock-race": "b", "swallowed": "c", "card-in-log": "d", "query-per-row": "e", "float-money": "f",
}  # fmt: skip


def test_right_remarks_in_other_words_are_found_and_nothing_else_is() -> None:
    assert credited(STRONG) == RIGHT
    assert credited(NOISY) == {}


def test_order_of_findings_changes_nothing() -> None:
    findings = [*STRONG, *NOISY]
    expected = matched(tuple(findings))
    for seed in range(5):
        random.Random(seed).shuffle(findings)
        assert matched(tuple(findings)) == expected


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda f: changed(f, line=f.line + 1, end_line=f.end_line + 1),
        lambda f: changed(f, line=f.line - 1, end_line=f.end_line - 1),
        lambda f: changed(f, body="  " + f.body.replace(" ", "   ") + "\n\n"),
        lambda f: changed(f, body=f.body.upper()),
    ],
    ids=["a line lower", "a line higher", "white space", "capitals"],
)
def test_small_shifts_and_other_forms_change_no_credit(rewrite: Callable[[Finding], Finding]) -> None:
    assert credited(tuple(rewrite(f) for f in STRONG)) == RIGHT


def test_a_finding_split_in_two_is_still_found_once() -> None:
    first = changed(STRONG[2], why="", fix="")
    second = changed(STRONG[2], id="c2", body=STRONG[2].why, why=STRONG[2].fix, fix="")
    found = matched((*STRONG[:2], first, second))
    assert found.credits["swallowed"][0] in ("c", "c2")
    assert [o for o in (found.outcomes["c"], found.outcomes["c2"]) if o is Outcome.MATCHED] == [Outcome.MATCHED]


def test_a_repeated_finding_is_a_duplicate() -> None:
    again = changed(STRONG[1], id="z")
    found = matched((*STRONG, again))
    assert found.outcomes["b"] is Outcome.MATCHED
    assert found.outcomes["z"] is Outcome.DUPLICATE
    assert found.credits["stock-race"] == ("b", "z")


@pytest.mark.parametrize("at", [d.id for d in RUBRIC.defects if d.id not in NEAR_THE_CALL])
def test_a_right_remark_at_other_lines_is_never_taken_automatically(at: str) -> None:
    found = matched((remark("x", at, STRONG[0].body, STRONG[0].why),))
    assert found.outcomes["x"] is Outcome.PERSON
    assert "blocking-call" not in found.credits


def test_swapping_two_defects_in_the_key_swaps_the_matches() -> None:
    one, other = RUBRIC.defect("card-in-log"), RUBRIC.defect("float-money")
    swapped = {
        one.id: other.model_copy(update={"id": one.id}),
        other.id: one.model_copy(update={"id": other.id}),
    }
    rubric = RUBRIC.model_copy(update={"defects": tuple(swapped.get(d.id, d) for d in RUBRIC.defects)})
    places = {**PLACES, one.id: PLACES[other.id], other.id: PLACES[one.id]}
    found = match(STRONG, rubric, places, SOURCES)
    assert found.credits["card-in-log"] == ("f",)
    assert found.credits["float-money"] == ("d",)


def test_a_remark_that_calls_a_decoy_wrong_is_a_decoy_hit_and_praise_of_it_is_not() -> None:
    body = "Race condition: adding to the quantity is not atomic in the database update"
    assert matched((remark("x", "give-back", body),)).outcomes["x"] in (Outcome.DECOY, Outcome.PERSON)
    good = "Nice, the quantity is added atomically by the database"
    assert matched((remark("x", "give-back", good),)).outcomes["x"] is not Outcome.DECOY


def test_a_look_alike_is_not_the_defect() -> None:
    body = "There is no index on the product column, so the select scans the whole table"
    assert "stock-race" not in matched((remark("x", "stock-race", body),)).credits


def test_one_finding_credits_one_defect_and_its_family() -> None:
    both = changed(
        remark(
            "x", "blocking-call",
            "httpx.post is synchronous and blocks the event loop inside the coroutine. "
            "Only status 402 is handled, a 500 server error of the gateway is taken for success.",
        ),
        end_line=PLACES["no-timeout"][0].last,
    )  # fmt: skip
    alone = {p.target: p.outcome for p in matched((both,)).of_finding("x") if p.outcome is not PairOutcome.NOT_MATCHED}
    assert sorted(alone.values()) == [PairOutcome.MATCHED, PairOutcome.PERSON]
    kin = tuple(d.model_copy(update={"family": "gateway"}) if d.id in alone else d for d in RUBRIC.defects)
    family = match((both,), RUBRIC.model_copy(update={"defects": kin}), PLACES, SOURCES)
    assert sorted(family.credits) == ["blocking-call", "no-timeout"]


@given(st.lists(st.sampled_from(STRONG + NOISY + MIDDLING), max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_more_findings_never_find_less_than_the_guards_say(picked: list[Finding], rng: random.Random) -> None:
    """Adding noise takes no credit away, and adding anything gives none to the noise."""
    base = tuple({f.id: f for f in picked}.values())
    noise = tuple(f for f in NOISY if f.id not in {b.id for b in base})
    shuffled = [*base, *noise]
    rng.shuffle(shuffled)
    assert matched(base).credits == matched(tuple(shuffled)).credits


def test_every_pair_shows_its_terms_and_they_add_up() -> None:
    weights = model.shipped()
    for pair in matched(STRONG).pairs:
        terms = weights.contributions(dict(pair.features), pair.place)
        assert all(term.words for term in terms)
        assert model.probability(sum(t.log_odds for t in terms)) == pytest.approx(pair.probability, abs=2e-3)


def test_no_coefficient_punishes_saying_more() -> None:
    raw = model.shipped().model_dump(mode="json")
    assert min(raw["coefficients"].values()) >= 0
    raw["coefficients"]["kin"] = -0.1
    with pytest.raises(ValueError, match="punish"):
        model.Model.model_validate(raw)


def _calls(work: Callable[[], object]) -> int:
    """Calls of Python functions that something makes: the same number on every machine, however busy."""
    number = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal number
        number += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return number


def test_twelve_findings_against_ten_defects_take_few_steps() -> None:
    """Time is measured in benchmarks/matching/speed.py; what a busy machine cannot change is counted here."""
    more = [
        d.model_copy(update={"id": f"copy-{n}", "title": d.title + f" in part {n}"}) for n, d in enumerate(RUBRIC.defects[:3])
    ]
    rubric = RUBRIC.model_copy(update={"defects": (*RUBRIC.defects, *more)})
    assert len(rubric.defects) == 10
    places = {**PLACES, **{f"copy-{n}": PLACES[d.id] for n, d in enumerate(RUBRIC.defects[:3])}}

    def findings(turn: str, times: int) -> list[Finding]:
        return [changed(f, id=f"{f.id}{n}", body=f"{f.body} Turn {turn} {n}.") for n in range(times) for f in STRONG]

    match(findings("one", 2), rubric, places, SOURCES)
    few, twice = findings("two", 2), findings("three", 4)
    assert len(few) == 12
    calls = _calls(lambda: match(few, rubric, places, SOURCES))
    assert calls < 20_000
    assert _calls(lambda: match(twice, rubric, places, SOURCES)) < 2.3 * calls, "in proportion to the findings"
    assert _calls(lambda: match(few, rubric, places, SOURCES)) < 0.92 * calls, "what was read is not read again"


def _no_place_rule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "_near_guards", lambda *_: [])
    patch.setattr(place, "loc", lambda *_: 1.0)


def _no_margin(patch: pytest.MonkeyPatch) -> None:
    shipped = model.shipped()
    flat = shipped.model_copy(update={"coefficients": {**shipped.coefficients, "margin": 0.0}})
    patch.setattr(model, "shipped", lambda: flat)


def _count_duplicates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outcome, "_missing_", None, raising=False)
    patch.setattr("reviewkit.matching._outcome", lambda *_: Outcome.MATCHED)


@pytest.mark.parametrize(
    ("bug", "seen_by"),
    [
        (_no_place_rule, lambda: test_a_right_remark_at_other_lines_is_never_taken_automatically("query-per-row")),
        (_no_margin, lambda: test_the_margin_is_part_of_every_probability()),
        (_count_duplicates, test_a_repeated_finding_is_a_duplicate),
    ],
    ids=["place rule dropped", "margin dropped", "duplicates counted"],
)
def test_deliberate_bugs_turn_a_test_red(
    monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None], seen_by: Callable[[], None]
) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        seen_by()


def test_the_margin_is_part_of_every_probability() -> None:
    pair = next(p for p in matched(STRONG).pairs if p.finding == "a" and p.target == "no-timeout")
    terms = {t.feature: t.log_odds for t in model.shipped().contributions(dict(pair.features), pair.place)}
    assert terms["margin"] < 0


SEEDED = """
import sys
sys.path.insert(0, "tests")
from made_rubric import PLACES, RUBRIC, SOURCES, STRONG, NOISY
from reviewkit.matching import match
for pair in match((*STRONG, *NOISY), RUBRIC, PLACES, SOURCES).pairs:
    print(pair.finding, pair.target, pair.probability, sorted(pair.features.items()), [g.guard for g in pair.guards])
"""


def test_the_hash_seed_does_not_show() -> None:
    root = Path(__file__).resolve().parents[1]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SEEDED], capture_output=True, text=True, check=True, cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
        ).stdout
        for seed in ("3", "random")
    }  # fmt: skip
    assert len(outputs) == 1


def test_the_shipped_weights_come_from_the_labelled_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit gives the shipped numbers again, held-out measures included."""
    pytest.importorskip("sklearn")
    pytest.importorskip("scipy")
    monkeypatch.syspath_prepend(str(BENCHMARK))
    import evaluate
    import fit
    import labelled

    data = labelled.read_labelled()
    shipped = json.loads((fit.OUT / "matcher.json").read_text(encoding="utf-8"))
    again = fit.weights(data)
    assert again["calibration"] == shipped["calibration"]
    assert again["coefficients"] == pytest.approx(shipped["coefficients"], abs=0.02)
    assert again["text_band"]["accept"] == pytest.approx(shipped["text_band"]["accept"], abs=0.02)
    found = evaluate.nested(data)["all"]
    assert found["auc"] >= 0.978
    assert found["kappa"] >= 0.81
    assert found["decided"] >= 0.85
    assert found["precision"] >= 0.95
    assert found["npv"] >= 0.98
