"""Text without review work earns nothing by itself, and honest remarks are not held back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from made_rubric import (
    MIDDLING,
    NOISY,
    PLACES,
    PROSE,
    RUBRIC,
    SCENARIO,
    SOURCES,
    STRONG,
    all_claims,
    line_of,
    remark,
    state,
)

from reviewkit import guards, model, pairing, wording
from reviewkit.finding import Finding
from reviewkit.matching import Matching, match
from reviewkit.scorecard import Outcome, PairOutcome, Scorecard
from reviewkit.scoring import score
from reviewkit.words import Judgement


def matched(findings: tuple[Finding, ...]) -> Matching:
    return match(findings, RUBRIC, PLACES, SOURCES, prose=PROSE)


def card(findings: tuple[Finding, ...]) -> Scorecard:
    return score(state(findings), SCENARIO, RUBRIC, matched(findings), [])


def hits(finding: Finding, target: str, *others: Finding) -> set[str]:
    pairs = matched((finding, *others)).of_finding(finding.id)
    return {hit.guard for pair in pairs if pair.target == target for hit in pair.guards}


CHECKLIST = (
    "Check error handling, input validation, race conditions, transactions, SQL injection, logging, tests, timeouts, "
    "memory leaks, N+1 queries, naming, duplication and status codes."
)
CLAIMS = (
    "This blocks the event loop and slows other requests down",
    "Possible race condition when two requests update this together",
    "A transaction is missing, so a failure leaves partial data",
    "There is no input validation here",
    "Sensitive data may end up in logs",
    "Queries in a loop are slow",
    "Floats are used for money",
    "Errors are swallowed",
)
ENTRIES = [
    (file, number)
    for file, lines in SOURCES.items()
    for number, line in enumerate(lines, start=1)
    if re.match(r"\s*(async )?def |\s*class ", line)
]
CODE = [
    (file, number, line.strip())
    for file, lines in SOURCES.items()
    for number, line in enumerate(lines, start=1)
    if len(line.strip()) > 25
]


def at(name: str, file: str, first: int, last: int, body: str) -> Finding:
    return Finding(name, file, "R", first, last, "blocker", "correctness", body)


def _names(code: str) -> list[str]:
    return sorted(set(re.findall(r"[a-z_]{4,}", code)))


def attacks() -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Reviews without review work, 30 of them of more than 8 kinds."""
    yield "nothing", ()
    yield "checklist once", (at("a", "shop/pay.py", 1, 40, CHECKLIST),)
    yield "checklist at every function", tuple(at(f"a{n}", f, at_, at_ + 4, CHECKLIST) for n, (f, at_) in enumerate(ENTRIES))
    yield "checklist on every line", tuple(at(f"a{n}", f, row, row, CHECKLIST) for n, (f, row, _) in enumerate(CODE))
    for number, claim in enumerate(CLAIMS):
        yield f"one claim everywhere {number}", tuple(at(f"a{n}", f, row, row + 5, claim) for n, (f, row) in enumerate(ENTRIES))
    yield "claims in turn", tuple(at(f"a{n}", f, row, row + 3, CLAIMS[n % 8]) for n, (f, row) in enumerate(ENTRIES))
    yield "all claims on whole files", tuple(at(f"a{n}", f, 1, len(SOURCES[f]), c) for f in SOURCES for n, c in enumerate(CLAIMS))[:8]
    yield "code handed back", tuple(at(f"a{n}", f, row, row, text) for n, (f, row, text) in enumerate(CODE))
    yield "code called wrong", tuple(at(f"a{n}", f, row, row, f"The line {t} is wrong, change it") for n, (f, row, t) in enumerate(CODE))
    yield "code with neighbours", tuple(
        at(f"a{n}", f, row, row, " ".join(x.strip() for x in SOURCES[f][row - 2 : row + 2])) for n, (f, row, _) in enumerate(CODE)
    )
    yield "names of the code", tuple(
        at(f"a{n}", f, row, row, " ".join(_names(" ".join(SOURCES[f][row - 4 : row + 4]))))
        for n, (f, row, _) in enumerate(CODE)
    )
    yield "names of one line in a sentence", tuple(
        at(f"a{n}", f, row, row, f"Around {' '.join(_names(text))} something is wrong, somebody ought to repair that soon")
        for n, (f, row, text) in enumerate(CODE)
    )
    yield "the description pasted", tuple(at(f"a{n}", f, row, row, PROSE[0]) for n, (f, row) in enumerate(ENTRIES))
    yield "the description denied", tuple(at(f"a{n}", f, row, row, "It is not true: " + PROSE[0]) for n, (f, row) in enumerate(ENTRIES))
    yield "praise at the right places", tuple(
        remark(d.id, d.id, f"Looks good, no {d.sees[0].lower()} here, handled correctly") for d in RUBRIC.defects
    )
    yield "denial at the right places", tuple(
        remark(d.id, d.id, f"I checked that {d.sees[0].lower()} does not happen; this is fine") for d in RUBRIC.defects
    )
    yield "no place at all", tuple(remark(d.id, None, d.sees[0], d.understands[0]) for d in RUBRIC.defects)
    rotated = list(RUBRIC.defects[3:]) + list(RUBRIC.defects[:3])
    yield "right words at other lines", tuple(
        remark(d.id, other.id, d.sees[0], d.understands[0]) for d, other in zip(RUBRIC.defects, rotated, strict=True)
    )
    yield "words of the key at every function", tuple(
        at(f"a{n}", f, row, row + 2, " ".join(d.title for d in RUBRIC.defects)) for n, (f, row) in enumerate(ENTRIES)
    )
    yield "wishes at the right places", tuple(
        remark(d.id, d.id, "Please rename this, add comments and type hints to help readers") for d in RUBRIC.defects
    )
    yield "doubt at the right places", tuple(
        remark(d.id, d.id, "Somebody with more experience ought to look at this part again") for d in RUBRIC.defects
    )
    yield "two words at the right places", tuple(remark(d.id, d.id, "Very bad") for d in RUBRIC.defects)
    yield "symbols", tuple(remark(d.id, d.id, "\u2060\u200b !!! ??? \u200b") for d in RUBRIC.defects)
    yield "fifty copies", tuple(
        remark(f"{d.id}-{n}", d.id, "Something in here breaks when the load is high") for d in RUBRIC.defects for n in range(8)
    )
    yield "noise", NOISY


