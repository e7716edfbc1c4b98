"""Promises of the record: strict events, a chain that shows every change, a state that is a fold."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import CLOSED, CONSENT, JOINED, OPENED, SAMPLES, SHARED, SUBMITTED, TIME, chain, remark

from reviewkit.errors import EventError
from reviewkit.event import GENESIS, Event, canonical
from reviewkit.eventdata import DATA, Kind
from reviewkit.fieldtypes import TEXT_MAX
from reviewkit.record import Head, append_event, fold, verify_chain


def test_every_kind_has_a_sample_and_a_model() -> None:
    assert {kind for kind, _ in (CONSENT, SHARED, JOINED, *SAMPLES)} == set(Kind) == set(DATA)


def test_a_chain_links_numbers_and_hashes() -> None:
    events = chain(SAMPLES)
    assert [e.seq for e in events] == list(range(1, len(SAMPLES) + 1))
    assert events[0].prev == GENESIS
    assert all(later.prev == earlier.hash for earlier, later in pairwise(events))
    assert verify_chain(events) == ()


def test_the_hash_is_what_the_document_says() -> None:
    """Anyone can recompute it with a JSON library and SHA-256."""
    import hashlib

    event = chain(SAMPLES)[1]
    fields = json.loads(event.line())
    said = fields.pop("hash")
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == said


def test_data_is_kept_as_sent() -> None:
    """Left-out optional fields stay out: the page mirrors what it sent, and the hash covers it."""
    data = {"id": "f", "file": "a.py", "severity": "nit", "category": "api", "body": "é\u2028x"}
    event = append_event(Head(), op="o", kind="finding.added", data=data, t=TIME)
    assert event.data == data
    assert Event.model_validate_json(event.line()) == event


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("nothing.known", {}),
        ("finding.added", []),
        ("finding.added", {}),
        remark(line="3"),
        remark(line=True),
        remark(line=3.0),
        remark(line=0),
        remark(line=9, end_line=3),
        remark(line=None, end_line=3),
        remark(file=None),
        remark(file="/etc/passwd"),
        remark(file="a/../../b"),
        remark(file="a//b"),
        remark(file="a\nb"),
        remark(file="."),
        remark(severity="huge"),
        remark(category="Security"),
        remark(side="X"),
        remark(body=" \n"),
        remark(body="x" * (TEXT_MAX + 1)),
        remark(body="\ud800"),
        remark(after_exercises="no"),
        remark(score=10),
        remark(finding="a b"),
        ("review.closed", {"by": "me"}),
        ("claim.judged", {"claim": "c1", "verdict": True}),
        ("exercise.answered", {"exercise": "e", "answer": {}}),
        ("exercise.answered", {"exercise": "e", "answer": {"text": "a", "cause": "b"}}),
        ("exercise.answered", {"exercise": "e", "answer": {"order": "abc", "marks": {}}}),
        ("exercise.edited", {"exercise": "e", "file": "../x", "text": ""}),
        ("exercise.run", {"exercise": "e", "results": [{"check": "c", "passed": 1}]}),
        ("verdict.given", {"decision": "approve", "summary": "", "top": ["a", "a"]}),
        ("verdict.given", {"decision": "approve", "summary": "", "top": ["a", "b", "c", "d"]}),
        ("probe.run", {"probe": "p", "tree": "base", "verdict": ""}),
    ],
)
def test_a_wrong_shape_is_refused_in_one_sentence(kind: str, data: Any) -> None:
    with pytest.raises(EventError) as caught:
        append_event(Head(), op="o", kind=kind, data=data, t=TIME)
    text = str(caught.value)
    assert "was not recorded" in text
    assert "\n" not in text
    assert len(text) < 400


def test_a_refusal_repeats_nothing_that_was_sent() -> None:
    with pytest.raises(EventError) as caught:
        append_event(Head(), op="o", kind="finding.added", data=remark(secret_key="SECRET")[1], t=TIME)
    assert "secret" not in str(caught.value).lower()


def test_an_error_crosses_a_process_pool() -> None:
    error = EventError("finding.added", "line: too small")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301


def _changed(event: Event, **fields: object) -> Event:
    return event.model_copy(update=fields)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda e: [*e[:2], _changed(e[2], data=remark(body="other")[1]), *e[3:]], {"edited"}),
        (lambda e: [*e[:2], _changed(e[2], t="2027-01-01T00:00:00.000Z"), *e[3:]], {"edited"}),
        (lambda e: e[:2] + e[3:], {"missing", "broken_chain"}),
        (lambda e: e[1:], {"missing", "broken_chain"}),
        (lambda e: e[:3] + e[2:], {"doubled", "doubled_op", "broken_chain"}),
        (lambda e: [e[1], e[0], *e[2:]], {"missing", "doubled", "broken_chain"}),
    ],
)
def test_every_change_of_a_chain_is_named(change: Any, codes: set[str]) -> None:
    problems = verify_chain(change(chain(SAMPLES)))
    assert {p.code for p in problems} == codes
    assert all(p.is_tampering and p.text.endswith(".") for p in problems)


@given(st.data())
def test_no_single_change_of_a_line_goes_unseen(data: st.DataObject) -> None:
    """Any one value changed anywhere gives a problem, or an event that is none."""
    raw = [json.loads(e.line()) for e in chain(SAMPLES)]
    event = data.draw(st.sampled_from(raw))
    key = data.draw(st.sampled_from(["seq", "t", "op", "prev", "hash"]))
    old = event[key]
    event[key] = old + 1 if key == "seq" else ("1" if old[0] != "1" else "2") + old[1:]
    assert verify_chain([Event.model_validate(e) for e in raw])


def test_the_fold_gives_the_latest_state() -> None:
    state = fold(chain(SAMPLES))
    assert (state.slug, state.version) == ("demo", "1.0.0")
    assert [f.id for f in state.findings] == ["f1"]
    assert state.finding("f1").body == "blocks the event loop"
    assert state.claims["c1"].verdict == "not shown"
    assert state.exercises["mend"].files == {"shop/api.py": "x = 1\n"}
    assert state.exercises["mend"].results[0].check == "paid"
    assert state.exercises["trace"].answer.order == ("router", "repo")  # type: ignore[union-attr]
    assert state.evidence[0].finding == "f1"
    assert state.verdict is not None
    assert state.verdict.top == ("f1",)
    assert state.review_closed
    assert state.submitted
    assert not state.changed_after_submit
    assert state.events_n == len(SAMPLES)
    assert fold([]).events_n == 0


def test_the_order_of_events_decides_what_came_after_the_exercises() -> None:
    """A page that lies about it changes nothing; a finding kept and reworded later is named."""
    late = remark("late", after_exercises=False)
    reworded = remark("f1", "finding.edited", body="now I know")
    state = fold(chain([OPENED, remark("f1"), CLOSED, late, reworded]))
    assert {f.id: f.after_exercises for f in state.findings} == {"f1": False, "late": True}
    assert state.edited_late == {"f1"}


def test_an_edit_whose_first_event_is_lost_still_counts() -> None:
    state = fold(chain([OPENED, remark("f9", "finding.edited")]))
    assert [f.id for f in state.findings] == ["f9"]


def test_the_same_operation_counts_once() -> None:
    events = chain([OPENED, remark("f1")])
    assert fold([*events, events[1]]).events_n == 2


def test_work_after_submit_is_named() -> None:
    assert fold(chain([OPENED, SUBMITTED, remark()])).changed_after_submit
    assert not fold(chain([OPENED, SUBMITTED, OPENED, SUBMITTED])).changed_after_submit


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda s: s.strip())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["added", "edited", "deleted"]), _TEXT), max_size=25))
def test_the_fold_agrees_with_a_plain_dict(steps: list[tuple[str, str, str]]) -> None:
    """Whatever the order of adding, editing and deleting, the state is what a dict would hold."""
    made, expected = [], {}
    for name, verb, body in steps:
        if verb == "deleted":
            made.append(("finding.deleted", {"id": name}))
            expected.pop(name, None)
        else:
            made.append(remark(name, f"finding.{verb}", body=body))
            expected[name] = body
    events = chain(made)
    assert {f.id: f.body for f in fold(events).findings} == expected
    assert verify_chain([Event.model_validate_json(e.line()) for e in events]) == ()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"a": ["\udfff"]}])
def test_what_has_no_canonical_form_is_an_error(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_a_kernel_imports_nothing_slow() -> None:
    """nbformat and jsonschema cost a kernel a second."""
    code = (
        "import sys, reviewkit.journal, reviewkit.record, reviewkit.grants\n"
        "slow = [m for m in sys.modules if m.split('.')[0] in ('nbformat', 'jsonschema', 'jupyter_server', 'tornado')]\n"
        "print(slow)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_agreed_to_is_in_the_state_and_is_no_change_after_submitting() -> None:
    assert fold(chain(SAMPLES)).agreed_to is None
    later = ("consent.given", {**CONSENT[1], "policy_text": "ai-free-1"})
    state = fold(chain([CONSENT, *SAMPLES, later]))
    assert state.agreed_to == "ai-declared-1"
    assert not state.changed_after_submit
