"""Sending a record on: in order, once, through kills of both ends; and what is decided without a network."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from made_intake import Intake, invite, patience, token, with_storage
from made_opening import FINDING, Candidate, consent
from made_records import OPENED, SAMPLES, SLUG, blank_workbook, chain, remark

from reviewkit.event import Head
from reviewkit.grants import Granted, Grants, issue
from reviewkit.intake.client import IntakeClient
from reviewkit.intake.limits import SUBMISSION_MAX
from reviewkit.intake.reading import submissions_page
from reviewkit.journal import Journal, journal_path
from reviewkit.opening import terms_of
from reviewkit.outgoing import Outgoing, Outgoings
from reviewkit.sender import Sender
from reviewkit.sending import LONGEST_PAUSE, REFUSED_PAUSE, Phase, Place, compare, completed, last_submit, pause
from reviewkit.submission import parse_submission

T = TypeVar("T")
Noted = Callable[[str, object], None]
AGREED = ("consent.given", consent()["data"])


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often either end is killed in the middle."""
    return 40 if request.config.getoption("--full") else 3


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    (tmp_path / "intake").mkdir()
    made = Intake(tmp_path / "intake").start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()


@dataclass
class Work:
    """A granted workbook with a journal, and what belongs to its invite."""

    folder: Path
    address: str
    number: int = 1
    name: str = "work"
    made: Granted = field(init=False)

    def __post_init__(self) -> None:
        home = self.folder / self.name
        own = invite(self.number, intake=self.address)
        blank = blank_workbook(home)
        self.made = issue(blank, home, candidate=own.candidate, record=own.id, terms=terms_of(own), grants=Grants(home / "state"))
        self.kept = Outgoings(home / "state")
        self.journal = Journal(journal_path(self.made.notebook, own.id), own.id)
        if self.kept.get(own.id) is None:
            self.kept.put(own.id, Outgoing(token=token(self.number, intake=self.address), intake=self.address, there=own.id))

    @property
    def record(self) -> str:
        return self.made.grant.record

    def write(self, *steps: tuple[str, dict[str, Any]]) -> None:
        count = len(self.journal.read().events)
        for n, (kind, data) in enumerate(steps):
            self.journal.append(f"{self.name}-{count + n}", kind, data)

    def sender(self, **options: Any) -> Sender:
        return Sender(self.made, Journal(self.journal.path, self.record), self.kept, draw=lambda: 0.0, **options)


async def until(sender: Sender, holds: Callable[[Sender], bool], seconds: float = 30) -> None:
    """Wait for a delivery, as the page does, and hurry as somebody who presses the button does."""
    async with asyncio.timeout(seconds):
        while not holds(sender):
            await asyncio.sleep(0.02)
            if sender.delivery.phase is Phase.OFFLINE:
                sender.hurry()


def run(sender: Sender, work: Callable[[Sender], Awaitable[T]]) -> T:
    async def inner() -> T:
        sender.start()
        try:
            return await work(sender)
        finally:
            await sender.stop()

    return asyncio.run(inner())


def all_sent(n: int) -> Callable[[Sender], bool]:
    return lambda sender: sender.delivery.phase is Phase.SENT and sender.delivery.sent_n == n


def stored(intake: Intake, record: str, number: int = 1) -> list[dict[str, Any]]:
    """All events that the intake holds."""
    events: list[dict[str, Any]] = []
    while True:
        after = events[-1]["seq"] if events else 0
        answer = intake.ask("GET", f"/v1/records/{record}?after={after}", bearer=token(number))
        if answer.status == 404:
            return events
        events += answer.json["events"]
        if not answer.json["more"]:
            return events


def lines(work: Work) -> list[dict[str, Any]]:
    return [json.loads(line) for line in work.journal.path.read_bytes().splitlines()]


def test_events_and_the_notebook_arrive_once_and_byte_for_byte(tmp_path: Path, intake: Intake) -> None:
    work = Work(tmp_path, intake.url)
    work.write(AGREED, *SAMPLES)

    async def handed_in(sender: Sender) -> str:
        await until(sender, lambda s: bool(s.delivery.receipt))
        return sender.delivery.receipt

    receipt = run(work.sender(), handed_in)
    assert stored(intake, work.record) == lines(work)
    kept = work.kept.get(work.record)
    assert kept is not None and kept.hand_in is not None
    assert (kept.hand_in.receipt, kept.hand_in.seq) == (receipt, len(SAMPLES) + 1)
    body = intake.ask("GET", f"/v1/submissions/{receipt}", bearer=intake.hiring).raw
    submission = parse_submission(body, Path("x.ipynb"))
    assert (submission.candidate, submission.slug) == ("c-1", SLUG)
    assert json.loads(body)["metadata"]["reviewkit"]["record"]["id"] == work.record
    assert submission.state.submitted
    assert not list((tmp_path / "work" / "state" / "invites").glob("*.ipynb")), "what was confirmed is not kept twice"
    assert run(work.sender(), handed_in) == receipt, "a server that starts again hands nothing in again"
    assert len(with_stopped(intake)) == 1