ATTACKS = dict(attacks())


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 30


@pytest.mark.parametrize("name", ATTACKS)
def test_no_work_earns_at_most_two_percent(name: str) -> None:
    total = card(ATTACKS[name]).total
    assert total.points <= 0.02 * total.over, total.words


@pytest.mark.parametrize("judgement", Judgement)
def test_the_same_answer_to_every_claim_earns_nothing(judgement: Judgement) -> None:
    done = score(state((), claims=all_claims(judgement)), SCENARIO, RUBRIC, matched(()), [])
    assert done.total.points == 0


def test_guards_hold_back_no_honest_review() -> None:
    for finding in (*STRONG, *MIDDLING):
        outcome = matched(STRONG).outcomes[finding.id]
        assert outcome is Outcome.MATCHED, finding


def test_praise_without_a_turn_is_seen_and_a_turn_ends_it() -> None:
    assert guards.praise("Nice use of a context manager.") is not None
    assert guards.praise("No injection here, parameters are bound.") is not None
    assert guards.praise("Nice idea, but the session is never closed.") is None
    assert guards.praise("The response is not properly closed when an error occurs") is None


def test_a_negated_remark_is_never_taken_automatically() -> None:
    for body in (
        "The call does not block the event loop, httpx.post is awaited by the async function",
        "There is no blocking HTTP call inside this coroutine",
    ):
        assert matched((remark("x", "blocking-call", body),)).outcomes["x"] is not Outcome.MATCHED


def test_a_copied_text_counts_only_where_all_copies_point_at_the_same_item() -> None:
    finding = STRONG[4]
    again = at("again", "shop/pay.py", 3, 3, finding.text)
    assert "copies" in hits(finding, "query-per-row", Finding(**{**_fields(again), "body": finding.body, "why": finding.why, "fix": finding.fix}))
    beside = Finding(**{**_fields(finding), "id": "beside"})
    assert "copies" not in hits(finding, "query-per-row", beside)


def _fields(finding: Finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in Finding.__slots__}


