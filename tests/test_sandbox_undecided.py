"""Nobody can have a check left undecided on purpose: whatever a candidate's code causes costs its points.

`not_measured` and `error` take mending out of the total, so a bad mend would gain by them. The attempts here go for each way
to them: to stall the parent so that it looks starved, to break the sandbox, to break the check and then the reference's
run that says whose fault it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox_bank import CHECK_IDS, MODULE, REFERENCE, make_bank
from sandbox_fixes import PRELUDE
from test_checks import change_check, outcomes, run
from test_sandbox import _descendants, soon
from test_sandbox_hostile import LATE

from reviewkit import checks
from reviewkit.bank import Entry
from reviewkit.harness import World
from reviewkit.harness.job import Job, Load
from reviewkit.pace import Pace, ticking
from reviewkit.sandbox import SandboxJob, SandboxLauncher, open_launcher

pytestmark = pytest.mark.sandbox
CAUSED = {"failed", "time_limit", "memory_limit", "crashed", "stopped"}
"""Outcomes that cost points."""

ATTEMPTS = {
    "waiting-for-locks": """
        held = sqlite3.connect("world:main", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        numbers = iter(range(1000, 100_000))
        def ask(op, **payload):
            parts = "".join(f',"{k}",{json.dumps(v)}' for k, v in payload.items())
            raw(frame(f'["l","ask",{next(numbers)},"{op}",["d"{parts}]]'))
        for link in range(2, 200):
            ask("db.connect", name="main", isolation_level=None)
            ask("db.execute", connection=link, sql="BEGIN IMMEDIATE", parameters=["l"])
            ask("db.close", connection=link)
            await asyncio.sleep(0.05)
        time.sleep(1000)
    """,
    "locks-of-another-journal": """
        held = sqlite3.connect("world:main", isolation_level=None)
        held.execute("PRAGMA journal_mode=DELETE")
        held.execute("BEGIN EXCLUSIVE")
        time.sleep(1000)
    """,
    "sleeping": "time.sleep(1000)",
    "many-values": """
        values = "".join(',["l",1]' for _ in range(120_000))
        for number in range(1000, 2000):
            raw(frame(f'["l","ask",{number},"emit",["d","kind","x","data",["l"{values}]]]'))
        await asyncio.sleep(1000)
    """,
    "endless-log": """
        writer, reader = (sqlite3.connect("world:main", isolation_level=None) for _ in range(2))
        writer.execute("CREATE TABLE filler (a)")
        writer.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                       "INSERT INTO filler SELECT hex(i) || printf('%01500d', i) FROM n")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM filler")
        while True:
            writer.execute("UPDATE filler SET a = a || 'x'")
    """,
    "answer-that-breaks-the-check": "return 'text'",
    "broken-check-and-busy-parent": """
        def burn():
            sqlite3.connect("world:main").execute(
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c")
        for _ in range(40): threading.Thread(target=burn, daemon=True).start()
        await asyncio.sleep(0.3)
        return 'text'
    """,
    "recursive-answer": "value = []\nfor _ in range(30): value = [value, value]\nreturn value",
}


def attempt(name: str) -> str:
    body = "\n".join(f"    {line}" for line in textwrap.dedent(ATTEMPTS[name]).strip().split("\n"))
    return PRELUDE.format(rubric="", outside="") + f"import json\nasync def total(prices):\n{body}\n"


@pytest.fixture(scope="module")
def launcher() -> Iterator[SandboxLauncher]:
    with open_launcher() as launcher:
        yield launcher


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    entry = make_bank(tmp_path)
    change_check(entry, "answer.value == sum(prices), f", "answer.value + 0 == sum(prices), f")
    return entry


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_costs_its_points(name: str, entry: Entry, launcher: SandboxLauncher) -> None:
    result = run(entry, {MODULE: attempt(name)}, launcher)[0]
    assert result.outcome in (*CAUSED, *LATE), result
    assert outcomes(run(entry, {MODULE: REFERENCE}, launcher)) == ["passed"] * 3


def test_a_mend_of_many_megabytes_does_not_load(entry: Entry, launcher: SandboxLauncher) -> None:
    """Not an error of the sandbox: nobody but the candidate made it so large."""
    results = run(entry, {MODULE: REFERENCE + "#" * 17_000_000}, launcher)
    assert outcomes(results) == ["failed"] * 3
    assert "larger than 16 MiB" in results[0].seen


def test_a_database_that_waits_for_a_lock_keeps_nobody_else_waiting() -> None:
    """Giving a connection back while its statement waits: the lock's holder is heard meanwhile, and sets it free."""

    async def go() -> dict[str, Any]:
        world = World()
        world.database("main", "CREATE TABLE t (n INTEGER)")
        for _ in range(2):
            await world.handle("db.connect", {"name": "main", "isolation_level": None})

        async def ask(connection: int, sql: str) -> dict[str, Any]:
            return await world.handle("db.execute", {"connection": connection, "sql": sql, "parameters": []})

        await ask(1, "BEGIN IMMEDIATE")
        waiting = asyncio.create_task(ask(2, "BEGIN IMMEDIATE"))
        link = world.db()._links[2]
        assert await asyncio.to_thread(soon, link.lock.locked)
        closing = asyncio.create_task(world.handle("db.close", {"connection": 2}))
        await asyncio.sleep(0)
        await ask(1, "COMMIT")
        reply = await waiting
        await closing
        world.close()
        return reply

    assert "error" not in asyncio.run(go())


def test_a_loop_that_is_kept_waiting_is_no_busy_machine() -> None:
    """What a guest asks for may keep the parent's loop; turns are counted elsewhere."""

    async def go() -> int:
        with ticking() as pace:
            end = time.monotonic() + 60
            while pace.ticks < 3 and time.monotonic() < end:
                time.sleep(0.01)  # noqa: ASYNC251 - in the loop, on purpose
            return pace.ticks

    assert asyncio.run(go()) >= 3


class Killing:
    """A launcher whose fork server dies with the first so many guests."""

    def __init__(self, launcher: SandboxLauncher, times: int) -> None:
        self.launcher, self.left = launcher, times

    async def launch(self, load: Load, world: World) -> Job:
        job = await self.launcher.launch(load, world)
        if self.left:
            self.left -= 1
            for zygote in self.launcher.servers.zygotes.values():  # type: ignore[attr-defined]
                for pid in _descendants(zygote._process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        return job


@pytest.mark.parametrize(("times", "outcome"), [(1, "passed"), (2, "crashed")])
def test_a_fork_server_that_dies_is_replaced_and_the_check_repeated_once(times: int, outcome: str, tmp_path: Path) -> None:
    entry = make_bank(tmp_path)
    with open_launcher() as launcher:
        results = asyncio.run(checks.run_hidden_checks(entry, "mend", {MODULE: REFERENCE}, Killing(launcher, times), 1))
    assert outcomes(results) == [outcome, *["passed"] * (len(CHECK_IDS) - 1)]


def test_a_guest_that_others_kept_from_running_gets_its_time_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others took is given back once, not again and again; a guest that sleeps gets nothing."""
    entry = make_bank(tmp_path)
    slow = REFERENCE.replace("return sum(prices)", "await __import__('asyncio').sleep(6); return sum(prices)")
    with open_launcher() as launcher:
        assert run(entry, {MODULE: slow}, launcher)[0].outcome in ("time_limit", *LATE)  # the check gives it 4 s
        monkeypatch.setattr(SandboxJob, "look", lambda job: 3.0)
        assert run(entry, {MODULE: slow}, launcher)[0].outcome == "passed"
        monkeypatch.setattr(SandboxJob, "look", lambda job: 1.0)
        assert run(entry, {MODULE: slow}, launcher)[0].outcome in ("time_limit", *LATE)


def test_an_endless_loop_is_one_on_a_busy_machine_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of wall time on a busy machine, it is run again for as long as its processor time lasts."""
    entry = make_bank(tmp_path)
    endless = REFERENCE.replace('connection = sqlite3.connect("world:main")', "while True: pass")
    monkeypatch.setattr(Pace, "starved", lambda *_: True)
    with open_launcher() as launcher:
        results = run(entry, {MODULE: endless}, launcher)
    assert [result.outcome for result in results if result.check == "is-kept"] == ["time_limit"], results