def with_stopped(intake: Intake) -> list[dict[str, Any]]:
    """Submissions in the database of an intake, which is stopped for it."""
    intake.stop()
    return with_storage(intake.folder, lambda storage: storage.read(lambda c: submissions_page(c, None, 0)))


def test_a_killed_intake_loses_doubles_and_reorders_nothing(tmp_path: Path, intake: Intake, kills: int, record_property: Noted) -> None:
    work = Work(tmp_path, intake.url)
    work.write(AGREED)
    rng = random.Random(1)

    async def burst(sender: Sender) -> None:
        for _ in range(kills):
            writing = asyncio.create_task(asyncio.to_thread(work.write, *[remark(f"f{n}") for n in range(30)]))
            before = sender.delivery.sent_n
            async with asyncio.timeout(60):  # the gate: it dies while events of this burst arrive
                while sender.delivery.sent_n < before + rng.randrange(1, 25):
                    sender.wake()
                    await asyncio.sleep(0)
            await asyncio.to_thread(intake.kill)
            await writing
            await asyncio.to_thread(work.write, remark("late"))
            await until_offline(sender)
            await asyncio.to_thread(intake.start)
            await until(sender, all_sent(len(lines(work))), 60)

    run(work.sender(), burst)
    assert stored(intake, work.record) == lines(work)
    assert [event["seq"] for event in lines(work)] == list(range(1, 31 * kills + 2))
    record_property("acknowledged", len(lines(work)))


async def until_offline(sender: Sender) -> None:
    """A write makes the next try; it fails, and that is said."""
    async with asyncio.timeout(30):
        while sender.delivery.phase is not Phase.OFFLINE:
            sender.wake()
            await asyncio.sleep(0.02)


@pytest.mark.kernel
def test_a_killed_server_goes_on_where_the_intake_stands(tmp_path: Path, intake: Intake, kills: int, record_property: Noted) -> None:
    """The candidate's own server dies in the middle; the journal was first, so nothing confirmed to the page is lost."""
    own = invite(2, intake=intake.url)
    server = Candidate(tmp_path / "candidate").prepare().start()
    confirmed: list[str] = []
    try:
        assert server.open(number=2, intake=intake.url)[0] == 302
        assert server.agree(own.id, intake.url) == 201
        for round_n in range(10 if kills > 10 else 1):
            for n in range(12):
                op = f"o-{round_n}-{n}"
                if server.post(own.id, op, "finding.added", FINDING | {"id": op}) == 201:
                    confirmed.append(op)
            server.stop(signal.SIGKILL)
            server.start()
            if round_n == 0:  # without anybody opening a page again
                assert patience(30, lambda: len(stored(intake, own.id, 2)) == len(confirmed) + 1)
        assert server.post(own.id, "last", "workbook.submitted", {}) == 201
        assert patience(40, lambda: bool(server.json("GET", f"api/outbox/{own.id}")[1]["receipt"])), server.said[-2000:]
        events = stored(intake, own.id, 2)
        assert [event["op"] for event in events] == ["consent-x", *confirmed, "last"]
        assert events == [e.model_dump(mode="json") for e in server.journal(own.id).read().events]
        record_property("acknowledged", len(events))
    finally:
        server.stop()


def test_a_lost_disk_gets_its_record_back_from_the_intake(tmp_path: Path, intake: Intake) -> None:
    first = Work(tmp_path, intake.url)
    first.write(AGREED, *SAMPLES[:4])
    run(first.sender(), lambda sender: until(sender, all_sent(5)))
    fresh = Work(tmp_path, intake.url, name="fresh")
    run(fresh.sender(), lambda sender: until(sender, all_sent(5)))
    assert lines(fresh) == lines(first)
    fresh.write(*SAMPLES[4:6])
    run(fresh.sender(), lambda sender: until(sender, all_sent(7)))
    assert stored(intake, first.record) == lines(fresh)


def test_work_begun_offline_on_a_fresh_disk_is_kept_beside_what_the_intake_holds(tmp_path: Path, intake: Intake) -> None:
    first, second = Work(tmp_path, intake.url), Work(tmp_path, intake.url, name="second")
    first.write(AGREED, *SAMPLES[:4])
    run(first.sender(), lambda sender: until(sender, all_sent(5)))
    second.write(AGREED, remark("other"), OPENED)
    run(second.sender(), lambda sender: until(sender, all_sent(3)))
    assert stored(intake, first.record) == lines(first)
    kept = second.kept.get(second.record)
    assert kept is not None and kept.there != second.record
    assert stored(intake, kept.there) == lines(second)
    second.write(remark("more"))
    run(second.sender(), lambda sender: until(sender, all_sent(4)))
    assert stored(intake, kept.there) == lines(second), "also after a restart"


