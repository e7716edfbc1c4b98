"""The stages of an interview: a drawing against what the instrumented code does, a diagnosis beside the key, notes of both sides."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import made_playback as made
import pytest
from made_intake import invite

from reviewkit.assess import assess
from reviewkit.bank import find_bank
from reviewkit.blocking import finished
from reviewkit.event import EventError, parse_data, timestamp
from reviewkit.eventdata import Kind
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.cockpit_widget import CockpitWidget
from reviewkit.live.notes import LEDGER, Note, NoteKind
from reviewkit.live.session import Message
from reviewkit.live.stages import Stage, drawn, stage_html
from reviewkit.outfolder import OutFolder
from reviewkit.playback.widget import open_playback, own_playback
from reviewkit.record import fold
from reviewkit.report import render_report
from reviewkit.submission import read_submission

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)
ENTRY = BANK.entry(made.SLUG)
TALK = [
    *made.steps()[:-2],
    (81.0, "exercise.answered", {"exercise": "trace", "answer": {
        "order": ["router", "orders", "inventory"], "marks": {"begins": "inventory", "final": "router"}, "notes": f"Where does it end? {made.HOSTILE}"}}),
    (82.0, "exercise.answered", {"exercise": "diagnose", "answer": {"cause": "The pool is empty.", "evidence": "five of five", "fix": "", "trade_off": ""}}),
]  # fmt: skip
EVENTS = made.events(TALK)


def shown(stage: Stage) -> str:
    return stage_html(stage, ENTRY.scenario, ENTRY.rubric, fold(EVENTS), EVENTS)


def test_a_drawing_is_held_against_the_truth_and_asked_about_without_giving_it_away() -> None:
    exercise, key = ENTRY.scenario.exercise("trace"), ENTRY.rubric.exercises["trace"]
    now = drawn(exercise, key, fold(EVENTS), EVENTS)
    assert now.steps_n == 3
    assert "The units of the first line are off the shelf for good: why “The handler in stock/api.py”?" in now.questions
    assert not [q for q in now.questions if "inventory.take" in q]
    nothing = drawn(exercise, key, fold(()), ())
    assert (nothing.drawing, nothing.questions, nothing.steps_n) == (None, (), 0)


def test_each_stage_shows_its_part_and_every_text_as_text() -> None:
    review, architecture, degraded = (shown(stage) for stage in Stage)
    assert "findings: 3; claims judged: 1 of 9; probe runs: 1; own checks: " in review
    assert "1 files edited, public checks: 1 of 2 pass" in review
    assert "in truth <strong>inventory.take</strong>" in architecture
    assert "&lt;script&gt;" in architecture
    assert "<script" not in architecture
    assert "The pool is empty." in degraded
    assert ENTRY.rubric.exercises["diagnose"].cause[0] in degraded
    assert "no exercise for this stage" in stage_html(Stage.DEGRADED, BANK.entry("transactions").scenario, BANK.entry("transactions").rubric, fold(()), ())


def test_the_cockpit_shows_a_stage_after_focus_time_only(tmp_path: Path) -> None:
    guest = invite(1, slug=made.SLUG, version="1.0.0", intake="https://intake.example.org")
    cockpit = Cockpit(BANK, guest, OutFolder(tmp_path), "i-1", quiet_minutes=10)
    assert cockpit.stage(Stage.ARCHITECTURE) == ""
    facts = {"invite": guest.id, "record": "abc123", "received_at": timestamp(made.START)}
    cockpit.take([Message(f"{n}.0", "event", {**facts, "event": e.model_dump(mode="json")}) for n, e in enumerate(EVENTS, 1)])
    assert cockpit.stage(Stage.ARCHITECTURE, made.START + timedelta(minutes=5)) == ""
    widget = CockpitWidget(cockpit)
    assert "findings: 3" in widget.stage_view.value
    widget.stage.value = Stage.ARCHITECTURE
    assert "What the running code does" in widget.stage_view.value


def test_notes_of_both_sides_are_replayed_and_each_interviewer_sees_their_own(tmp_path: Path) -> None:
    def note(author: str, minute: float, words: str) -> Note:
        at = timestamp(made.START + timedelta(minutes=minute))
        return Note(candidate="c-17", author=author, time=at, kind=NoteKind.NOTE, text=words)

    said = [note("i-1", 80.1, "unsure about the commit <b>"), note("i-2", 80.1, "not for others"), note("i-1", 99, "after the end")]
    finished(LEDGER.add(OutFolder(tmp_path).store_url, "inv-1", said))
    path = made.notebook(tmp_path / "a.ipynb", made_of=TALK)
    box = open_playback(str(path), str(ROOT), "", "inv-1", "i-1", str(tmp_path))
    assert "unsure" not in box.now.value
    box.play.value = box.play.max
    assert "unsure about the commit &lt;b&gt;" in box.now.value
    assert "after the end" in box.now.value
    assert "not for others" not in box.now.value
    box.back.click()
    assert "Where does it end? &lt;script&gt;" in box.now.value
    own = own_playback(EVENTS, ENTRY)
    own.play.value = own.play.max
    assert "Your notes" not in own.now.value


def test_the_report_draws_it_beside_the_truth_and_shows_the_notes(tmp_path: Path) -> None:
    submission = read_submission(made.notebook(tmp_path / "a.ipynb", made_of=TALK))
    found = assess(submission, BANK, None)
    html = render_report(found.card, found.entry, submission, "2026-03-02")
    assert "What the running code does" in html
    assert "Given: <code><bdi>notes</bdi></code>" in html
    assert "<script" not in html


def test_notes_are_text_of_a_bounded_length_and_may_be_missing() -> None:
    answer = {"order": [], "marks": {}}
    for notes in ({}, {"notes": ""}, {"notes": "x"}):
        parse_data(Kind.EXERCISE_ANSWERED, {"exercise": "trace", "answer": answer | notes})
    for wrong in (5, None, "x" * 1_000_000):
        with pytest.raises(EventError):
            parse_data(Kind.EXERCISE_ANSWERED, {"exercise": "trace", "answer": answer | {"notes": wrong}})