def test_too_many_findings_stop_automatic_credit() -> None:
    many = tuple(
        at(f"m{n}", "shop/stock.py", 1, 1, f"Remark number {n} about nothing at all in words {n}") for n in range(guards.MOST_FINDINGS)
    )
    found = matched((*STRONG, *many))
    assert {found.outcomes[f.id] for f in STRONG} == {Outcome.PERSON}
    assert [hit.guard for hit in found.review_guards] == ["volume"]


NOTHING = (
    "Blank lines separate these badly", "Sort the names by their length", "Spelling of a word up there", "Reads like a poem to me",
    "A semicolon would look odd", "Prefer another folder for that", "Quotes differ from the neighbour", "Too wide for my screen",
    "Wants a heading of its own", "Colours of the logo are dated",
)  # fmt: skip


def test_one_right_remark_among_many_that_fit_nothing_waits_for_a_person() -> None:
    """Whatever came first, and however often it is said; two of them, or few others, are no chance."""
    others = tuple(at(f"m{n}", "shop/stock.py", 1, 1, text) for n, text in enumerate(NOTHING))
    right, further = STRONG[0], STRONG[1]
    for findings in ((right, *others[:9]), (*others, right)):
        found = matched(findings)
        assert found.outcomes[right.id] is Outcome.PERSON
        assert found.credits == {}
        assert [hit.guard for hit in found.review_guards] == ["chance"]
        assert any("only 1 of 1" in hit.words for pair in found.of_finding(right.id) for hit in pair.guards)
        assert card(findings).total.points == 0
    twice = replace(right, id="twice")
    assert matched((right, twice, *others)).credits == {}
    assert matched((right, *others[:8])).outcomes[right.id] is Outcome.MATCHED
    assert len(matched((right, further, *others)).credits) == 2


def test_one_open_match_among_many_that_fit_nothing_counts_nothing() -> None:
    """An open match enters the points from a probability on; the only one of a long list may be luck as well."""
    shipped = model.shipped()
    strict = shipped.model_copy(update={"place_band": model.Band(accept=1.0, reject=0.0, rule="nothing is taken")})
    others = tuple(at(f"m{n}", "shop/stock.py", 1, 1, text) for n, text in enumerate(NOTHING))

    def found(findings: tuple[Finding, ...]) -> Matching:
        return match(findings, RUBRIC, PLACES, SOURCES, prose=PROSE, weights=strict)

    def points(findings: tuple[Finding, ...]) -> float:
        return score(state(findings), SCENARIO, RUBRIC, found(findings), []).total.points

    few, many = (STRONG[0], *others[:8]), (STRONG[0], *others)
    (open_match,) = (p for p in found(few).of_finding(STRONG[0].id) if p.probability >= pairing.LIKELY)
    assert open_match.outcome is PairOutcome.PERSON and not open_match.guards and points(few) > 0
    assert [hit.guard for hit in found(many).review_guards] == ["chance"]
    assert points(many) == points((*many, replace(STRONG[0], id="twice"))) == 0


def test_citing_most_of_a_file_stops_automatic_credit_there() -> None:
    carpet = tuple(
        at(f"m{n}", "shop/pay.py", first, first + 5, f"Thing {n} is odd somewhere in this block")
        for n, first in enumerate(range(1, 40, 6))
    )
    found = matched((*STRONG, *carpet))
    assert found.outcomes["a"] is Outcome.PERSON
    assert found.outcomes["b"] is Outcome.MATCHED
    assert [hit.guard for hit in found.review_guards] == ["coverage"]


@pytest.mark.parametrize(
    "body",
    [
        "Der Aufruf blockiert die Ereignisschleife, weil er nicht asynchron ist und alle anderen Anfragen warten",
        "La llamada bloquea el bucle de eventos porque no es asíncrona y las demás peticiones esperan",
        "この呼び出しはイベントループをブロックします",
        "call stop loop all other wait, because not async thing used",
        "While this one talks to the outside, everybody else has to stand in line",
    ],
)
def test_other_languages_and_other_words_wait_for_a_person(body: str) -> None:
    finding = remark("x", "blocking-call", body)
    assert matched((finding,)).outcomes["x"] in (Outcome.PERSON, Outcome.MATCHED)
    queue = card((finding,)).queue
    assert any(item.finding == "x" and item.defect == "blocking-call" for item in queue) or (
        matched((finding,)).outcomes["x"] is Outcome.MATCHED
    )


