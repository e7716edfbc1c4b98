"""Marks between files: another's record, one candidate twice, copied words, look-alike names; blind to the order of files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hostile_files as hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewkit.batchmarks import Identity, Lying, batch_marks, from_plain, identity_of, plain, skeleton
from reviewkit.submission import parse_submission

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def lying(document: dict[str, Any], name: str = "a.ipynb", received: int = 1, *names: str) -> Lying:
    return Lying(identity_of(parse_submission(hostile.stored(document), Path(name))), (name, *names), received)


def marks(*items: Lying) -> dict[str, list[str]]:
    """Codes by candidate and receipt."""
    found = batch_marks(items, NOW)
    assert found == batch_marks(reversed(items), NOW), "the order of files makes no difference"
    assert all(mark.words.isprintable() and mark.words.endswith(".") for each in found.values() for mark in each)
    return {item.names[0]: [mark.code for mark in found.get(item.identity.sha256, ())] for item in items}


def words(*items: Lying) -> list[str]:
    found = batch_marks(items, NOW)
    return [" ".join(mark.words for mark in found.get(item.identity.sha256, ())) for item in items]


LONG = (
    "The retry repeats a payment that has already been stored, because nothing identifies the report.",
    "The limit of the query is taken from the caller and has no upper bound, so one call reads the whole table.",
    "The amount is a float, so that a thousand payments no longer add up to what was really paid by the customers.",
)


def review(*bodies: str) -> list[tuple[str, dict[str, Any]]]:
    return [hostile.finding(n, body=body, why="", fix="") for n, body in enumerate(bodies)]


def test_strangers_have_no_marks() -> None:
    one = lying(hostile.notebook(review(LONG[0]), "c-1"), "a.ipynb")
    other = lying(hostile.notebook(review(LONG[1]), "c-2"), "b.ipynb")
    assert batch_marks([one, other], NOW) == {}


def test_another_candidates_record_is_named_on_both() -> None:
    mine = hostile.notebook(review(LONG[0]), "c-1")
    stolen = json.loads(json.dumps(mine))
    stolen["metadata"]["reviewkit"]["record"]["candidate"] = "c-2"
    renamed = json.loads(json.dumps(stolen))
    renamed["metadata"]["reviewkit"]["record"]["id"] = "other"
    for copy in (stolen, renamed):
        found = marks(lying(mine, "a.ipynb"), lying(copy, "b.ipynb"))
        assert all("same_record" in codes for codes in found.values())


def test_a_record_with_most_events_taken_over_is_found() -> None:
    """Also when the first one and the last one are the thief's own."""
    mine = hostile.notebook([hostile.finding(n, body=f"{LONG[n % 3]} {n}") for n in range(250)], "c-1")
    stolen = json.loads(json.dumps(mine))
    record = stolen["metadata"]["reviewkit"]["record"]
    record.update(candidate="c-2", id="other")
    record["events"] = record["events"][1:-40]
    found = marks(lying(mine, "a.ipynb"), lying(stolen, "b.ipynb"))
    assert all("same_record" in codes for codes in found.values())


def test_copied_words_are_found_in_a_record_of_ones_own() -> None:
    mine = lying(hostile.notebook(review(*LONG), "c-1"), "a.ipynb")
    shouted = [body.upper().replace(" ", "  ") for body in LONG]
    theirs = lying(hostile.notebook(review("Something of my own that I saw here.", *shouted), "c-2"), "b.ipynb")
    assert marks(mine, theirs) == {"a.ipynb": ["copied_text"], "b.ipynb": ["copied_text"]}
    assert "3 remarks are word for word the same under another candidate: submission" in words(mine, theirs)[0]


@pytest.mark.parametrize("bodies", [("No rollback.",), (LONG[0],)])
def test_a_short_or_single_remark_is_no_copy(bodies: tuple[str, ...]) -> None:
    """Two people may say the same short thing; one long remark among others is for the eye, not for a mark."""
    mine = lying(hostile.notebook(review(*bodies, "Mine alone, and long enough to be nobody else's by any chance."), "c-1"), "a.ipynb")
    theirs = lying(hostile.notebook(review(*bodies, "Theirs alone, and long enough to be nobody else's by any chance."), "c-2"), "b.ipynb")
    assert marks(mine, theirs) == {"a.ipynb": [], "b.ipynb": []}


def test_a_review_that_is_wholly_the_same_is_a_copy_even_with_one_remark() -> None:
    mine, theirs = (lying(hostile.notebook(review(LONG[0]), name), f"{name}.ipynb") for name in ("c-1", "d-2"))
    assert marks(mine, theirs) == {"c-1.ipynb": ["copied_text"], "d-2.ipynb": ["copied_text"]}


