"""The cockpit: guide, session, board, entries, the stream of a real intake, and the way into the scorecard."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_submissions as made
import pytest
from made_intake import AT, Intake, invite, patience, token
from made_records import CLOSED, OPENED, SUBMITTED, chain, remark
from made_results import score_into

from reviewkit import decisions as stored
from reviewkit.assess import rubric_places
from reviewkit.bank import find_bank
from reviewkit.batch import publish
from reviewkit.blocking import finished
from reviewkit.errors import UsageError
from reviewkit.live import notes
from reviewkit.live.board import board, clock
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.cockpit_widget import CockpitWidget
from reviewkit.live.follow import Connected, StreamReader
from reviewkit.live.guide import read_guide
from reviewkit.live.notes import Note, NoteKind, standing
from reviewkit.live.session import Message, Session
from reviewkit.outfolder import OutFolder
from reviewkit.purge import purge_store
from reviewkit.record import Event
from reviewkit.scorecard import WITHDRAWN, DecisionKind, Outcome, PairOutcome

BANK = find_bank(made.ROOT)
SLUG, FLAW, HARM = "transactions", "swallowed-conflict", "<script>alert(1)</script>"
PLACE = rubric_places(BANK.entry(SLUG).rubric, BANK.entry(SLUG).folder / "head")[FLAW][0]
AT_FLAW = {**made.SEEN, "file": PLACE.file, "line": PLACE.first, "end_line": PLACE.last}
RUN = ("probe.run", {"probe": "crowd", "tree": "head", "verdict": "3 of 5 kept"})
SAID = [
    OPENED, remark("f1", **AT_FLAW), RUN,
    remark("f2", file=None, side=None, line=None, end_line=None, body=f"Nobody reads this {HARM}, not even an operator on call.", why="", fix=""),
    CLOSED, SUBMITTED,
]  # fmt: skip
EVENTS = chain(SAID)


def told(events: list[Event], *, first: int = 1, number: int = 1, record: str = "abc123") -> list[Message]:
    """Messages of the stream about events, the first of them at ten o'clock and each a minute later."""
    return [
        Message(f"{first + at}.0", "event", {
            "invite": invite(number).id, "record": record, "received_at": f"2026-11-21T10:{event.seq:02d}:00.000Z",
            "event": event.model_dump(mode="json"),
        })
        for at, event in enumerate(events)
    ]  # fmt: skip


def at_work(number: int = 1, intake: str = "https://intake.example.org") -> Any:
    return invite(number, slug=SLUG, version="1.0.0", intake=intake, focus_minutes=0)


@pytest.fixture
def cockpit(tmp_path: Path) -> Cockpit:
    return Cockpit(BANK, at_work(), OutFolder(tmp_path), "i-1")


# --- guide ------------------------------------------------------------------------------------------------------------
def test_the_guide_is_read_by_defect() -> None:
    text = (
        "# Guide\n\n## Flaws\n\n### one-flaw (mid, major)\nKnow this\nfirst.\n\n*Ask next:* Who\nwaits?\n1. Look at\n   line 3.\n2. Run it.\n\n"
        "Good: sees it.\n\nWeak: does not.\n\n### Not a flaw\nWords\n\n### other (junior, nit)\nAsk next: \"Why?\"\n1. Here.\n"
    )
    one, other = read_guide(text)["one-flaw"], read_guide(text)["other"]
    assert (one.about, one.ask, one.hints) == ("Know this first.", "Who waits?", ("Look at line 3.", "Run it."))
    assert (one.listen, one.line) == ("Good: sees it. Weak: does not.", 5)
    assert (other.ask, other.hints, other.listen) == ('"Why?"', ("Here.",), "")
    assert set(read_guide(text)) == {"one-flaw", "other"}


