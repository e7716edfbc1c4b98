"""On the five scenarios: what took no work earns nothing by itself, denials are not taken, other words are not lost."""

from __future__ import annotations

import pytest
from bank_remarks import DENIED, OTHER_WORDS
from made_submissions import ROOT
from no_work import ATTACKS, material

from reviewkit.assess import match_state, rubric_places
from reviewkit.bank import find_bank
from reviewkit.finding import Finding
from reviewkit.matching import Matching
from reviewkit.record import ExerciseState, ExplainAnswer, State
from reviewkit.scorecard import GateOutcome, Outcome, PairOutcome, Scorecard
from reviewkit.scoring import score
from reviewkit.words import ExerciseKind

BANK = find_bank(ROOT)
MOST = 0.02
"""Share of the points that a no-work attack may earn without a person."""


def card(slug: str, state: State) -> Scorecard:
    entry = BANK.entry(slug)
    return score(state, entry.scenario, entry.rubric, match_state(state, entry), [])


def said_at(slug: str, defect: str, text: str) -> tuple[Matching, State]:
    """A remark at the first lines of a defect, matched."""
    entry = BANK.entry(slug)
    where = rubric_places(entry.rubric, entry.folder / "head")[defect][0]
    state = State(
        slug=slug, findings=(Finding("x", where.file, "R", where.first, where.last, "major", "correctness", text),)
    )
    return match_state(state, entry), state


def test_there_are_attacks_of_many_kinds_and_they_say_something() -> None:
    assert len(ATTACKS) >= 30
    assert len({kind for kind, _ in ATTACKS.values()}) >= 8
    for slug in BANK.slugs:
        for name, (_kind, make) in ATTACKS.items():
            assert len(make(material(BANK, slug), BANK)) >= 4, (slug, name)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_at_most_two_percent_without_a_person(name: str, request: pytest.FixtureRequest) -> None:
    """On two of the scenarios in turn; with `--full` on each."""
    turn = sorted(ATTACKS).index(name) % len(BANK.slugs)
    slugs = (
        BANK.slugs if request.config.getoption("--full") else [(*BANK.slugs, *BANK.slugs)[turn + at] for at in (0, 2)]
    )
    for slug in slugs:
        total = card(slug, State(slug=slug, findings=ATTACKS[name][1](material(BANK, slug), BANK))).total
        assert total.points <= MOST * total.over, (slug, total.words)


@pytest.mark.parametrize("slug", BANK.slugs)
def test_answers_that_took_no_work_earn_nothing_and_pass_no_gate(slug: str) -> None:
    m = material(BANK, slug)
    texts = (
        m.brief,
        m.description,
        " ".join(m.claims),
        "I would look at the logs, add tests and talk to the team. It depends.",
    )
    exercises = {e.id: e for e in m.entry.scenario.exercises if e.kind is ExerciseKind.EXPLAIN}
    for text in texts:
        state = State(slug=slug, exercises={name: ExerciseState(name, ExplainAnswer(text=text)) for name in exercises})
        result = card(slug, state)
        assert result.total.points <= MOST * result.total.over, text[:60]
        assert {gate.outcome for gate in result.gates} <= {GateOutcome.PERSON}


@pytest.mark.parametrize(("slug", "defect", "text"), DENIED)
def test_a_remark_that_denies_the_flaw_is_never_taken(slug: str, defect: str, text: str) -> None:
    assert said_at(slug, defect, text)[0].credits == {}


@pytest.mark.parametrize(("slug", "defect", "text"), OTHER_WORDS)
def test_a_right_remark_in_other_words_is_matched_or_waits_for_a_person(slug: str, defect: str, text: str) -> None:
    found, state = said_at(slug, defect, text)
    pair = next(pair for pair in found.of_finding("x") if pair.target == defect)
    assert found.outcomes["x"] in (Outcome.MATCHED, Outcome.PERSON)
    if pair.outcome is not PairOutcome.MATCHED:
        assert any(item.finding == "x" for item in card(slug, state).queue)
    assert pair.outcome is not PairOutcome.NOT_MATCHED
