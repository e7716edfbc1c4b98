"""What was confirmed survives kill -9 of the intake at any moment, a full disk and file-size limits."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import pytest
from made_intake import Answer, Intake, long_chain, notebook, token

from reviewkit.database import database_url
from reviewkit.event import Event
from reviewkit.intake import upkeep
from reviewkit.intake.client import IntakeClient
from reviewkit.intake.opening import log_path

CLIENTS = 8


class Candidate:
    """A client as a candidate's server is: sends again until it is told that it is stored."""

    def __init__(self, number: int, seed: int) -> None:
        self.number, self.chance = number, random.Random(seed)
        self.events: list[Event] = long_chain(4000)
        self.acked = 0
        self.receipts: dict[str, tuple[str, bytes]] = {}
        self.waiting: tuple[str, bytes] | None = None
        self.doubled = False

    def work(self, intake: Intake, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.step(intake)
            except (OSError, HTTPException):
                return  # the service is gone

    def step(self, intake: Intake) -> None:
        if self.waiting or self.chance.random() < 0.3:
            key, body = self.waiting or (f"key-{len(self.receipts):08d}", notebook(self.number, size=self.chance.randrange(40_000)))
            self.waiting = (key, body)
            answer = intake.submit(self.number, body, key, timeout=60)
            self.confirm(answer, key, body)
            return
        ahead = self.acked + self.chance.randrange(1, 8)
        answer = intake.send(self.number, "rec", self.events[max(0, self.acked - 2) : ahead], timeout=60)
        if answer.status in (200, 201):
            self.acked = answer.json["count"]
        else:
            assert answer.status in (409, 429, 503), answer.raw
            if answer.status == 409:  # the service stored what it could not confirm any more
                self.acked = intake.ask("GET", "/v1/records/rec?after=9999999", bearer=token(self.number)).json["count"]

    def confirm(self, answer: Answer, key: str, body: bytes) -> None:
        if answer.status in (200, 201):
            self.receipts[key] = (answer.json["receipt"], body)
            self.waiting = None
        else:
            assert answer.status in (429, 503), answer.raw

    def check(self, intake: Intake) -> None:
        """Everything that was confirmed is there, once, byte for byte."""
        facts = intake.ask("GET", "/v1/records/rec?after=9999999", bearer=token(self.number))
        count = facts.json["count"] if facts.status == 200 else 0
        assert count >= self.acked
        if count:
            assert facts.json["head"] == self.events[count - 1].hash
        rows = list(intake.ask("GET", f"/v1/submissions?invite=invite-{self.number:06d}", bearer=intake.hiring).json["submissions"])
        assert len({r["idempotency_key"] for r in rows}) == len(rows)
        known = {r["receipt"] for r in rows}
        for receipt, body in self.receipts.values():
            assert receipt in known
            assert intake.ask("GET", f"/v1/submissions/{receipt}", bearer=intake.hiring).raw == body


def test_a_killed_intake_loses_doubles_and_tears_nothing(
    tmp_path: Path, burst_count: int, record_property: Callable[[str, object], None]
) -> None:
    intake = Intake(tmp_path).start()
    chance, candidates = random.Random(5), [Candidate(n, n) for n in range(1, CLIENTS + 1)]
    for burst in range(burst_count):
        stop = threading.Event()
        threads = [threading.Thread(target=c.work, args=(intake, stop)) for c in candidates]
        before = sum(c.acked + len(c.receipts) for c in candidates)
        for thread in threads:
            thread.start()
        while sum(c.acked + len(c.receipts) for c in candidates) < before + 3 * CLIENTS * (burst % 3 + 1):
            time.sleep(0.002)
        time.sleep(chance.random() * 0.1)
        intake.kill()
        stop.set()
        for thread in threads:
            thread.join()
        intake.start()
    for candidate in candidates:
        candidate.check(intake)
    confirmed = sum(c.acked + len(c.receipts) for c in candidates)
    assert confirmed > 3 * CLIENTS * burst_count
    record_property("acknowledged", confirmed)
    if burst_count >= 20:
        assert confirmed >= 1000
    assert intake.stop() == 0
    url = database_url(str(tmp_path / "intake.sqlite"))
    assert asyncio.run(upkeep.verify(url, log_path(url, None))) == []


def test_the_client_brings_everything_over_a_kill_once_and_in_order(tmp_path: Path) -> None:
    """The client library alone, with its own retries, while the service dies and comes back."""
    intake = Intake(tmp_path).start()
    events, body = long_chain(1200), notebook(1, size=50_000)

    def kill_and_start() -> None:
        intake.kill()
        intake.start()

    async def work() -> str:
        async with IntakeClient(intake.url, token(1), patience=60) as client:
            killer = asyncio.create_task(asyncio.to_thread(kill_and_start))
            for end in range(100, 1300, 100):
                await client.push("rec", events[:end])
            handed_in = await client.submit(body)
            await killer
            again = await client.submit(body)
            assert again == handed_in
            assert await client.pull("rec") == events
            assert len((await client.invite())["submissions"]) == 1
            return handed_in.receipt

    receipt = asyncio.run(work())
    assert intake.ask("GET", f"/v1/submissions/{receipt}", bearer=intake.hiring).raw == body
    intake.stop()


# --- full disk --------------------------------------------------------------------------------------------------------
@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("a small disk of its own needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(intake: Intake, first: int = 0) -> list[int]:
    """Hand in 1 MB files of several candidates until one is refused; the codes."""
    codes = []
    for n in range(first, first + 60):
        codes.append(intake.submit(n % 7 + 1, notebook(n % 7 + 1, size=1_000_000), f"key-fill{n:04d}").status)
        if codes[-1] != 201:
            break
    return codes


def test_a_full_disk_is_told_and_recovered_from(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the floor of free space, so that the disk itself says no in the middle of a transaction."""
    code = "from reviewkit.intake import storage; storage.FREE_FLOOR = 0; from reviewkit.cli import main; main()"
    monkeypatch.setattr("reviewkit.intake.storage.FREE_FLOOR", 0)
    intake = Intake(small_disk)
    original = subprocess.Popen

    def patched(command: list[str], **options: object) -> object:
        if "-m" in command:
            at = command.index("-m")
            command = [*command[:at], "-c", code, *command[at + 2 :]]
        return original(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("made_intake.subprocess.Popen", patched)
    intake.start()
    codes = fill_up(intake)
    assert codes[-1] == 507, codes
    stored = codes.count(201)
    assert stored > 2
    refused = intake.submit(1, notebook(1, size=1_500_000), "key-again01")
    assert (refused.status, refused.json["reason"]) == (507, "disk_full")
    assert "Nothing was accepted" in refused.json["message"]
    assert intake.ask("GET", "/readyz").status == 200
    rows = intake.ask("GET", "/v1/submissions", bearer=intake.hiring).json["submissions"]
    assert len(rows) == stored
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = intake.submit(1, notebook(1, size=1_500_000), "key-again01")
    assert again.status == 201, again.raw
    assert intake.stop() == 0
    url = database_url(str(small_disk / "intake.sqlite"))
    assert asyncio.run(upkeep.verify(url, log_path(url, None))) == []


def test_a_file_size_limit_is_told_and_loses_nothing(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))

    intake = Intake(tmp_path, limits=limited).start()
    codes = fill_up(intake)
    assert codes[-1] == 507, codes
    rows = intake.ask("GET", "/v1/submissions", bearer=intake.hiring).json["submissions"]
    assert len(rows) == codes.count(201) > 0
    assert intake.ask("GET", "/healthz").status == 200
    small = intake.submit(9, notebook(9), "key-small01")
    assert small.status in (201, 507)
    assert intake.stop() == 0
    url = database_url(str(tmp_path / "intake.sqlite"))
    assert asyncio.run(upkeep.verify(url, log_path(url, None))) == []
    free = Intake(tmp_path, hiring=intake.hiring).start()
    assert free.submit(1, notebook(1), "key-after01").status == 201
    assert free.stop() == 0


def test_a_damaged_database_is_refused_by_the_command_with_one_line(tmp_path: Path) -> None:
    intake = Intake(tmp_path).start()
    intake.submit(1, notebook(1), "key-000001")
    intake.kill()
    for end in ("-wal", "-shm"):
        (tmp_path / f"intake.sqlite{end}").unlink()
    command = ["reviewkit", "intake", "serve", "--db", str(tmp_path / "intake.sqlite"), "--port", "0"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "REVIEWKIT_PUBKEY": "A" * 42 + "E"}
    )
    assert done.returncode == 1, done.stderr
    (line,) = [said for said in done.stderr.splitlines() if said.startswith("reviewkit: ")]
    assert "receipts were given" in line or "has lost" in line
    assert "Traceback" not in done.stderr
