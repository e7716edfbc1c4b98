"""Who made what in a shared document: by what each browser says of itself, shown as text and never scored."""

from __future__ import annotations

import made_playback as made
import pytest

from reviewkit.authors import authors
from reviewkit.event import Event, EventError, Head, append_event, head_of, parse_data
from reviewkit.eventdata import Kind
from reviewkit.playback.frames import frames
from reviewkit.playback.view import headline
from reviewkit.record import fold

PAGE, OTHER = "0a1b2c3d4e", "ffffffffff"


def record(name: str = "Anonymous Io") -> tuple[Event, ...]:
    """The candidate writes, somebody joins and writes, the candidate goes on; one operation bears the id of nobody who joined."""
    steps = [
        ("op-1", "finding.added", made.remark("f-1", 40, "Mine.")),
        (f"joined-{PAGE}", "document.joined", {"page": PAGE, "name": name}),
        (f"{PAGE}:1", "finding.added", made.remark("f-2", 41, "Theirs.")),
        (f"{OTHER}:1", "finding.added", made.remark("f-3", 42, "Of nobody known.")),
        (f"{PAGE}:2", "exercise.answered", {"exercise": "trace", "answer": {"order": ["router"], "marks": {}}}),
        ("op-2", "exercise.answered", {"exercise": "trace", "answer": {"order": [], "marks": {}}}),
    ]
    found: list[Event] = []
    for op, kind, data in steps:
        found.append(append_event(head_of(found) if found else Head(), op=op, kind=kind, data=data, t="2026-03-02T10:00:00.000Z"))
    return tuple(found)


def test_what_a_joined_browser_made_bears_its_name_and_nothing_else_does() -> None:
    events = record()
    assert authors(events) == {events[2].hash: "Anonymous Io", events[4].hash: "Anonymous Io"}
    assert authors(record(""))[record("")[2].hash] == "a guest"
    assert [frame.by for frame in frames(events)] == ["", "", "Anonymous Io", "", "Anonymous Io", ""]


def test_a_name_is_text_and_moves_no_part_of_the_work() -> None:
    hostile = record(made.HOSTILE[:80])
    line = headline(frames(hostile)[2])
    assert "&lt;script&gt;" in line
    assert "<script" not in line
    plain = fold(tuple(event for event in record() if event.kind is not Kind.JOINED))
    joined = fold(record())
    assert (joined.findings, joined.exercises) == (plain.findings, plain.exercises)


@pytest.mark.parametrize("data", [{"page": "short"}, {"page": PAGE, "name": "x" * 81}, {"page": PAGE, "who": "x"}, {"name": "x"}])
def test_a_joined_event_has_one_shape(data: dict[str, str]) -> None:
    with pytest.raises(EventError):
        parse_data(Kind.JOINED, data)
