"""Promises of the intake's storage: a receipt means stored once and on disk; damage is told, never papered over."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_intake import AT, bearer, invite, long_chain, notebook, with_storage
from made_records import SAMPLES, chain
from sqlalchemy import text

from reviewkit.database import database_url
from reviewkit.errors import IntakeError
from reviewkit.event import Head
from reviewkit.intake import storage as storage_module
from reviewkit.intake import upkeep
from reviewkit.intake.acceptance import accept, read_batch
from reviewkit.intake.limits import INVITE_BYTES_MAX, Buckets, Budget, BudgetError, Shares, check_headers
from reviewkit.intake.opening import log_path
from reviewkit.intake.receipts import ReceiptLog
from reviewkit.intake.storage import Storage

EVENTS = chain(SAMPLES)


def refusal(folder: Path) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        with_storage(folder, lambda s: asyncio.sleep(0))
    return caught.value


async def fill(storage: Storage) -> None:
    """Two candidates with records and submissions, one commit each."""
    for number in (1, 2):
        await storage.add_events(bearer(number), "rec", EVENTS[:4], AT)
        await storage.add_submission(bearer(number), f"key-{number:06d}", notebook(number), AT)
        await storage.add_events(bearer(number), "rec", EVENTS, AT)
    await storage.change_invite(invite(3).id, "revoked", 0, AT)


# --- what is accepted -------------------------------------------------------------------------------------------------
def test_the_same_key_and_bytes_are_one_row_and_one_receipt(tmp_path: Path) -> None:
    async def work(storage: Storage) -> list[Any]:
        same = [storage.add_submission(bearer(), "key-000001", b"{}", AT) for _ in range(50)]
        receipts = await asyncio.gather(*same)
        with pytest.raises(IntakeError, match="another submission") as caught:
            await storage.add_submission(bearer(), "key-000001", b"[]", AT)
        assert caught.value.status == 409
        return receipts

    receipts = with_storage(tmp_path, work)
    assert len({r.receipt for r in receipts}) == 1
    assert sum(r.is_new for r in receipts) == 1
    with sqlite3.connect(tmp_path / "intake.sqlite") as connection:
        assert connection.execute("select count(*), max(body) from intake_submissions").fetchone() == (1, b"{}")


def test_receipts_need_the_secret(tmp_path: Path) -> None:
    async def work(storage: Storage) -> str:
        return (await storage.add_submission(bearer(), "key-000001", b"{}", AT)).receipt

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert with_storage(tmp_path / "a", work) != with_storage(tmp_path / "b", work)


def test_events_are_stored_once_and_in_order(tmp_path: Path) -> None:
    async def work(storage: Storage) -> None:
        assert (await storage.add_events(bearer(), "rec", EVENTS[:5], AT)).new_n == 5
        again = await storage.add_events(bearer(), "rec", EVENTS[:5], AT)
        more = await storage.add_events(bearer(), "rec", EVENTS[2:], AT)
        assert (again.new_n, again.head.seq) == (0, 5)
        assert (more.new_n, more.head) == (len(EVENTS) - 5, Head(EVENTS[-1].seq, EVENTS[-1].hash))
        with pytest.raises(IntakeError) as gap:
            await storage.add_events(bearer(), "other", EVENTS[1:], AT)
        with pytest.raises(IntakeError) as conflict:
            await storage.add_events(bearer(), "rec", long_chain(3), AT)
        assert (gap.value.reason, conflict.value.reason) == ("gap", "conflict")
        other = await storage.add_events(bearer(2), "rec", long_chain(3), AT)
        assert other.new_n == 3  # a record belongs to its invite: nobody can take another one's name

    with_storage(tmp_path, work)


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 9))
def test_any_order_of_sending_gives_a_prefix_of_the_record(order: list[int], known_n: int) -> None:
    events = long_chain(10)
    head = Head(events[known_n - 1].seq, events[known_n - 1].hash) if known_n else Head()
    stored = {event.seq: event.hash for event in events[:known_n]}
    try:
        accepted = accept(head, stored, [events[n] for n in order])
    except IntakeError as error:
        assert error.reason == "gap"
        return
    assert list(accepted.new) == events[known_n : known_n + len(accepted.new)]
    assert accepted.head.seq == known_n + len(accepted.new)


def test_one_refused_request_takes_nothing_from_those_it_shares_a_commit_with(tmp_path: Path) -> None:
    async def work(storage: Storage) -> None:
        jobs = [storage.add_events(bearer(n), "rec", EVENTS[n % 2 :], AT) for n in range(1, 21)]
        done = await asyncio.gather(*jobs, return_exceptions=True)
        assert [isinstance(d, IntakeError) for d in done] == [n % 2 == 1 for n in range(1, 21)]

    with_storage(tmp_path, work)
    with_storage(tmp_path, lambda s: asyncio.sleep(0))
    with sqlite3.connect(tmp_path / "intake.sqlite") as connection:
        assert connection.execute("select count(*) from intake_events").fetchone() == (10 * len(EVENTS),)


def test_a_candidates_share_of_the_disk_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert INVITE_BYTES_MAX > 25_000_000
    monkeypatch.setattr("reviewkit.intake.rows.INVITE_BYTES_MAX", 5000)

    async def work(storage: Storage) -> None:
        await storage.add_submission(bearer(), "key-000001", b"x" * 4000, AT)
        with pytest.raises(IntakeError) as caught:
            await storage.add_submission(bearer(), "key-000002", b"x" * 4000, AT)
        assert (caught.value.reason, caught.value.status) == ("quota", 429)
        await storage.add_submission(bearer(2), "key-000002", b"x" * 4000, AT)

    with_storage(tmp_path, work)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"events": []}', b'{"events": {}}', b'{"events": [1]}', b'{"events": [{}], "x": 1}', b"\xff", b'{"events": [NaN]}', b"[" * 100_000, b'{"events": [' + b"9" * 5000 + b"]}"],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(IntakeError) as caught:
        read_batch(body)
    assert (caught.value.reason, caught.value.status) == ("invalid", 400)


def test_an_event_that_was_changed_on_the_way_is_refused() -> None:
    import json

    event = EVENTS[1].model_dump(mode="json")
    for wrong in ({"data": {**event["data"], "body": "other"}}, {"t": "2026-11-21T10:00:00.001Z"}, {"hash": "0" * 64}, {"data": {**event["data"], "body": "\ud800"}}):
        with pytest.raises(IntakeError):
            read_batch(json.dumps({"events": [{**event, **wrong}]}).encode())
    assert read_batch(json.dumps({"events": [event]}).encode()) == [EVENTS[1]]


# --- durability -------------------------------------------------------------------------------------------------------
def test_every_connection_commits_durably(tmp_path: Path) -> None:
    async def work(storage: Storage) -> list[tuple[Any, ...]]:
        pragmas = ("journal_mode", "synchronous", "secure_delete")
        read = lambda c: tuple(c.execute(text(f"PRAGMA {p}")).scalar_one() for p in pragmas)  # noqa: E731
        return [await storage.database.write(read), *await asyncio.gather(*(storage.database.read(read) for _ in range(8)))]

    assert set(with_storage(tmp_path, work)) == {("wal", 2, 1)}


def test_nothing_is_confirmed_before_commit_and_log_are_on_disk(tmp_path: Path) -> None:
    """Two gates: first the log's sync, then nothing; the answer waits for it, and the row is committed by then."""
    gate, waiting = threading.Event(), threading.Event()
    armed = False

    def sync_file(handle: int) -> None:
        if armed:
            waiting.set()
            assert gate.wait(60)
        os.fsync(handle)

    async def work(storage: Storage) -> None:
        nonlocal armed
        armed = True
        answer = asyncio.create_task(storage.add_submission(bearer(), "key-000001", b"{}", AT))
        assert await asyncio.to_thread(waiting.wait, 20)
        with sqlite3.connect(tmp_path / "intake.sqlite") as other:
            assert other.execute("select count(*) from intake_submissions").fetchone() == (1,)
        assert not answer.done()
        gate.set()
        assert (await answer).is_new

    with_storage(tmp_path, work, sync_file=sync_file)