def test_remarks_in_english_are_not_taken_for_another_language() -> None:
    assert not any(guards.is_foreign(wording.prepare(f.text), frozenset()) for f in STRONG)


@pytest.mark.parametrize(
    ("item", "body"),
    [
        ("query-per-row", "The loop variable shadows an outer name and the database session is global"),
        ("stock-race", "Two blank lines between these statements would read better than a lock of text"),
        ("float-money", "The loop could be a generator expression that sums the prices"),
        ("swallowed", "Hard to follow which failure is meant, the control flow wanders around"),
    ],
)
def test_a_false_remark_at_a_defect_with_some_of_its_words_adds_nothing(item: str, body: str) -> None:
    others = tuple(f for f in STRONG if RIGHT_AT[item] != f.id)
    assert card((*others, remark("x", item, body))).total.points <= card(others).total.points


RIGHT_AT = {"stock-race": "b", "swallowed": "c", "query-per-row": "e", "float-money": "f"}


def test_lines_that_the_change_does_not_have_are_no_place_for_credit() -> None:
    finding = at("x", "shop/none.py", line_of("stock-race"), line_of("stock-race"), STRONG[1].text)
    assert matched((finding,)).outcomes["x"] is not Outcome.MATCHED


@pytest.mark.parametrize(
    ("guard", "target", "finding"),
    [
        ("substance", "float-money", remark("x", "float-money", "Float bad")),
        ("hidden", "float-money", remark("x", "float-money", "Money is kept in float\u200bing point and loses cents")),
        ("breadth", "swallowed", remark("x", "swallowed", CHECKLIST)),
        ("praise", "swallowed", remark("x", "swallowed", "Nice broad except, it hides no error and returns None")),
        ("own words", "card-in-log", remark("x", "card-in-log", "charging card number order id log info")),
        ("parroted", "card-in-log", remark("x", "card-in-log", 'log.info("charging card %s for order %s", card.number, order.id)')),
        ("parroted", "blocking-call", remark("x", "blocking-call", PROSE[0])),
        ("span", "stock-race", at("x", "shop/stock.py", 1, 36, STRONG[1].text)),
        ("place", "stock-race", at("x", "shop/stock.py", 34, 34, STRONG[1].text)),
        ("outside", "stock-race", at("x", "shop/stock.py", 11, 50, STRONG[1].text)),
        ("words", "swallowed", remark("x", "swallowed", "Hard to follow which failure is meant, the control flow wanders around")),
    ],
)  # fmt: skip
def test_each_guard_sees_its_own_kind(guard: str, target: str, finding: Finding) -> None:
    pair = next(p for p in matched((finding,)).of_finding("x") if p.target == target)
    assert pair.outcome is not PairOutcome.MATCHED
    assert guard in {hit.guard for hit in pair.guards}


def _pays(attack: str) -> Callable[[], None]:
    return lambda: test_no_work_earns_at_most_two_percent(attack)


@pytest.mark.parametrize(
    ("guard", "seen_by"),
    [
        ("praise", _pays("denial at the right places")),
        ("own evidence", _pays("names of one line in a sentence")),
        ("place", _pays("right words at other lines")),
        ("place", _pays("no place at all")),
        ("stance", test_a_negated_remark_is_never_taken_automatically),
    ],
)
def test_without_a_guard_a_test_turns_red(
    monkeypatch: pytest.MonkeyPatch, guard: str, seen_by: Callable[[], None]
) -> None:
    whole = pairing._pair

    def unguarded(*args: object) -> pairing.Pair:
        pair = whole(*args)  # type: ignore[arg-type]
        kept = tuple(hit for hit in pair.guards if hit.guard != guard)
        free = pair.outcome is PairOutcome.PERSON and not kept
        outcome = model.shipped().place_band.outcome(pair.probability) if free else pair.outcome
        return replace(pair, guards=kept, outcome=outcome)

    monkeypatch.setattr(pairing, "_pair", unguarded)
    monkeypatch.setattr(guards, "CHANCE_FROM", guards.MOST_READ)  # the attacks are lists: it would hold back what slips through
    with pytest.raises(AssertionError):
        seen_by()