# --- session ----------------------------------------------------------------------------------------------------------
def test_what_comes_twice_counts_once_and_what_is_of_others_not_at_all() -> None:
    session = Session(invite().id)
    for message in [*told(EVENTS[:3]), *told(EVENTS[1:4]), *told(EVENTS, number=2)]:
        session = session.take(message)
    assert [event.seq for event in session.events] == [1, 2, 3, 4]
    assert [finding.id for finding in session.state.findings] == ["f1", "f2"]
    assert session.last_at == "2026-11-21T10:04:00.000Z"
    assert not session.is_torn
    handed_in = Message("9.1", "submission", {"invite": invite().id, "sha256": "a" * 64, "received_at": AT})
    assert session.take(handed_in).take(handed_in).submissions == ("a" * 64,)


def test_a_hole_and_a_broken_chain_are_noticed_and_nonsense_is_left_out() -> None:
    session = Session(invite().id).take(told(EVENTS[:1])[0])
    assert session.take(told(EVENTS[2:3])[0]).is_torn
    assert session.take(told(chain([CLOSED, CLOSED])[1:])[0]).is_torn
    for facts in ({}, {"invite": invite().id}, {"invite": invite().id, "record": "r", "event": {"seq": "x"}}):
        assert session.take(Message("7.0", "event", facts)).events == session.events


def test_a_server_started_afresh_begins_a_record_of_its_own() -> None:
    session = Session(invite().id)
    for message in [*told(EVENTS[:4]), *told(chain(SAID[:2]), first=5, record="later")]:
        session = session.take(message)
    assert (session.record, len(session.events), len(session.records["abc123"])) == ("later", 2, 4)


def test_messages_are_put_together_from_lines() -> None:
    lines = ["retry: 2000", "", "id: 3.0", "event: event", 'data: {"a": 1}', "", ": still here", "", "id: 4.0", "data: no json", "", "data: {}", ""]
    reader = StreamReader()
    assert [found for line in lines if (found := reader.line(line))] == [Message("3.0", "event", {"a": 1})]


# --- board ------------------------------------------------------------------------------------------------------------
def test_the_board_shows_findings_by_the_key_flaws_by_level_and_the_clock(cockpit: Cockpit) -> None:
    cockpit.take(told(EVENTS))
    seen = cockpit.board(datetime(2026, 11, 21, 11, 5, tzinfo=UTC))
    assert (seen.clock.minutes, seen.clock.of_minutes) == (64, 60)
    assert [(line.finding.id, line.minute) for line in seen.findings] == [("f2", 3), ("f1", 1)]
    first = seen.findings[1]
    assert (first.outcome, [one.defect for one in first.meant]) == (Outcome.MATCHED, [FLAW])
    assert seen.findings[0].outcome is not Outcome.MATCHED
    states = {line.defect.id: line.state for line in seen.flaws}
    assert states[FLAW] is PairOutcome.MATCHED
    assert list(states.values()).count(PairOutcome.MATCHED) == 1
    assert [line.defect.level.value for line in seen.flaws] == ["staff", "senior", "senior", "mid", "mid", "junior"]
    assert [(run.minute, run.name, run.said) for run in seen.runs] == [(2, "crowd on head", "3 of 5 kept")]
    assert "submitted" in seen.stages
    assert "review part closed" in seen.stages


def test_nobody_watches_during_focus_time(cockpit: Cockpit) -> None:
    cockpit.quiet_minutes = 10
    assert cockpit.board().clock.quiet_left == 10
    cockpit.take(told(EVENTS[:5]))
    opened = datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    for minutes, left in ((0, 10), (9.5, 1)):
        seen = cockpit.board(opened + timedelta(minutes=minutes))
        assert seen.clock.quiet_left == left
        assert (seen.findings, seen.flaws, seen.runs, seen.stages) == ((), (), (), ())
        assert seen.clock.last_at is not None
    assert cockpit.board(opened + timedelta(minutes=10)).findings


@pytest.mark.parametrize("last", [("focus.ended", {}), SUBMITTED])
def test_focus_time_ends_early_when_the_candidate_says_so_or_hands_in(cockpit: Cockpit, last: tuple[str, dict[str, Any]]) -> None:
    cockpit.quiet_minutes = 60
    opened = datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    cockpit.take(told(chain(SAID[:3])))
    assert cockpit.board(opened).findings == ()
    cockpit.take(told(chain([*SAID[:3], last])))
    seen = cockpit.board(opened)
    assert (seen.clock.quiet_left, seen.clock.is_opened) == (0, last[0] == "focus.ended")
    assert seen.findings