def test_a_commit_that_fails_confirms_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    async def work(storage: Storage) -> None:
        whole = storage.database.write

        async def failing(job: Callable[[Any], Any]) -> Any:
            def then_fail(connection: Any) -> Any:
                job(connection)
                raise sqlite_error("SQLITE_IOERR_FSYNC")

            return await whole(then_fail)

        storage.database.write = failing  # type: ignore[method-assign]
        stops: list[int] = []
        storage.on_stop = lambda: stops.append(1)
        with pytest.raises(IntakeError) as caught:
            await storage.add_submission(bearer(), "key-000001", b"{}", AT)
        assert (caught.value.reason, caught.value.status, stops) == ("stopped", 503, [1])
        storage.database.write = whole  # type: ignore[method-assign]
        with pytest.raises(IntakeError, match="nothing more is accepted"):
            await storage.add_submission(bearer(), "key-000001", b"{}", AT)

    with_storage(tmp_path, work)
    assert with_storage(tmp_path, lambda s: s.find_submission(invite().id, "key-000001", "x")) is None


def sqlite_error(name: str) -> sqlite3.OperationalError:
    """An error as SQLite's driver raises it."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name  # type: ignore[misc]
    return error


@pytest.mark.parametrize(("number", "status", "stops"), [(errno.ENOSPC, 507, False), (errno.EIO, 503, True), (errno.EDQUOT, 507, False)])
def test_a_log_that_cannot_be_written_confirms_nothing(tmp_path: Path, number: int, status: int, stops: bool) -> None:
    failing = False

    def sync_file(handle: int) -> None:
        if failing:
            raise OSError(number, os.strerror(number))
        os.fsync(handle)

    async def work(storage: Storage) -> None:
        nonlocal failing
        failing = True
        with pytest.raises(IntakeError) as caught:
            await storage.add_submission(bearer(), "key-000001", b"{}", AT)
        assert (caught.value.status, storage.stopped is not None) == (status, stops)
        failing = False
        if stops:
            with pytest.raises(IntakeError):
                await storage.add_submission(bearer(), "key-000001", b"{}", AT)
        else:  # the row is there, and confirming it writes its line first
            assert not (await storage.add_submission(bearer(), "key-000001", b"{}", AT)).is_new
            assert len(storage.log.confirmed.submissions) == 1

    with_storage(tmp_path, work, sync_file=sync_file)
    with_storage(tmp_path, lambda s: asyncio.sleep(0))
    assert len(ReceiptLog(tmp_path / "intake.sqlite.receipts").load().submissions) == 1


def test_below_the_floor_of_free_space_nothing_is_accepted_until_there_is_some(tmp_path: Path) -> None:
    async def work(storage: Storage) -> None:
        storage.free_bytes = lambda: storage_module.FREE_FLOOR - 1
        with pytest.raises(IntakeError) as caught:
            await storage.add_submission(bearer(), "key-000001", b"{}", AT)
        assert (caught.value.reason, caught.value.status) == ("disk_full", 507)
        storage.free_bytes = lambda: storage_module.FREE_FLOOR
        assert (await storage.add_submission(bearer(), "key-000001", b"{}", AT)).is_new

    with_storage(tmp_path, work)


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_BUSY", "SQLITE_CORRUPT", "SQLITE_CANTOPEN"])
def test_errors_of_the_database_are_told_apart(tmp_path: Path, name: str) -> None:
    from reviewkit.intake.database import told_apart

    wanted = {"SQLITE_FULL": ("disk_full", 507), "SQLITE_BUSY": ("busy", 503), "SQLITE_CORRUPT": ("damaged", 503)}
    found = told_apart(sqlite_error(name))
    assert (found.reason, found.status) == wanted.get(name, ("failed", 503))


# --- damage -----------------------------------------------------------------------------------------------------------
def kill_in_mid_flight(folder: Path) -> None:
    """Leave files as a killed service does: with everything still in the write-ahead log."""
    import subprocess
    import sys

    code = "import asyncio, os, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from made_intake import with_storage\n"
    code += "from test_intake_storage import fill\n"
    code += "async def work(s):\n    await fill(s)\n    os.kill(os.getpid(), 9)\nwith_storage(Path(sys.argv[1]), work)"
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(Path(__file__).parent)], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    kill_in_mid_flight(folder)
    assert (folder / "intake.sqlite-wal").stat().st_size > 0
    return folder


@pytest.fixture
def copy(killed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed, tmp_path / "copy"))


def test_a_killed_service_starts_again_with_everything(copy: Path) -> None:
    async def work(storage: Storage) -> None:
        assert len(storage.log.confirmed.submissions) == 2
        assert not (await storage.add_submission(bearer(1), "key-000001", notebook(1), AT)).is_new
        assert storage.revoked == {invite(3).id}

    with_storage(copy, work)
    url = database_url(str(copy / "intake.sqlite"))
    assert asyncio.run(upkeep.verify(url, log_path(url, None))) == []


def remove_wal(folder: Path) -> None:
    for end in ("-wal", "-shm"):
        (folder / f"intake.sqlite{end}").unlink()


def empty(folder: Path) -> None:
    remove_wal(folder)
    (folder / "intake.sqlite").write_bytes(b"")


def remove(folder: Path) -> None:
    remove_wal(folder)
    (folder / "intake.sqlite").unlink()


def remove_only_the_file(folder: Path) -> None:
    (folder / "intake.sqlite").unlink()


def noise(folder: Path) -> None:
    remove_wal(folder)
    (folder / "intake.sqlite").write_bytes(os.urandom(20_000))


def flip_pages(folder: Path) -> None:
    with sqlite3.connect(folder / "intake.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((folder / "intake.sqlite").read_bytes())
    for at in range(4096 + 200, len(data), 977):
        data[at] ^= 0xFF
    (folder / "intake.sqlite").write_bytes(data)


def lose_a_row(folder: Path) -> None:
    with sqlite3.connect(folder / "intake.sqlite") as connection:
        connection.execute("delete from intake_submissions where id = 1")


def lose_events(folder: Path) -> None:
    with sqlite3.connect(folder / "intake.sqlite") as connection:
        connection.execute("delete from intake_events where seq = 9")


def lose_a_revocation(folder: Path) -> None:
    with sqlite3.connect(folder / "intake.sqlite") as connection:
        connection.execute("delete from intake_invite_changes")


def damage_log(folder: Path) -> None:
    log = folder / "intake.sqlite.receipts"
    lines = log.read_bytes().split(b"\n")
    del lines[2]
    log.write_bytes(b"\n".join(lines))


def lose_log(folder: Path) -> None:
    (folder / "intake.sqlite.receipts").unlink()


def lose_a_table(folder: Path) -> None:
    with sqlite3.connect(folder / "intake.sqlite") as connection:
        connection.execute("drop table intake_events")


@pytest.mark.parametrize(
    "damage",
    [remove_wal, empty, remove, remove_only_the_file, noise, flip_pages, lose_a_row, lose_events, lose_a_revocation, damage_log, lose_log, lose_a_table],
)  # fmt: skip
def test_damage_is_refused_and_changes_nothing(copy: Path, damage: Callable[[Path], None]) -> None:
    damage(copy)
    before = {p.name: p.read_bytes() for p in copy.iterdir() if not p.name.endswith(("-shm", "-wal"))}
    error = refusal(copy)
    assert error.reason == "damaged"
    assert str(copy) not in str(error)
    assert str(error).count("\n") == 0
    after = {p.name: p.read_bytes() for p in copy.iterdir() if not p.name.endswith(("-shm", "-wal"))}
    assert {name: data for name, data in after.items() if name.endswith(".receipts")} == {n: d for n, d in before.items() if n.endswith(".receipts")}
    assert refusal(copy).reason == "damaged"  # a second start is no cure


def test_a_torn_last_line_of_the_log_is_no_damage(copy: Path) -> None:
    log = copy / "intake.sqlite.receipts"
    with log.open("ab") as stream:
        stream.write(b'{"kind":"submission","rec')
    with_storage(copy, lambda s: s.add_submission(bearer(4), "key-000004", b"{}", AT))
    assert len(ReceiptLog(log).load().submissions) == 3


def test_a_database_and_a_log_of_different_services_are_not_mixed(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with_storage(tmp_path / "other", fill)
    shutil.copy(tmp_path / "other" / "intake.sqlite.receipts", copy / "intake.sqlite.receipts")
    assert refusal(copy).reason in ("foreign", "damaged")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "intake.sqlite") as connection:
        connection.execute("create table mine (x)")
    assert refusal(tmp_path).reason == "foreign"


def test_a_person_can_accept_a_loss_and_go_on(copy: Path) -> None:
    lose_a_row(copy)
    url = database_url(str(copy / "intake.sqlite"))
    log = log_path(url, None)
    assert any("lost" in problem for problem in asyncio.run(upkeep.verify(url, log)))
    assert len(asyncio.run(upkeep.accept(url, log))) == 1
    assert asyncio.run(upkeep.verify(url, log)) == []
    with_storage(copy, lambda s: s.add_submission(bearer(1), "key-000009", b"{}", AT))


def test_verify_finds_what_a_start_does_not_look_for(copy: Path) -> None:
    with_storage(copy, lambda s: asyncio.sleep(0))
    with sqlite3.connect(copy / "intake.sqlite") as connection:
        connection.execute("update intake_submissions set body = x'7b7d' where id = 1")
        connection.execute("update intake_events set line = replace(line, 'loop', 'pool') where seq = 3 and invite = ?", (invite(2).id,))
    url = database_url(str(copy / "intake.sqlite"))
    problems = asyncio.run(upkeep.verify(url, log_path(url, None)))
    assert len(problems) == 2


def test_a_backup_is_whole_while_others_write(tmp_path: Path) -> None:
    url = database_url(str(tmp_path / "intake.sqlite"))

    async def work(storage: Storage) -> None:
        await fill(storage)
        writing = [storage.add_submission(bearer(9), f"key-9{n:05d}", notebook(9, size=n), AT) for n in range(40)]
        target, *_ = await asyncio.gather(upkeep.backup(storage, url, tmp_path / "backup"), *writing)
        assert target.stat().st_mode & 0o077 == 0

    with_storage(tmp_path, work)
    with_storage(tmp_path / "backup", lambda s: s.add_submission(bearer(9), "key-more01", b"{}", AT))


def test_purged_data_is_not_in_any_file(tmp_path: Path) -> None:
    async def work(storage: Storage) -> dict[str, int]:
        await fill(storage)
        await storage.add_submission(bearer(1), "key-secret1", b"the words of one candidate" * 500, AT)
        gone = await storage.purge("c-1", AT)
        with pytest.raises(IntakeError):
            await storage.add_events(bearer(1), "rec", EVENTS[5:], AT)
        assert invite(1).id in storage.revoked
        return gone

    gone = with_storage(tmp_path, work)
    assert gone == {"invites": 1, "events": len(EVENTS), "submissions": 2, "bytes": gone["bytes"]}
    for path in tmp_path.iterdir():
        assert b"the words of one candidate" not in path.read_bytes(), path.name
        assert b"c-1" not in path.read_bytes(), path.name
    with_storage(tmp_path, lambda s: asyncio.sleep(0))  # the log knows that it went on purpose


# --- limits -----------------------------------------------------------------------------------------------------------
GOOD = [(b"content-length", b"10"), (b"content-type", b"application/json")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (GOOD, None),
        ([(b"content-length", b"10"), (b"content-type", b"application/json; charset=utf-8")], None),
        (GOOD[1:], 411), ([*GOOD, (b"transfer-encoding", b"chunked")], 411), ([*GOOD, (b"content-length", b"10")], 411),
        ([(b"content-length", b"+10"), GOOD[1]], 411), ([(b"content-length", b"-1"), GOOD[1]], 411),
        ([(b"content-length", b"25000001"), GOOD[1]], 413), ([(b"content-length", b"9" * 12), GOOD[1]], 413),
        ([(b"content-length", b"9" * 13), GOOD[1]], 411),
        (GOOD[:1], 415), ([GOOD[0], (b"content-type", b"text/plain")], 415), ([*GOOD, GOOD[1]], 415),
        ([GOOD[0], (b"content-type", b"application/jsonx")], 415), ([*GOOD, (b"content-encoding", b"gzip")], 415),
    ],
)  # fmt: skip
def test_headers_are_checked_before_the_body(headers: list[tuple[bytes, bytes]], status: int | None) -> None:
    found = check_headers("POST", "/v1/submissions", headers)
    assert (found.status if found else None) == status


def test_a_bucket_fills_again_and_keys_do_not_share_it() -> None:
    buckets = Buckets(3, 1.0)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 1.0]
    assert buckets.take("b", 0.0) == 0
    assert buckets.take("a", 0.9) > 0
    assert buckets.take("a", 1.0) == 0


def test_bytes_in_memory_are_bounded_and_who_finds_no_place_waits() -> None:
    async def work() -> None:
        budget = Budget(100)
        async with budget.hold(60):
            waiting = [asyncio.create_task(enter(budget, size)) for size in (50, 50, 500)]
            await asyncio.sleep(0)
            assert (budget.used, [w.done() for w in waiting]) == (60, [False] * 3)
        await asyncio.gather(*waiting)
        assert budget.used == 0

    async def enter(budget: Budget, size: int) -> None:
        async with budget.hold(size):
            assert budget.used <= budget.size

    asyncio.run(work())


def test_one_owner_has_only_so_much_under_way() -> None:
    shares = Shares(100)
    with shares.hold(300, "a"), shares.hold(90, "b"):
        for owner, size in (("a", 1), ("b", 11)):
            with pytest.raises(BudgetError), shares.hold(size, owner):
                pass
        with shares.hold(10, "b"):
            pass
    with shares.hold(100, "a"):
        pass