def test_a_withdrawn_invite_is_said_and_nothing_is_lost(tmp_path: Path, intake: Intake) -> None:
    work = Work(tmp_path, intake.url)
    work.write(AGREED)
    run(work.sender(), lambda sender: until(sender, all_sent(1)))
    body = json.dumps({"change": "revoked", "exp": 0}).encode()
    assert intake.ask("POST", f"/v1/invites/{work.record}", body, bearer=intake.hiring).status == 201
    work.write(remark())
    sender = work.sender()
    run(sender, lambda s: until(s, lambda x: x.delivery.phase is Phase.REFUSED))
    assert sender.delivery.reason == "revoked"
    assert sender.delivery.message.startswith("This invite was withdrawn.")
    assert len(lines(work)) == 2


def test_an_answer_of_something_else_is_no_end(tmp_path: Path) -> None:
    """A proxy's page with status 200 is not taken for a receipt."""
    import httpx

    answers = httpx.MockTransport(lambda _request: httpx.Response(200, text="<html>Welcome to the hotel</html>"))
    work = Work(tmp_path, "https://intake.example.org")
    work.write(AGREED)
    sender = work.sender(make_client=lambda address, text: IntakeClient(address, text, patience=0, transport=answers))

    async def look(at: Sender) -> None:
        async with asyncio.timeout(20):
            await at.aligned.wait()

    run(sender, look)
    assert sender.delivery.phase is Phase.OFFLINE
    assert sender.delivery.sent_n == 0
    assert "cannot be read" in sender.delivery.message


def test_pauses_grow_with_jitter_up_to_a_bound() -> None:
    assert [pause(n, 1.0) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert pause(50, 1.0) == LONGEST_PAUSE
    assert {pause(4, draw) for draw in (0.0, 0.5)} == {4.0, 6.0}
    assert pause(1, 1.0, is_refused=True) == REFUSED_PAUSE


def test_where_a_record_stands() -> None:
    events = chain(SAMPLES)
    assert compare(events, Head()) is Place.FOLLOWS
    assert compare(events, Head(3, events[2].hash)) is Place.FOLLOWS
    assert compare(events, Head(3, "0" * 64)) is Place.OTHER
    assert compare(events[:2], Head(3, events[2].hash)) is Place.BEHIND
    assert compare([], Head()) is Place.FOLLOWS
    assert last_submit(events) == len(events)
    assert last_submit(events[:-1]) == 0


@pytest.mark.parametrize("document", [None, [], {"cells": 1}, {"metadata": {}}, {"cells": [], "metadata": [], "nbformat": 4, "nbformat_minor": 5}])
def test_a_damaged_file_still_gives_a_completed_workbook(tmp_path: Path, document: object) -> None:
    grant = Work(tmp_path, "").made.grant
    body = completed(document, grant, chain(SAMPLES))
    assert parse_submission(body, Path("x.ipynb")).state.submitted


def test_a_notebook_that_is_too_large_is_handed_in_without_its_outputs(tmp_path: Path) -> None:
    grant = Work(tmp_path, "").made.grant
    output = {"output_type": "stream", "name": "stdout", "text": "x" * SUBMISSION_MAX}
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "execution_count": 1, "source": "1", "outputs": [output]}
    body = completed({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, grant, chain(SAMPLES))
    assert len(body) < 100_000
    assert json.loads(body)["cells"] == [{**cell, "outputs": []}]


def test_a_restored_journal_is_a_continuation_or_untouched(tmp_path: Path) -> None:
    events = chain(SAMPLES)
    journal = Journal(tmp_path / ".reviewkit" / "r.jsonl", "r")
    assert journal.restore([])
    assert not journal.path.exists()
    assert journal.restore(events[:3])
    assert journal.restore(events)
    assert journal.read().events == tuple(events)
    before = journal.path.read_bytes()
    assert not journal.restore(events[1:]), "a part"
    assert not journal.restore(chain([OPENED, *SAMPLES])), "another record"
    assert not journal.restore(events[:-1]), "it has more than was given"
    assert journal.path.read_bytes() == before


def test_the_token_is_for_this_user_alone(tmp_path: Path) -> None:
    work = Work(tmp_path, "https://intake.example.org")
    file = tmp_path / "work" / "state" / "invites" / f"{work.record}.json"
    assert file.stat().st_mode & 0o077 == 0
    assert token(1, intake=work.address) not in repr(work.kept.get(work.record))