def test_a_record_begun_again_has_a_focus_time_of_its_own_as_its_page_says(cockpit: Cockpit) -> None:
    cockpit.quiet_minutes = 10
    cockpit.take([*told(EVENTS[:4]), *(replace(m, facts={**m.facts, "received_at": "2026-11-21T11:00:00.000Z"}) for m in told(chain(SAID[:2]), first=5, record="later"))])
    assert cockpit.board(datetime(2026, 11, 21, 11, 1, tzinfo=UTC)).clock.quiet_left == 9


def test_a_cockpit_watches_no_sooner_than_the_invite_promises(tmp_path: Path) -> None:
    promised = at_work().model_copy(update={"focus_minutes": 20})
    assert [Cockpit(BANK, promised, OutFolder(tmp_path), "i-1", quiet_minutes=m).quiet_minutes for m in (0, 5, 30)] == [20, 20, 30]
    assert Cockpit(BANK, at_work().model_copy(update={"focus_minutes": None}), OutFolder(tmp_path), "i-1").quiet_minutes == 10


def test_a_clock_that_knows_nothing_says_so() -> None:
    time = clock(Session("invite-000001"), 60, 0, datetime.now(UTC))
    assert (time.opened_at, time.minutes) == (None, 0)
    assert board(Session("invite-000001"), BANK.entry(SLUG).scenario, BANK.entry(SLUG).rubric, None, time).flaws == ()


# --- what the interviewer says ----------------------------------------------------------------------------------------
def note(kind: NoteKind, item: str | None = None, outcome: str | None = None, text: str = "", second: int = 0, author: str = "i-1") -> Note:
    return Note(candidate="c-1", author=author, time=f"2026-11-21T10:00:{second:02d}Z", kind=kind, item=item, outcome=outcome, text=text)


def test_later_entries_count_and_hints_add_up() -> None:
    entries = [
        note(NoteKind.HINT, FLAW, "1"), note(NoteKind.HINT, FLAW, "2"), note(NoteKind.HINT, FLAW, "2"), note(NoteKind.HINT, "key-reuse", "1"),
        note(NoteKind.HINT, "key-reuse", WITHDRAWN), note(NoteKind.MARK, "communication", "2", "brief"),
        note(NoteKind.MARK, "communication", "3", "clear", 9), note(NoteKind.NOTE, text="calm"),
    ]  # fmt: skip
    now = standing(entries)
    assert now.hints == {FLAW: ("1", "2")}
    assert (now.marks["communication"].outcome, [n.text for n in now.notes]) == ("3", ["calm"])
    handed = notes.decisions(entries, [])
    assert [(d.kind, d.defect or d.item, d.outcome) for d in handed] == [
        (DecisionKind.RATING, "communication", "3"), (DecisionKind.HINT, FLAW, "given"),
    ]  # fmt: skip
    assert notes.decisions(entries, handed) == []
    back = [*entries, note(NoteKind.HINT, FLAW, WITHDRAWN, second=20), note(NoteKind.MARK, "communication", WITHDRAWN, "too early", 21)]
    assert {(d.kind, d.outcome) for d in notes.decisions(back, handed)} == {(DecisionKind.HINT, WITHDRAWN), (DecisionKind.RATING, WITHDRAWN)}
    assert notes.decisions(entries, [d.model_copy(update={"author": "i-2"}) for d in handed]) == handed  # another's word is not mine


