"""What a record tells beside the work: certain things are named, honest ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import OPENED, SAMPLES, chain, completed

from reviewkit import recordmarks
from reviewkit.event import Event
from reviewkit.submission import Submission, parse_submission

CALIBRATION = sorted((Path(__file__).resolve().parent.parent / "rubrics").glob("*/calibration/*.ipynb"))


def parse(notebook: dict[str, Any]) -> Submission:
    return parse_submission(json.dumps(notebook).encode(), Path("a.ipynb"))


def codes(notebook: dict[str, Any]) -> list[str]:
    return [flag.code for flag in parse(notebook).flags]


def at(*times: str) -> list[Event]:
    """Events at these times; the clock does not look at hashes."""
    return [event.model_copy(update={"t": t}) for event, t in zip(chain([OPENED] * len(times)), times, strict=True)]


@pytest.mark.parametrize("path", CALIBRATION, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_honest_notebooks_have_no_marks(path: Path) -> None:
    """Made in real browsers, by real servers."""
    assert parse_submission(path.read_bytes(), path).flags == ()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (("2026-11-22T10:00:00.000Z", "2026-11-22T10:05:00.000Z", "2026-11-22T10:04:30.000Z"), ""),
        (("2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00.000Z"), ""),
        (("2026-11-22T10:00:00.000Z", "2027-11-22T10:00:00.000Z"), ""),
        (("2026-11-22T10:00:00.000Z", "2026-11-22T09:50:00.000Z"), "event 2 the time goes back, by up to 10 minutes"),
        (("2026-11-22T10:00:00.000Z", "2026-11-22T09:00:00.000Z", "2026-11-20T09:00:00.000Z"), "event 3 and at 1 more the time goes back, by up to 2 days"),
        (("2025-12-31T23:59:59.999Z",), "an event is dated before"),
        (("2026-11-22T10:00:00.000Z",) * 99, ""),
        (("2026-11-22T10:00:00.000Z",) * 100, "100 events bear the same millisecond"),
    ],
)  # fmt: skip
def test_only_an_impossible_clock_is_named(times: tuple[str, ...], words: str) -> None:
    """A clock that was corrected by some seconds, or a long pause, is nobody's business."""
    found = recordmarks.clock(at(*times))
    assert [mark.code for mark in found] == (["impossible_clock"] if words else [])
    assert not any(mark.is_tampering for mark in found), "a clock that somebody set is no proof of anything"
    assert all(words in mark.text and mark.text.startswith("Impossible clock: ") for mark in found)


def put(place: str, value: object) -> dict[str, Any]:
    notebook: dict[str, Any] = completed(chain(SAMPLES))
    notebook["cells"] = [{"cell_type": "code", "metadata": {"reviewkit": {"form": "status"}}, "source": ""}]
    *steps, last = place.split("/")
    target: Any = notebook
    for step in steps:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    return notebook


@pytest.mark.parametrize(
    ("place", "value", "is_named"),
    [
        ("metadata/reviewkit/score", 100, True),
        ("metadata/reviewkit/extra", {"deep": [{"Points-Max": 5}]}, True),
        ("metadata/reviewkit/record/verdict", "hire", True),
        ("metadata/reviewkit/record/events/2/data/score", 1, True),
        ("metadata/reviewkit/record/events/2/Weights", {}, True),
        ("metadata/grade", "A", True),
        ("metadata/myScore", 1, True),
        ("cells/0/metadata/points", 5, True),
        ("cells/0/metadata/reviewkit/result", {"score": 5}, True),
        ("metadata/reviewkit/note", "score 100", False),
        ("metadata/colab", {"provenance": []}, False),
        ("metadata/celltoolbar", "Tags", False),
        ("cells/0/metadata/tags", ["score"], False),
        ("cells/0/source", "score = 100", False),
        ("metadata/widgets", {"state": {"a": {"score": 1}}}, False),
    ],
)
def test_results_that_a_file_writes_of_itself_are_named(place: str, value: object, is_named: bool) -> None:
    """In our own metadata at any depth; elsewhere by name, where no tool keeps such a thing."""
    assert ("self_scored" in codes(put(place, value))) is is_named


def test_another_version_of_the_scenario_is_named_wherever_it_was_opened() -> None:
    later = ("workbook.opened", {"slug": "demo", "version": "2.0.0", "client": ""})
    notebook = completed(chain([*SAMPLES[:-1], later, SAMPLES[-1]]))
    assert "scenario_differs" in codes(notebook)
    assert parse(notebook).is_tampered


@given(st.lists(st.datetimes(), min_size=1, max_size=12))
def test_any_times_give_sentences(moments: list[Any]) -> None:
    """Of any order and any year."""
    times = [f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" for moment in moments]
    for mark in recordmarks.clock(at(*times)):
        assert mark.text.endswith(".") and mark.text.isprintable()


def test_what_is_too_much_is_said() -> None:
    state = parse(completed(chain(SAMPLES))).state
    assert recordmarks.excess(state) == ""
    from dataclasses import replace

    many = replace(state, findings=state.findings * 301)
    assert recordmarks.excess(many) == "more than 300 remarks"
    long = replace(state, findings=(replace(state.findings[0], body="x" * 500_001),))
    assert recordmarks.excess(long) == "more than 500000 characters of remarks"
