"""A record replayed: frames from events, positions of the player, and nothing of a candidate's or the key's where it does not belong."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_playback as made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import JOINED, SAMPLES, SHARED, chain
from typer.testing import CliRunner

from reviewkit.assess import assess
from reviewkit.bank import find_bank
from reviewkit.cli import app
from reviewkit.drawing import Drawing
from reviewkit.eventdata import Kind
from reviewkit.playback.changes import PAIRS_ALL, Budget, change
from reviewkit.playback.frames import LANES, PAUSE_MAX, Frame, Lane, frames
from reviewkit.playback.player import SPEEDS, TICKS_A_SECOND, Player
from reviewkit.playback.source import head_texts, truths
from reviewkit.playback.view import frame_html, strip
from reviewkit.playback.widget import PlaybackBox, open_playback, own_playback
from reviewkit.report import render_report
from reviewkit.submission import read_submission

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)
ENTRY = BANK.entry(made.SLUG)


@pytest.fixture(scope="module")
def shown() -> tuple[Frame, ...]:
    return frames(made.events(), ENTRY.scenario, head_texts(ENTRY))


def at(shown: tuple[Frame, ...], title: str) -> Frame:
    return next(frame for frame in shown if frame.title == title)


# --- frames -----------------------------------------------------------------------------------------------------------
def test_a_remark_says_when_it_came_and_after_which_run(shown: tuple[Frame, ...]) -> None:
    assert at(shown, "Remark 1").after == "before anything was run"
    assert at(shown, "Remark 2").minute == "10.5"
    assert at(shown, "Remark 2").after == "1.5 min after probe “Twenty buyers and ten units” on workspace"
    assert at(shown, "Remark 1 reworded").after == ""
    taken_back = [frame.title for frame in shown if frame.finding == "f-gone"]
    assert taken_back == ["A remark", "A remark taken back"]
    assert ("First", "remark 1, remark 3") in at(shown, "Verdict: block").said


def test_a_mend_is_shown_as_what_each_edit_changed_and_quick_saves_as_one(shown: tuple[Frame, ...]) -> None:
    first, second = (frame for frame in shown if frame.kind is Kind.EXERCISE_EDITED)
    assert first.times_n == 2
    assert first.change is not None
    assert (first.change.added, first.change.removed) == (1, 1)
    assert ("+", "    left = on_hand - quantity  # read before") in first.change.lines
    assert second.change is not None
    assert ("-", "    left = on_hand - quantity  # read before") in second.change.lines
    assert "1 of 2 public checks pass" in dict(at(shown, "Public checks of “Mend it”").said)["Said"]


def test_each_step_of_a_drawing_is_kept_and_the_truth_is_shown_only_where_it_is_given(shown: tuple[Frame, ...]) -> None:
    drawn = [frame for frame in shown if frame.drawing is not None]
    assert [list(frame.drawing.order) for frame in drawn if frame.drawing] == [["router"], ["router", "orders", "inventory"]]
    alone = frame_html(drawn[-1], ENTRY.scenario)
    assert "orders.place" in alone
    assert "in truth" not in alone
    beside = frame_html(drawn[-1], ENTRY.scenario, truths(ENTRY))
    assert "drawn <em>The handler in stock/api.py</em>, in truth <strong>inventory.take</strong>" in beside


def test_long_pauses_are_short_to_play_and_true_in_minutes(shown: tuple[Frame, ...]) -> None:
    assert shown[-1].seconds == 85 * 60
    assert shown[-1].playing < 30 * 60
    assert all(0 <= b.playing - a.playing <= PAUSE_MAX for a, b in pairwise(shown))


minutes = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@given(st.lists(st.tuples(minutes, st.integers(0, len(made.steps()) - 1)), max_size=25))
def test_any_order_and_any_clock_gives_frames_that_never_run_back(chosen: list[tuple[float, int]]) -> None:
    every = made.steps()
    found = frames(made.events([(minute, *every[index][1:]) for minute, index in chosen]), ENTRY.scenario)
    assert all(a.seconds <= b.seconds and a.playing <= b.playing <= a.playing + PAUSE_MAX for a, b in pairwise(found))
    assert sum(frame.times_n for frame in found) == len(chosen)
    assert [frame.number for frame in found] == list(range(1, len(found) + 1))
    player = Player(found)
    assert player.shown_n(player.last) == len(found)
    assert all(player.shown_n(player.position(index)) > index for index in range(len(found)))
    assert strip(found).count("<circle") <= len(found)


def test_every_kind_of_event_has_a_row_and_a_title() -> None:
    made = frames(chain([*SAMPLES, SHARED, JOINED]))
    assert {frame.kind for frame in made} | {Kind.CONSENT} == set(Kind) == set(LANES)
    assert all(frame.lane in Lane and frame.title != frame.kind.value for frame in made)


def test_an_operation_that_comes_twice_is_one_frame() -> None:
    events = made.events()
    assert frames((*events, *events)) == frames(events)


def test_without_its_scenario_a_record_is_still_shown() -> None:
    titles = [frame.title for frame in frames(made.events())]
    assert "Probe “rush” on workspace" in titles
    assert {frame.lane for frame in frames(made.events())} == set(Lane) - {Lane.EVIDENCE}


def test_texts_made_to_be_slow_to_compare_are_compared_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs: list[int] = []

    class Counting(SequenceMatcher[str]):
        def __init__(self, *, a: list[str], b: list[str], **options: Any) -> None:
            pairs.append(len(a) * len(b))
            super().__init__(a=a, b=b, **options)

    monkeypatch.setattr("reviewkit.playback.changes.SequenceMatcher", Counting)
    budget = Budget()
    huge = change("\n".join(f"{n % 50}" for n in range(20_000)), "\n".join(f"{n * 7 % 50}" for n in range(20_000)), budget)
    assert pairs == []
    assert huge.added == huge.removed > 19_000
    assert len(huge.lines) == 200
    assert huge.hidden > 30_000
    for _ in range(15):
        found = change("\n".join(f"{k % 20}" for k in range(300)), "\n".join(f"{k * 3 % 20 + 1}" for k in range(300)), budget)
    assert 0 < sum(pairs) <= PAIRS_ALL
    assert sum(pairs) + budget.pairs == PAIRS_ALL
    assert len(pairs) < 15  # past the budget the rest counts as replaced
    assert found.added == found.removed == 300
    assert len(change("a", "x" * 1_000_000, budget).lines[-1][1]) < 500


# --- the player -------------------------------------------------------------------------------------------------------
def test_a_step_leads_to_the_next_moment_and_back(shown: tuple[Frame, ...]) -> None:
    player = Player(shown)
    seen, position = [player.shown_n(0)], 0
    while position != player.last:
        position = player.step(position, 1)
        seen.append(player.shown_n(position))
    assert seen == sorted(set(seen))
    assert seen[-1] == len(shown)
    back = player.step(position, -1)
    assert player.shown_n(back) == seen[-2]
    assert player.step(0, -1) == 0
    assert player.seconds(player.last) == 85 * 60
    assert Player(()).step(0, 1) == 0


def test_the_widget_plays_steps_and_jumps() -> None:
    box = own_playback(made.events(), ENTRY)
    assert box.play.value == 0
    assert "step 1 of 17" in box.now.value
    box.forth.click()
    assert "Remark 1" in box.now.value
    assert "Minute 6.5" in box.now.value
    box.jump.value = dict(box.jump.options)["Remark 3, minute 16.0"]
    assert "The commit in take" in box.now.value
    box.back.click()
    assert "judged false" in box.now.value
    box.earlier.click()
    assert "Minute 13.0" not in box.now.value
    assert dict(map(reversed, box.jump.options))[box.jump.value] == "A remark, minute 11.0"
    box.back.click()
    assert box.jump.value == dict(box.jump.options)["Remark 2, minute 10.5"]
    box.later.click()
    box.later.click()
    box.later.click()
    assert "The commit in take" in box.now.value
    for speed in SPEEDS:
        box.speed.value = speed
        assert box.play.step == speed
        assert box.play.interval * TICKS_A_SECOND == 1000
    box.play.value = box.play.max
    assert "Submitted" in box.now.value


def test_the_candidates_player_has_no_way_to_the_key() -> None:
    """Neither words of the key nor a box to show them, whatever frame is looked at."""
    box = own_playback(made.events(), ENTRY)
    assert box.reveal not in box.box.children
    box.reveal.value = True
    for position in range(0, box.play.max + 1, 7):
        box.play.value = position
        assert "in truth" not in box.now.value
    hiring = PlaybackBox(frames(made.events(), ENTRY.scenario), "x", ENTRY.scenario, {"trace": Drawing(["router"])})
    assert hiring.reveal in hiring.box.children


def test_hostile_text_stays_text_in_the_player(tmp_path: Path) -> None:
    box = open_playback(str(made.notebook(tmp_path / "a.ipynb", "c-1")), str(ROOT))
    box.jump.value = dict(box.jump.options)["Remark 2, minute 10.5"]
    assert "&lt;script&gt;" in box.now.value
    assert "<script" not in box.now.value
    assert "<img" not in box.now.value
    assert "\u202e" not in box.now.value


def test_the_command_lists_the_steps_and_refuses_what_is_no_record(tmp_path: Path) -> None:
    path = made.notebook(tmp_path / "a.ipynb")
    done = CliRunner().invoke(app, ["playback", str(path), "--list", "--bank", str(ROOT)])
    assert done.exit_code == 0
    assert "   10.5 min  Remark 2 (1.5 min after probe “Twenty buyers and ten units” on workspace)" in done.output
    broken = tmp_path / "b.ipynb"
    broken.write_text("{", "utf-8")
    failed = CliRunner().invoke(app, ["playback", str(broken), "--list", "--bank", str(ROOT)])
    assert "not JSON" in str(failed.exception)


# --- the report -------------------------------------------------------------------------------------------------------
def test_the_report_lists_every_step_with_its_minute_and_leads_to_it(tmp_path: Path) -> None:
    submission = read_submission(made.notebook(tmp_path / "a.ipynb"))
    found = assess(submission, BANK, None)
    html = render_report(found.card, found.entry, submission, "2026-03-02")
    links, anchors = set(re.findall(r'<a href="#(moment-\d+)"', html)), set(re.findall(r'<li id="(moment-\d+)"', html))
    assert len(anchors) == 17
    assert links
    assert links <= anchors
    assert "1.5 min after probe “Twenty buyers and ten units” on workspace" in html
    assert "20 of 10 units sold, 9 left" in html
    assert "2 saves" in html
    assert "<script" not in html
    assert "<img" not in html
    numbers = {f.id: n for n, f in enumerate(found.card.findings, 1)}
    for finding, number in numbers.items():
        assert f'<a href="#f-{number}"><bdi>Remark {number}</bdi>' in html, finding
