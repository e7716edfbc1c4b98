"""Scores fail closed, add up, and cannot be raised by saying more of nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rubric import (
    MIDDLING,
    NOISY,
    PLACES,
    RUBRIC,
    SCENARIO,
    SOURCES,
    STRONG,
    WEAK,
    line_of,
    remark,
    state,
    worked,
)

from reviewkit.exercises import longest_common, trace_share
from reviewkit.finding import Finding
from reviewkit.matching import match
from reviewkit.record import Evidence, ExerciseState, ExplainAnswer, State, TraceAnswer, Verdict
from reviewkit.scorecard import (
    CheckResult,
    Decision,
    DecisionKind,
    DimensionResult,
    EvidenceResult,
    GateOutcome,
    ItemState,
    Outcome,
    PutBack,
    Reason,
    Scorecard,
    json_schema,
)
from reviewkit.scoring import score
from reviewkit.words import Dimension, Severity

CHECKS = RUBRIC.exercises["mend"].checks


def card(work: State, checks: Sequence[CheckResult] = (), decisions: Sequence[Decision] = (), **more: object) -> Scorecard:
    found = match(work.findings, RUBRIC, PLACES, SOURCES)
    return score(work, SCENARIO, RUBRIC, found, checks, decisions, **more)  # type: ignore[arg-type]


def points(findings: tuple[Finding, ...], decisions: Sequence[Decision] = ()) -> float:
    return card(state(findings), (), decisions).total.points


def results(*outcomes: str) -> list[CheckResult]:
    return [
        CheckResult(exercise="mend", check=check, title=check, outcome=outcome)  # type: ignore[arg-type]
        for check, outcome in zip(CHECKS, outcomes, strict=True)
    ]


def says(outcome: str, *, author: str = "ann", time: int = 0, kind: DecisionKind = DecisionKind.FINDING, **item: str) -> Decision:
    stamp = f"2026-01-01T00:00:{time:02d}Z"
    return Decision(kind=kind, outcome=outcome, author=author, time=stamp, reason="Read it.", **item)


def changed(finding: Finding, **fields: object) -> Finding:
    return Finding(**{**{name: getattr(finding, name) for name in Finding.__slots__}, **fields})


# --- totals


def test_better_reviews_score_more() -> None:
    strong, middling, weak, noisy, empty = (points(f) for f in (STRONG, MIDDLING, WEAK, NOISY, ()))
    assert strong > middling > weak > noisy >= empty == 0


def test_an_empty_submission_earns_nothing_anywhere() -> None:
    result = card(state(()))
    assert all(dimension.points == 0 for dimension in result.dimensions)
    assert result.total.points == result.total.high == 0
    assert result.gates_outcome is GateOutcome.PERSON


def test_dimensions_add_up_to_the_total_and_items_to_their_dimension() -> None:
    total = card(worked(), results("passed", "passed", "failed", "passed"))
    scored = [d for d in total.dimensions if d.scored]
    assert total.total.points == pytest.approx(sum(d.points for d in scored), abs=1e-3)
    assert total.total.over == sum(d.points_max for d in scored) == 97
    for name in (Dimension.DETECTION, Dimension.UNDERSTANDING, Dimension.CLAIMS, Dimension.MENDING, Dimension.PRIORITISATION):
        dimension = total.dimension(name)
        assert dimension.points == pytest.approx(sum(item.points for item in dimension.items), abs=1e-3)
        assert dimension.points_max == pytest.approx(sum(item.points_max for item in dimension.items), abs=1e-2)
    assert all(item.words for d in total.dimensions for item in d.items)


def test_bounds_hold_the_points() -> None:
    for findings in (STRONG, MIDDLING, NOISY, STRONG + NOISY):
        total = card(state(findings)).total
        assert total.low <= total.points <= total.high
        assert total.interval_low <= total.points <= total.interval_high


@given(st.lists(st.sampled_from(STRONG), unique=True), st.lists(st.sampled_from(NOISY), unique=True), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_noise_and_copies_never_raise_and_order_never_matters(
    right: list[Finding], noise: list[Finding], copies: int
) -> None:
    base = tuple(right)
    again = tuple(changed(f, id=f"{f.id}-again") for f in right[:copies])
    more = (*noise, *again, *base)
    assert points(more) <= points(base)
    assert card(state(more)).canonical_json() == card(state(tuple(reversed(more)))).canonical_json()


@given(st.sampled_from(STRONG), st.integers(0, 25))
@settings(max_examples=25, deadline=None)
def test_widening_a_range_never_raises(finding: Finding, by: int) -> None:
    assert finding.line is not None
    assert finding.last_line is not None
    wide = changed(finding, line=max(1, finding.line - by), end_line=finding.last_line + by)
    assert points((wide,)) <= points((finding,)) + 1e-9


@pytest.mark.parametrize("finding", STRONG, ids=lambda f: f.id)
def test_unrelated_words_after_a_remark_never_raise(finding: Finding) -> None:
    junk = " The weather was lovely on the island, and lunch came with a cold lemonade."
    assert points((changed(finding, body=finding.body + junk),)) <= points((finding,)) + 1e-9


# --- findings and raters


def test_a_rejected_extra_costs_and_a_confirmed_one_counts_capped() -> None:
    extra = remark("x", None, "The gateway address ought to come from settings instead of a literal string.")
    assert card(state((*WEAK, extra))).findings[-1].outcome is Outcome.EXTRA
    base = points((*WEAK, extra))
    assert points((*WEAK, extra), [says("false", finding="x")]) < base
    assert points((*WEAK, extra), [says("extra", finding="x")]) > base
    four = tuple(changed(extra, id=f"x{n}", body=extra.body + f" Version {n} of it.") for n in range(4))
    confirm = [says("extra", finding=f.id) for f in four]
    assert points((*WEAK, *four[:2]), confirm[:2]) == points((*WEAK, *four), confirm)
    assert points((*WEAK, *four), confirm[:2]) < points((*WEAK, *four), confirm)


def test_a_rater_overrides_the_program_and_both_words_stay() -> None:
    result = card(state(STRONG), (), [says("not matched", finding="b", defect="stock-race")])
    defect = next(d for d in result.defects if d.id == "stock-race")
    assert (defect.state, defect.program_state) == (ItemState.MISSED, ItemState.CREDITED)
    finding = next(f for f in result.findings if f.id == "b")
    assert (finding.outcome, finding.program_outcome) == (Outcome.EXTRA, Outcome.MATCHED)
    pair = next(p for p in finding.pairs if p.target == "stock-race")
    assert (pair.outcome, pair.program_outcome) == ("not matched", "matched")
    assert len(result.decisions) == 1


def test_a_queued_match_counts_nothing_until_a_rater_takes_it() -> None:
    odd = remark("x", "stock-race", "Zwei Bestellungen lesen den gleichen Bestand und verkaufen zu viel, weil nichts gesperrt wird")
    waiting = card(state((odd,)))
    assert waiting.total.points == 0
    assert waiting.total.high > 0
    assert any(item.defect == "stock-race" and item.finding == "x" for item in waiting.queue)
    taken = card(state((odd,)), (), [says("matched", finding="x", defect="stock-race")])
    assert next(d for d in taken.defects if d.id == "stock-race").state is ItemState.CREDITED
    assert taken.total.points > 0


def test_raters_who_disagree_leave_it_open_and_a_third_decides() -> None:
    two = [says("matched", finding="b", defect="stock-race"), says("not matched", author="bob", finding="b", defect="stock-race")]
    split = next(d for d in card(state(STRONG), (), two).defects if d.id == "stock-race")
    assert split.state is ItemState.PERSON
    assert split.points == 0
    third = [*two, says("matched", author="cy", finding="b", defect="stock-race")]
    assert next(d for d in card(state(STRONG), (), third).defects if d.id == "stock-race").state is ItemState.CREDITED


def test_the_later_word_of_a_rater_counts_and_the_earlier_one_is_kept() -> None:
    words = [says("not matched", time=1, finding="b", defect="stock-race"), says("matched", time=9, finding="b", defect="stock-race")]
    for order in (words, words[::-1]):
        result = card(state(STRONG), (), order)
        assert next(d for d in result.defects if d.id == "stock-race").state is ItemState.CREDITED
        assert [d.outcome for d in result.decisions] == ["not matched", "matched"]


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "matched", "finding": "a"},
        {"outcome": "false", "finding": "a", "defect": "d"},
        {"outcome": "great", "finding": "a"},
        {"outcome": "pass", "kind": DecisionKind.GATE},
        {"outcome": "5", "kind": DecisionKind.RATING, "item": "communication"},
    ],
)
def test_a_decision_that_says_nothing_known_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"outcome|needs|name a defect"):
        Decision(author="ann", time="2026-01-01T00:00:00Z", reason="x", **fields)  # type: ignore[arg-type]


def test_a_remark_made_after_the_exercises_is_reported_and_not_counted() -> None:
    late = changed(STRONG[1], after_exercises=True)
    result = card(state((late,)))
    assert result.total.points == 0
    assert result.after_exercises == ("stock-race",)


def test_a_hint_costs_its_share() -> None:
    plain = next(d for d in card(state(STRONG)).defects if d.id == "stock-race")
    hint = says("given", kind=DecisionKind.HINT, defect="stock-race")
    hinted = next(d for d in card(state(STRONG), (), [hint]).defects if d.id == "stock-race")
    assert hinted.points == pytest.approx(plain.points * (1 - RUBRIC.hint_cost), abs=1e-3)


# --- dimensions


def test_code_that_keeps_a_check_from_running_gains_nothing_by_it() -> None:
    """The check ran on the unmended change: no points for it, and the interval stays open."""
    before = results("failed", "failed", "failed", "failed")

    def mending(*outcomes: str) -> DimensionResult:
        return card(worked(), results(*outcomes), baseline=before, sandbox="wasi").dimension(Dimension.MENDING)

    failed, kept = mending("passed", "failed", "passed", "passed"), mending("passed", "not_run", "passed", "passed")
    assert kept.scored and kept.points == kept.low == failed.points < kept.high
    assert failed.high == failed.points
    every = mending("not_run", "not_run", "not_run", "not_run")
    assert every.scored and every.points == 0 < every.high
    none = card(worked(), results(*["not_run"] * 4), baseline=before, sandbox="none").dimension(Dimension.MENDING)
    assert (none.scored, none.reason) == (False, Reason.CHECKS_NOT_RUN)  # no sandbox now, one when the change was run


def test_mending_is_unscored_with_a_reason_when_checks_did_not_run() -> None:
    for checks, reason in (
        ([], Reason.CHECKS_NOT_RUN),
        (results("passed", "not_run", "passed", "passed"), Reason.CHECKS_NOT_RUN),
        (results("passed", "error", "passed", "passed"), Reason.CHECKS_ERROR),
        (results("passed", "passed", "passed", "passed")[:3], Reason.CHECKS_MISSING),
    ):
        result = card(worked(), checks)
        mending = result.dimension(Dimension.MENDING)
        assert (mending.scored, mending.reason, mending.points) == (False, reason, 0)
        assert result.total.over == 82
        assert Dimension.MENDING in result.total.unscored
        assert "82 points" in result.total.words


def test_mending_counts_what_was_mended_and_not_what_worked_before() -> None:
    baseline = results("failed", "failed", "failed", "passed")
    same = card(worked(), results("failed", "failed", "failed", "passed"), baseline=baseline)
    assert same.dimension(Dimension.MENDING).points == 0
    two = card(worked(), results("passed", "passed", "failed", "passed"), baseline=baseline)
    assert two.dimension(Dimension.MENDING).points == pytest.approx(10)
    broken = card(worked(), results("passed", "passed", "failed", "crashed"), baseline=baseline)
    assert broken.dimension(Dimension.MENDING).points == pytest.approx(5)
    alone = card(worked(), results("passed", "passed", "failed", "time_limit"))
    assert alone.dimension(Dimension.MENDING).points == pytest.approx(7.5)


def test_an_untouched_mend_earns_nothing_even_if_checks_pass() -> None:
    result = card(state(STRONG), results("passed", "passed", "passed", "passed"))
    assert result.dimension(Dimension.MENDING).points == 0


def test_a_judgement_without_a_reason_counts_half() -> None:
    bare = {name: replace(judged, why="") for name, judged in worked().claims.items()}
    result = card(State(findings=(), claims=bare)).dimension(Dimension.CLAIMS)
    assert result.points == 4
    assert sum(item.points for item in result.items) == pytest.approx(4, abs=1e-3)
    one = card(State(findings=(), claims={**worked().claims, "c1": bare["c1"]})).dimension(Dimension.CLAIMS)
    assert 4 < one.points < 8
    assert "1 without a reason" in one.words


def test_claims_count_above_guessing() -> None:
    assert card(worked()).dimension(Dimension.CLAIMS).points == 8
    work = worked()
    most = {**work.claims}
    del most["c4"]
    some = State(findings=(), claims=most)
    assert 0 < card(some).dimension(Dimension.CLAIMS).points < 8


def test_trace_order_and_marks_count_above_guessing() -> None:
    exercise, key = SCENARIO.exercise("trace"), RUBRIC.exercises["trace"]
    full = TraceAnswer(order=key.order, marks=key.marks)
    assert trace_share(exercise, key, full)[0] == 1
    backwards = TraceAnswer(order=key.order[::-1], marks={})
    assert trace_share(exercise, key, backwards)[0] == 0
    assert trace_share(exercise, key, None) == (0.0, "Not answered.")
    assert 0 < trace_share(exercise, key, TraceAnswer(order=key.order[:3], marks={"begins": "database"}))[0] < 1


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_longest_common_is_symmetric_and_bounded(one: list[str], other: list[str]) -> None:
    length = longest_common(one, other)
    assert length == longest_common(other, one) <= min(len(one), len(other))
    assert longest_common(one, one) == len(one)


def test_evidence_is_a_claim_until_it_was_run_again() -> None:
    work = State(findings=STRONG, evidence=(Evidence("e1", "a", "assert False", "fails"), Evidence("e2", "b", "assert False", "fails")))
    waiting = card(work).dimension(Dimension.PROOF)
    assert (waiting.points, waiting.high) == (0, 4)
    assert {item.state for item in waiting.items} == {ItemState.PERSON}
    names = {f.id: f.defects[0] for f in card(work).findings if f.defects}
    rerun = [
        EvidenceResult(
            finding="a", evidence="e1", head="fails", reference="passes", put_back=(PutBack(defect=names["a"], outcome="fails"),)
        ),
        EvidenceResult(finding="b", evidence="e2", head="fails", reference="fails"),
    ]  # fmt: skip
    scored = card(work, evidence=rerun)
    done = scored.dimension(Dimension.PROOF)
    assert (done.points, done.high) == (2, 2)
    assert scored.evidence == tuple(rerun)
    assert Scorecard.model_validate_json(scored.canonical_json()) == scored


def proof_of(put_back: tuple[PutBack, ...] = (), own: str = "fails", decisions: Sequence[Decision] = (), **outcomes: str) -> tuple[ItemState, str]:
    """State and words of one piece of evidence for the first finding of a strong review."""
    work = State(findings=STRONG, evidence=(Evidence("e1", "a", "assert False", own),))
    result = EvidenceResult.model_validate({"finding": "a", "evidence": "e1", "own": own, "put_back": put_back, **outcomes})
    (item,) = card(work, (), decisions, evidence=[result]).dimension(Dimension.PROOF).items
    return item.state, item.words


def test_a_proof_fails_for_its_own_defect_alone() -> None:
    defect = card(State(findings=STRONG)).findings[0].defects[0]
    told = {"head": "fails", "reference": "passes"}

    def put(outcome: str, of: str = defect) -> tuple[PutBack, ...]:
        return (PutBack.model_validate({"defect": of, "outcome": outcome}),)

    assert proof_of(put("fails"), **told)[0] is ItemState.CREDITED
    for outcome, words in (("passes", "another difference"), ("no_tree", "cannot be put back"), ("flaky", "no clear outcome")):
        state, said = proof_of(put(outcome), **told)
        assert state is ItemState.PERSON
        assert words in said
    state, said = proof_of(put("fails", "some-other"), **told)
    assert state is ItemState.PERSON
    assert "some-other alone is put back" in said


def test_what_cannot_be_decided_about_evidence_waits_for_a_person() -> None:
    for head, reference in (("flaky", "passes"), ("fails", "flaky"), ("error", "error"), ("fails", "error"), ("not_run", "not_run")):
        assert proof_of(head=head, reference=reference)[0] is ItemState.PERSON
    assert proof_of(head="passes", reference="passes")[0] is ItemState.PERSON, "it failed for the candidate"
    assert proof_of(own="passes", head="passes", reference="passes")[0] is ItemState.MISSED
    assert proof_of(head="fails", reference="fails")[0] is ItemState.MISSED
    yes = says("credited", kind=DecisionKind.PROOF, finding="a")
    assert proof_of(head="error", reference="error", decisions=[yes])[0] is ItemState.CREDITED
    no = says("missed", author="bob", kind=DecisionKind.PROOF, finding="a")
    assert proof_of(head="error", reference="error", decisions=[yes, no])[0] is ItemState.PERSON, "raters are split"


def test_evidence_for_a_wrong_finding_proves_nothing() -> None:
    work = State(findings=NOISY, evidence=(Evidence("e1", "n4", "assert False", "fails"),))
    rerun = [EvidenceResult(finding="n4", evidence="e1", head="fails", reference="passes")]
    assert card(work, evidence=rerun).dimension(Dimension.PROOF).points == 0


def test_communication_is_the_raters_alone() -> None:
    assert card(worked()).dimension(Dimension.COMMUNICATION).reason is Reason.NO_RATER
    marks = [says(m, author=a, kind=DecisionKind.RATING, item="communication") for m, a in (("4", "ann"), ("3", "bob"))]
    result = card(worked(), (), marks).dimension(Dimension.COMMUNICATION)
    assert result.points == pytest.approx(3 * 2.5 / 3)


def test_severity_one_level_off_is_free_and_three_off_is_not() -> None:
    def near(severity: str) -> float:
        findings = tuple(changed(f, severity=severity) for f in STRONG if f.id in "abc")
        return card(state(findings)).dimension(Dimension.PRIORITISATION).points

    assert near(Severity.BLOCKER) == near(Severity.MAJOR) > near(Severity.MINOR) > near(Severity.NIT) == 0


def test_the_top_three_count_only_where_they_name_severe_defects_found() -> None:
    good = State(findings=STRONG, verdict=Verdict("block", "", ("a", "b", "c")))
    poor = State(findings=STRONG, verdict=Verdict("block", "", ("f", "missing")))
    best = card(good).dimension(Dimension.PRIORITISATION).points
    assert best > card(poor).dimension(Dimension.PRIORITISATION).points


# --- gates


def test_a_gate_passes_on_an_explanation_and_never_fails_by_itself() -> None:
    assert card(worked()).gates[0].outcome is GateOutcome.PASS
    for text in (
        "",
        "I do not know.",
        "A synchronous call inside a coroutine does not stop the event loop, no other request has to wait.",
        "Looks good, the event loop is handled correctly.",
    ):
        work = State(findings=(), exercises={"explain": ExerciseState("explain", ExplainAnswer(text=text))})
        assert card(work).gates[0].outcome is GateOutcome.PERSON, text


def test_a_gate_is_decided_by_raters() -> None:
    fail = [says("fail", kind=DecisionKind.GATE, item="event-loop")]
    result = card(worked(), (), fail)
    assert result.gates[0].outcome is GateOutcome.FAIL
    assert result.gates[0].program_outcome is GateOutcome.PASS
    assert result.gates_outcome is GateOutcome.FAIL
    split = [*fail, says("pass", author="bob", kind=DecisionKind.GATE, item="event-loop")]
    assert card(worked(), (), split).gates[0].outcome is GateOutcome.PERSON


def test_a_match_that_waits_passes_no_gate() -> None:
    odd = remark("x", "card-in-log", STRONG[0].body + " " + RUBRIC.defect("blocking-call").understands[0])
    far = changed(odd, file="shop/stock.py", line=line_of("stock-race"), end_line=line_of("stock-race"))
    assert card(state((far,))).gates[0].outcome is GateOutcome.PERSON


# --- the queue and the card


def test_the_queue_puts_gates_first_and_then_what_weighs_most() -> None:
    queue = card(state((*NOISY, *MIDDLING))).queue
    assert queue[0].kind is DecisionKind.GATE
    effects = [item.effect for item in queue if item.kind is not DecisionKind.GATE]
    assert effects == sorted(effects, reverse=True)


def test_the_card_is_canonical_and_reads_back() -> None:
    result = card(worked(), results("passed", "passed", "failed", "passed"))
    text = result.canonical_json()
    assert text == card(worked(), results("passed", "passed", "failed", "passed")).canonical_json()
    assert Scorecard.model_validate_json(text) == result
    assert text.endswith("}\n")
    assert text.count("\n") == 1


def test_the_card_fits_its_exported_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(card(worked(), results("passed", "passed", "failed", "passed")).canonical_json())
    jsonschema.Draft202012Validator(json_schema()).validate(document)


def test_the_breakdown_counts_every_planted_defect_once_per_side() -> None:
    rows = card(state(STRONG)).breakdown
    for by in ("level", "domain", "severity"):
        assert sum(row.planted for row in rows if row.by == by) == len(RUBRIC.defects)
        assert sum(row.found for row in rows if row.by == by) == len(STRONG)


SEEDED = """
import sys
sys.path.insert(0, "tests")
from made_rubric import NOISY, PLACES, RUBRIC, SCENARIO, SOURCES, STRONG, worked
from reviewkit.matching import match
from reviewkit.scoring import score
work = worked((*STRONG, *NOISY))
sys.stdout.write(score(work, SCENARIO, RUBRIC, match(work.findings, RUBRIC, PLACES, SOURCES), []).canonical_json())
"""


def test_the_hash_seed_does_not_show_in_a_single_byte() -> None:
    root = Path(__file__).resolve().parents[1]
    cards = {
        subprocess.run(
            [sys.executable, "-c", SEEDED], capture_output=True, text=True, check=True, cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("5", "random")
    }  # fmt: skip
    assert len(cards) == 1
    assert len(cards.pop()) > 10_000


def test_the_interval_reaches_to_explanations_that_nobody_has_read() -> None:
    waiting = [
        (done, item)
        for findings in (STRONG, MIDDLING)
        for done in [card(state(findings))]
        for item in done.queue
        if item.kind is DecisionKind.UNDERSTANDING
    ]
    assert waiting, "a review with open explanations"
    for done, item in waiting:
        assert item.defect is not None
        words = Decision(kind=item.kind, defect=item.defect, outcome="missed", author="r1", time="2026-01-01T00:00:00Z", reason="not explained")
        settled = card(state(STRONG if len(done.findings) == len(STRONG) else MIDDLING), decisions=[words])
        assert settled.total.points == done.total.points
        assert settled.total.interval_high < done.total.interval_high