def test_one_candidate_twice_keeps_both_and_the_newest_receipt_counts() -> None:
    old = lying(hostile.notebook(review(LONG[0]), "c-1"), "old.ipynb", 1)
    new = lying(hostile.notebook(review(LONG[0], LONG[1]), "c-1", "second"), "new.ipynb", 2)
    assert marks(old, new) == {"old.ipynb": ["candidate_twice"], "new.ipynb": ["candidate_twice"]}
    told, counts = words(old, new)
    assert f"a newer one came in later and counts (submission {new.identity.short})" in told
    assert "this one came in last and counts" in counts
    tie = [Lying(item.identity, item.names, 3) for item in (old, new)]
    assert all("a person decides which counts" in text for text in words(*tie))


def test_two_saves_of_ones_own_record_are_no_theft() -> None:
    early = hostile.notebook(review(LONG[0]), "c-1")
    late = json.loads(json.dumps(early))
    late["cells"] = []
    assert marks(lying(early, "a.ipynb"), lying(late, "b.ipynb")) == {"a.ipynb": ["candidate_twice"], "b.ipynb": ["candidate_twice"]}


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("c-10", "c-1O", True), ("c-1l", "c-11", True), ("c-1I", "C-1l", True), ("a.b", "a_b", True), ("c-7", "c-7.", True),
        ("c-7", "c-7_", True), ("Anna", "anna", True), ("barn", "bam", True), ("c-10", "c-11", False), ("c-1", "c-11", False),
        ("c-7", "d-7", False), ("ab", "a-b", False), ("c-15", "c-16", False),
    ],
)  # fmt: skip
def test_ids_that_look_the_same_are_named(one: str, other: str, is_alike: bool) -> None:
    found = marks(
        lying(hostile.notebook(review(LONG[0]), one), "one.ipynb"), lying(hostile.notebook(review(LONG[1]), other), "two.ipynb")
    )
    assert found == {"one.ipynb": ["lookalike_candidate"] * is_alike, "two.ipynb": ["lookalike_candidate"] * is_alike}


@pytest.mark.parametrize("other", ["A.ipynb", "\u0430.ipynb", "a\u200b.ipynb", "\uff41.ipynb", "á.ipynb"])
def test_file_names_that_look_the_same_are_named(other: str) -> None:
    found = marks(lying(hostile.notebook(review(LONG[0]), "c-1"), "a.ipynb"), lying(hostile.notebook(review(LONG[1]), "d-2"), other))
    assert found == {"a.ipynb": ["lookalike_file"], other: ["lookalike_file"]}


def test_one_file_under_two_names_is_named() -> None:
    assert marks(lying(hostile.notebook(review(LONG[0]), "c-1"), "a.ipynb", 1, "b.ipynb")) == {"a.ipynb": ["same_bytes"]}


def test_a_clock_ahead_of_ours_is_named_beside_the_scorecard() -> None:
    ahead = hostile.notebook(review(LONG[0]), "c-1", time=lambda n: f"2026-11-22T14:{n:02d}:00.000Z")
    near = hostile.notebook(review(LONG[1]), "d-2", time=lambda n: f"2026-11-22T12:{50 + n:02d}:00.000Z")
    assert marks(lying(ahead, "a.ipynb"), lying(near, "b.ipynb")) == {"a.ipynb": ["clock_ahead"], "b.ipynb": []}


def test_an_identity_is_kept_as_json_and_holds_no_text() -> None:
    found = lying(hostile.notebook(review(LONG[0]), "c-1")).identity
    text = json.dumps(plain(found))
    assert from_plain(json.loads(text)) == found
    assert "retry" not in text


def test_a_thousand_copies_are_marked_in_one_go() -> None:
    """Work grows with the files, not with their pairs: each names three others and counts the rest."""
    one = lying(hostile.notebook(review(*LONG), "c-1")).identity
    many = [
        Lying(Identity(f"{n:064x}", one.slug, f"x{n}q", f"r{n}", one.last, (f"{n:064x}",), one.remarks), (f"x{n}q.ipynb",), 1)
        for n in range(1000)
    ]
    found = batch_marks(many, NOW)
    assert len(found) == 1000
    assert all(" and 996 more" in mark.words for each in found.values() for mark in each if mark.code == "copied_text")


@given(st.text(max_size=40))
def test_any_name_has_a_skeleton(name: str) -> None:
    assert skeleton(name) == skeleton(name.casefold())
    skeleton(name).encode("utf-8")
