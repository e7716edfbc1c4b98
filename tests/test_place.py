"""Distances between a finding and the lines of the key."""

from __future__ import annotations

import pytest

from reviewkit import place
from reviewkit.finding import Finding
from reviewkit.place import Place

AT = Place("a.py", 10, 12)


def finding(line: int | None, end: int | None = None, *, file: str | None = "a.py", side: str = "R") -> Finding:
    return Finding("f", file, side, line, end, "major", "data", "text")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(10, 12, 1.0), (12, 20, 1.0), (13, 13, 0.75), (7, 9, 0.75), (15, 15, 0.25), (16, 16, 0.0), (1, 5, 0.0)],
)
def test_loc_falls_by_a_quarter_for_each_line_of_distance(first: int, last: int, expected: float) -> None:
    assert place.loc(Place("a.py", first, last), [AT]) == expected


def test_another_file_is_nowhere_and_the_best_anchor_counts() -> None:
    assert place.loc(Place("b.py", 10, 12), [AT]) == 0
    assert place.loc(Place("b.py", 10, 12), [AT, Place("b.py", 11, 11)]) == 1


def test_an_item_without_lines_is_half_a_place() -> None:
    assert place.loc(Place("a.py", 1, 1), []) == place.NO_LINES
    assert place.loc(None, [AT]) == 0


def test_the_whole_file_the_whole_change_and_wide_ranges_are_no_place() -> None:
    assert place.of_finding(finding(None)) is None
    assert place.of_finding(finding(None, file=None)) is None
    assert place.of_finding(finding(1, place.WIDEST + 1)) is None
    assert place.of_finding(finding(1, place.WIDEST)) == Place("a.py", 1, place.WIDEST)


def test_a_remark_on_the_old_side_is_mapped_or_has_no_place() -> None:
    base, head = ["a", "b", "gone", "c", "d"], ["new", "a", "b", "c", "d"]
    mapped = place.line_map(base, head)
    assert mapped[1:] == (2, 3, 4, 4, 5)
    assert place.of_finding(finding(4, side="L"), {"a.py": mapped}) == Place("a.py", 4, 4)
    assert place.of_finding(finding(4, side="L")) is None
    assert place.of_finding(finding(99, side="L"), {"a.py": mapped}) is None


def test_the_margin_is_over_the_best_other_item_with_lines() -> None:
    near = {"x": 1.0, "y": 0.5, "loose": 0.5}
    even = dict.fromkeys(near, 0.0)
    anchored = frozenset({"x", "y"})
    assert place.margins(near, even, anchored, 2.0) == {"x": 0.5, "y": -0.5, "loose": -0.5}


def test_words_decide_between_items_on_the_same_line() -> None:
    near, anchored = {"x": 1.0, "y": 1.0}, frozenset({"x", "y"})
    assert place.margins(near, {"x": 0.0, "y": -1.0}, anchored, 2.0) == {"x": 0.0, "y": 0.0}
    assert place.margins(near, {"x": 0.0, "y": -5.0}, anchored, 2.0) == {"x": 1.0, "y": 0.0}


def test_words_never_lift_an_item_that_the_finding_does_not_point_at() -> None:
    found = place.margins({"x": 0.0, "y": 1.0}, {"x": 9.0, "y": -9.0}, frozenset({"x", "y"}), 2.0)
    assert found["x"] == -1.0
