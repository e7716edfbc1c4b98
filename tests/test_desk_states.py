"""The hiring desk: which scenarios suit, where each candidate stands, and the whole way with a real intake."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import made_submissions as made
import pytest
from made_intake import NOW, Intake, invite

from reviewkit.bank import find_bank
from reviewkit.desk import Choice, Received, Source, Standing, choice_of, places, suitable
from reviewkit.desk_widget import Desk, about, people, scored_words
from reviewkit.deskwork import DeskWork
from reviewkit.errors import UsageError
from reviewkit.event import Event
from reviewkit.intake.client import IntakeClient
from reviewkit.invite import read, token_of
from reviewkit.invite_links import Places, links
from reviewkit.invite_store import KnownInvite
from reviewkit.invite_terms import Terms
from reviewkit.inviting import token
from reviewkit.keyring import given_public_keys, keys_folder, new_key, public_text, read_keys
from reviewkit.row import Row
from reviewkit.words import Domain, Level

BANK = find_bank(made.ROOT)
INTAKE = "https://intake.example.org"
SHA = "a" * 64
SCORED = Row("x.ipynb", SHA, candidate="c-1", scenario=invite().slug, total=61.0, over=97.0, scorecard="s.json", report="r.html")


@pytest.mark.parametrize(
    ("came", "rows", "changed", "expected"),
    [
        (Received(), [], {}, Standing.INVITED),
        (Received(1, "t"), [], {}, Standing.OPENED),
        (Received(2, "t"), [], {}, Standing.WORKING),
        (Received(9, "t", ("b" * 64,)), [], {}, Standing.SUBMITTED),
        (Received(9, "t", (SHA,)), [SCORED], {}, Standing.SCORED),
        (Received(9, "t", (SHA, "b" * 64)), [SCORED], {}, Standing.SUBMITTED),  # a later file is not scored yet
        (Received(9, "t", (SHA,)), [replace(SCORED, unscored="no_bank", scorecard="")], {}, Standing.SUBMITTED),
        (Received(2, "t"), [], {"exp": NOW - 1}, Standing.EXPIRED),
        (Received(2, "t", (SHA,)), [], {"exp": NOW - 1}, Standing.SUBMITTED),
        (Received(2, "t"), [], {"revoked": True}, Standing.WITHDRAWN),
        (Received(), [SCORED], {}, Standing.SCORED),  # handed in as a file
        (Received(), [replace(SCORED, candidate="c-2")], {}, Standing.INVITED),
    ],
)
def test_a_candidate_stands_where_what_came_says(came: Received, rows: list[Row], changed: dict[str, object], expected: Standing) -> None:
    made_invite = invite(intake=INTAKE, exp=changed.get("exp", NOW + 1))
    known = KnownInvite(made_invite, NOW, NOW if "revoked" in changed else None)
    (place,) = places([known], {made_invite.id: came}, rows, {INTAKE}, NOW)
    assert (place.standing, place.source) == (expected, Source.INTAKE)


def test_an_invite_that_no_intake_tells_of_says_so_and_closed_ones_come_last() -> None:
    known = [KnownInvite(invite(1), NOW), KnownInvite(invite(2, intake=INTAKE), NOW), KnownInvite(invite(3), NOW, NOW), KnownInvite(invite(4), NOW)]
    found = places(known, {}, [], (), NOW)
    assert [(p.candidate, p.source) for p in found] == [
        ("c-4", Source.FILE), ("c-2", Source.SILENT), ("c-1", Source.FILE), ("c-3", Source.FILE),
    ]  # fmt: skip
    shown = people(tuple(found), Path("out"))
    assert "invited; comes as a file" in shown
    assert "invited; its intake does not answer" in shown
    assert "<td>withdrawn</td>" in shown


def test_scenarios_are_chosen_by_what_they_assess_for_whom_and_how_long() -> None:
    one = Choice("one", "One", "", 60, False, frozenset({Domain.DATABASE}), frozenset({Level.SENIOR}))
    two = Choice("two", "Two", "", 30, False, frozenset({Domain.DATABASE, Domain.API_BOUNDARIES}), frozenset({Level.JUNIOR}))
    warm = Choice("a", "Warm-up", "", 15, True)
    every = [warm, one, two]
    assert [c.slug for c in suitable(every)] == ["one", "two", "a"]
    assert [c.slug for c in suitable(every, [Domain.DATABASE, Domain.API_BOUNDARIES])] == ["two", "one"]
    assert [c.slug for c in suitable(every, [Domain.API_BOUNDARIES], Level.SENIOR)] == []
    assert [c.slug for c in suitable(every, level=Level.SENIOR)] == ["one"]
    assert [c.slug for c in suitable(every, minutes=30)] == ["two", "a"]


def test_a_choice_says_what_it_is_for_and_nothing_of_its_defects() -> None:
    for entry in BANK:
        shown = about(choice_of(entry))
        assert entry.rubric.ideal_for.split(",")[0] in shown
        assert not [d.id for d in entry.rubric.defects if d.title in shown]


def test_what_others_wrote_is_shown_as_text() -> None:
    known = KnownInvite(invite(intake=INTAKE), NOW)
    (place,) = places([known], {}, [], (), NOW)
    shown = people((replace(place, candidate="<img src=x>", slug="\u202ex"),), Path("<b>"))
    assert "<img" not in shown
    assert "&lt;img src=x&gt;" in shown
    assert "\u202e" not in shown


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskWork:
    """A desk with an invite that names no intake."""
    monkeypatch.setenv("REVIEWKIT_KEYS", str(tmp_path / "keys"))
    new_key(tmp_path / "keys")
    desk = DeskWork(BANK, tmp_path / "out", f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}", Places(repo="owner/site"))
    desk.invite(made.SLUG, "c-1", Terms(days=1))
    return desk


def test_an_invite_gets_more_time_and_links_of_its_own(work: DeskWork) -> None:
    (before,) = work.look().places
    desk = Desk(work)
    change = desk.change
    change.extend.click()
    assert "Choose an invite first." in change.said.value
    change.person.index, change.days.value = 1, 9
    change.extend.click()
    (after,) = work.look().places
    assert after.exp > before.exp + 7 * 86_400
    assert "valid until" in change.said.value
    signed = read(token_of(change.links.children[0].value), given_public_keys(public_text(read_keys(keys_folder()))))
    assert (signed.id, signed.exp) == (before.invite, after.exp)
    assert time.strftime("%Y-%m-%d", time.gmtime(after.exp)) in desk.table.value
    change.extend.click()
    assert work.look().places[0].exp - after.exp < 60, "from now, not from before"
    change.days.value = 1
    change.extend.click()
    assert "This invite is valid longer than that already." in change.said.value


def test_an_invite_is_withdrawn_only_when_asked_twice(work: DeskWork) -> None:
    work.invite(made.SLUG, "c-2", Terms())
    desk = Desk(work)
    change = desk.change

    def states() -> dict[str, Standing]:
        return {place.candidate: place.standing for place in work.look().places}

    assert change.asked.layout.display == "none"
    change.withdraw.click()
    assert "Choose an invite first." in change.said.value
    assert change.asked.layout.display == "none"
    change.person.index = next(at for at, (label, _) in enumerate(change.person.options) if label.startswith("c-1,"))
    change.withdraw.click()
    assert change.asked.layout.display is None
    assert "cannot be made to work again" in change.said.value
    change.keep.click()
    assert change.asked.layout.display == "none"
    change.withdraw.click()
    change.person.index = 1 if change.person.index == 2 else 2  # somebody else: asked anew
    assert change.asked.layout.display == "none"
    assert set(states().values()) == {Standing.INVITED}
    change.person.index = next(at for at, (label, _) in enumerate(change.person.options) if label.startswith("c-1,"))
    change.withdraw.click()
    change.sure.click()
    assert states() == {"c-1": Standing.WITHDRAWN, "c-2": Standing.INVITED}
    assert "is withdrawn" in change.said.value
    assert [label.split(",")[0] for label, _ in change.person.options] == ["choose one", "c-2"]
    assert change.person.value == ""
    assert "withdrawn" in desk.table.value


def test_a_change_that_the_intake_was_not_told_is_told_when_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "keys"
    monkeypatch.setenv("REVIEWKIT_KEYS", str(keys))
    service = Intake(tmp_path, pubkey=public_text([new_key(keys)])).start()
    try:
        work = DeskWork(BANK, tmp_path / "out", f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}", Places(repo="owner/site"))
        one = work.invite(made.SLUG, "c-1", Terms(intake=service.url)).invite
        signed = token(one, keys)
        monkeypatch.delenv("REVIEWKIT_INTAKE_TOKEN", raising=False)
        change = Desk(work).change

        def withdraw() -> str:
            change.person.value = one.id
            change.withdraw.click()
            change.sure.click()
            return str(change.said.value)

        assert "stored here, but the intake" in withdraw()
        monkeypatch.setenv("REVIEWKIT_INTAKE_TOKEN", "not-a-token")
        assert "stored here, but the intake" in withdraw()
        assert service.ask("GET", "/v1/invite", bearer=signed).status == 200
        monkeypatch.setenv("REVIEWKIT_INTAKE_TOKEN", service.hiring)
        assert "is withdrawn" in withdraw()
        assert service.ask("GET", "/v1/invite", bearer=signed).json["reason"] == "revoked"
        assert one.id not in [value for _label, value in change.person.options]
    finally:
        service.stop()


def test_without_invites_there_is_nothing_to_change(tmp_path: Path) -> None:
    work = DeskWork(BANK, tmp_path / "out", f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}", Places(repo="owner/site"))
    assert Desk(work).change.box.layout.display == "none"


@pytest.mark.timeout(300)
@pytest.mark.kernel
@pytest.mark.sandbox
def test_from_invitation_to_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "keys"
    monkeypatch.setenv("REVIEWKIT_KEYS", str(keys))
    service = Intake(tmp_path, pubkey=public_text([new_key(keys)])).start()
    try:
        monkeypatch.setenv("REVIEWKIT_INTAKE_TOKEN", service.hiring)
        desk = DeskWork(BANK, tmp_path / "out", f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}", Places(repo="owner/site"))
        with pytest.raises(UsageError):
            desk.invite(made.SLUG, "a name with blanks", Terms(intake=service.url))
        assert desk.look().places == ()
        one = desk.invite(made.SLUG, "c-1", Terms(minutes=20, intake=service.url))
        signed = token(one.invite, keys)
        assert list(one.links) == links(signed, Places(repo="owner/site"))

        def standing() -> Standing:
            (place,) = desk.look().places
            return place.standing

        notebook = made.completed(made.review(), tmp_path)
        record = notebook["metadata"]["reviewkit"]["record"]
        record["candidate"] = ""  # the invite knows better
        events = [Event.model_validate(event) for event in record["events"]]

        async def hand_in(count: int, body: bytes = b"") -> None:
            async with IntakeClient(service.url, signed) as client:
                await client.push(record["id"], events[:count])
                if body:
                    await client.submit(body)

        seen = [standing()]
        for step in ((1, b""), (3, b""), (len(events), json.dumps(notebook).encode())):
            asyncio.run(hand_in(*step))
            seen.append(standing())
        told: list[Row] = []
        rows = desk.score(told.append)
        seen.append(standing())
        assert seen == [Standing.INVITED, Standing.OPENED, Standing.WORKING, Standing.SUBMITTED, Standing.SCORED]
        assert len(told) == 1
        assert [(row.candidate, row.unscored, row.marks) for row in rows] == [("c-1", "", "candidate_missing")]
        (row,) = rows
        card = desk.out.card(row)
        assert (card.about.candidate, row.tampering) == ("c-1", 0), "scorecard and row name the invite's candidate"
        report = (desk.out.root / row.report).read_text("utf-8")
        assert "c-1" in report.partition("Candidate <strong>")[2][:60]
        assert desk.out.scored()[row.sha256].candidate == "c-1", "also where a decision writes the row again"
        assert desk.score(told.append) == [], "what is scored is not scored again"
        assert "of " in people(desk.look().places, tmp_path / "out")
    finally:
        service.kill()
    monkeypatch.setattr("reviewkit.deskwork._PATIENCE", 0)
    seen_without = desk.look()
    assert [place.standing for place in seen_without.places] == [Standing.SCORED]
    assert len(seen_without.notes) == 1
    assert service.url in seen_without.notes[0]
    monkeypatch.delenv("REVIEWKIT_INTAKE_TOKEN")
    assert "REVIEWKIT_INTAKE_TOKEN is not set" in desk.look().notes[0]


def test_words_after_scoring_name_what_could_not_be_scored() -> None:
    failed = Row("b.ipynb", "", unscored="not_json", sentence="b.ipynb: is not JSON.")
    assert scored_words([SCORED, failed]) == ["1 scored.", "Unscored (not_json): b.ipynb: is not JSON."]
    assert scored_words([]) == ["Nothing new was submitted."]