@pytest.mark.parametrize(
    ("kind", "item", "outcome", "text", "words"),
    [
        (NoteKind.NOTE, None, None, "  ", "a note has a text"),
        (NoteKind.MARK, "communication", "3", " ", "without a reason"),
        (NoteKind.HINT, "no-such-flaw", "1", "", "the key has no 'no-such-flaw'"),
        (NoteKind.GATE, None, "pass", "heard it", "names an item"),
    ],
)
def test_half_an_entry_is_not_kept(cockpit: Cockpit, kind: NoteKind, item: str | None, outcome: str | None, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cockpit.say(kind, text, item, outcome)
    assert cockpit.entries == []


def test_entries_are_there_again_in_a_new_cockpit_and_go_with_the_persons_data(cockpit: Cockpit, tmp_path: Path) -> None:
    cockpit.say(NoteKind.NOTE, "quiet but exact")
    cockpit.say(NoteKind.HINT, "words of the hint", FLAW, "1")
    again = Cockpit(BANK, at_work(), OutFolder(tmp_path), "i-1")
    assert again.entries == cockpit.entries
    assert Cockpit(BANK, at_work(), OutFolder(tmp_path), "i-2").entries == []
    gone, _hashes, _invites = finished(purge_store(OutFolder(tmp_path).store_url, "c-1", ()))
    assert gone == {"live_notes": 2}
    assert Cockpit(BANK, at_work(), OutFolder(tmp_path), "i-1").entries == []


def test_another_interviewers_mark_shows_only_beside_ones_own(cockpit: Cockpit, tmp_path: Path) -> None:
    other = Cockpit(BANK, at_work(), OutFolder(tmp_path), "i-2")
    cockpit.say(NoteKind.NOTE, "a private note")
    cockpit.say(NoteKind.MARK, HARM, "communication", "4")
    other.look_at_others()
    assert [(row.item, row.own, row.others, row.hidden) for row in other.beside] == [("communication", None, (), 1)]
    widget = CockpitWidget(other)
    widget.draw_entries()
    assert "1 word kept: shown when yours is" in widget.beside.value
    other.say(NoteKind.MARK, "short", "communication", "2")
    (row,) = other.beside
    assert [(note.author, note.outcome) for note in row.others] == [("i-1", "4")]
    other.say(NoteKind.MARK, "longer", "communication", "3")
    widget.draw_entries()
    assert "3: longer (first: 2)" in widget.beside.value
    assert HARM not in widget.beside.value
    assert "private" not in widget.beside.value + widget.entries.value
    other.say(NoteKind.MARK, "too early", "communication", WITHDRAWN)
    assert (other.beside[0].own, other.beside[0].others, other.beside[0].hidden) == (None, (), 1)
    cockpit.look_at_others()
    assert cockpit.beside[0].others == ()
    assert CockpitWidget(cockpit).beside.value == ""


def test_what_was_said_reaches_the_scorecard_and_only_when_it_is_handed_over(cockpit: Cockpit, tmp_path: Path) -> None:
    cockpit.take(told(EVENTS))
    cockpit.say(NoteKind.HINT, "", FLAW, "1")
    cockpit.say(NoteKind.MARK, "asked back before judging", "communication", "3")
    with pytest.raises(UsageError, match="No submission of c-1 is scored yet; your entries are kept"):
        cockpit.hand_over()
    file = made.write(tmp_path / "done.ipynb", made.completed(made.review(findings=[AT_FLAW]), tmp_path))
    out = OutFolder(tmp_path)
    sha256 = score_into(tmp_path, file)
    row = out.scored()[sha256]
    publish([row], tmp_path)
    before = out.card(row)
    assert "2 decisions handed over" in cockpit.hand_over()
    after = out.card(out.scored()[sha256])
    points = {card: {d.id: (d.points, d.hints) for d in card_of.defects} for card, card_of in (("before", before), ("after", after))}
    assert points["after"][FLAW] == (pytest.approx(points["before"][FLAW][0] / 2, abs=1e-4), 1)
    communication = next(d for d in after.dimensions if d.dimension == "communication")
    assert communication.scored
    assert communication.points > 0
    assert "0 decisions handed over" in cockpit.hand_over()
    assert len(finished(stored.of(out.store_url, sha256))) == 2


# --- the widget -------------------------------------------------------------------------------------------------------
def test_the_widget_shows_it_escaped_keeps_entries_and_leads_through_the_guide(cockpit: Cockpit) -> None:
    cockpit.take(told(EVENTS[:5]))
    widget = CockpitWidget(cockpit)
    assert HARM not in widget.findings.value
    assert "&lt;script&gt;" in widget.findings.value
    assert "5 of 6 not found yet" in widget.flaws.value
    widget.flaw.value = FLAW
    assert cockpit.guide[FLAW].ask.split()[1] in widget.guide.value
    give, back = widget.ladder.buttons[0], widget.ladder.back
    give.click()
    give.click()
    assert "given already" in widget.said.value
    assert cockpit.standing.hints == {FLAW: ("1",)}
    assert len(cockpit.entries) == 1
    assert "given: 1" in widget.flaws.value
    assert (give.description, back.layout.display) == ("Hint 1 given", None)
    back.click()
    assert cockpit.standing.hints == {}
    assert (give.description, back.layout.display) == ("Give hint 1", "none")
    assert [row.layout.display for row in widget.ladder.rows].count(None) == len(cockpit.guide[FLAW].hints)
    assert not widget.note.continuous_update  # letters sent one by one are overtaken by the button
    assert not widget.why.continuous_update
    widget.note.value = HARM
    widget.add.click()
    assert widget.note.value == ""
    assert HARM not in widget.entries.value
    widget.item.value = (NoteKind.MARK, "communication")
    widget.rate.click()
    assert "choose the mark first" in widget.said.value
    widget.mark.value = "4"
    widget.rate.click()
    assert "without a reason" in widget.said.value
    widget.why.value = "named the cost"
    widget.rate.click()
    assert cockpit.standing.marks["communication"].outcome == "4"
    cockpit.quiet_minutes = 10**6
    widget.draw()
    assert "works alone" in widget.findings.value
    assert (widget.flaws.value, widget.runs.value) == ("", "")


def test_a_fault_while_following_is_on_the_screen(cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("somewhere in matching")

    async def three(*_: object) -> Any:
        yield Connected()
        yield told(EVENTS)[0]

    monkeypatch.setattr("reviewkit.live.cockpit.follow", three)
    monkeypatch.setattr("reviewkit.live.cockpit.match_state", broken)
    shown: list[bool] = []
    cockpit.start("token", lambda: shown.append(cockpit.link.is_up)).join(20)
    assert shown[-1] is False
    assert "ended with ArithmeticError" in cockpit.link.words
    monkeypatch.setattr("reviewkit.live.cockpit.follow", broken)
    cockpit.start("token", lambda: None).join(20)
    assert "ended with" in cockpit.link.words


# --- the intake -------------------------------------------------------------------------------------------------------
def test_it_follows_a_real_intake_through_its_death_and_nothing_comes_twice(tmp_path: Path) -> None:
    intake = Intake(tmp_path).start()
    own = at_work(5, intake.url)
    bearer = token(5, slug=SLUG, version="1.0.0", intake=intake.url)

    def send(events: list[Event]) -> None:
        body = json.dumps({"events": [event.model_dump(mode="json") for event in events]}).encode()
        assert intake.ask("POST", "/v1/records/abc123/events", body, bearer=bearer).status in (200, 201)

    cockpit = Cockpit(BANK, own, OutFolder(tmp_path / "out"), "i-1")
    thread = cockpit.start(intake.hiring, lambda: None)
    try:
        send(EVENTS[:2])
        intake.send(6, "other", chain(SAID))  # somebody else's session
        assert patience(30, lambda: len(cockpit.session.events) == 2), cockpit.link
        assert cockpit.link.is_up
        assert cockpit.board().findings[0].outcome is Outcome.MATCHED
        intake.stop(signal.SIGKILL)
        assert patience(30, lambda: not cockpit.link.is_up)
        assert "nothing is lost" in cockpit.link.words
        intake.start()
        send(EVENTS)
        assert patience(60, lambda: len(cockpit.session.events) == len(EVENTS)), cockpit.link
        assert cockpit.link.is_up
        assert list(cockpit.session.events) == EVENTS
        assert list(cockpit.session.records) == ["abc123"]
    finally:
        cockpit.stop()
        thread.join(20)
        assert not thread.is_alive()
    refused = Cockpit(BANK, own, OutFolder(tmp_path / "out"), "i-1")
    refused.start("no-token", lambda: None).join(30)
    assert (refused.link.is_up, "REVIEWKIT_INTAKE_TOKEN" in refused.link.words) == (False, True)
    assert intake.stop() == 0
