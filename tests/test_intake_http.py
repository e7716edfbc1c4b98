"""Promises of the running intake, asked over real connections: rules, hostile clients, the stream, stopping."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_intake import KEYS, Intake, invite, long_chain, notebook, patience, token, with_storage
from made_records import SAMPLES, chain

from reviewkit.intake.access import Verified
from reviewkit.intake.app import make_app
from reviewkit.intake.limits import FAILURE_BURST, FAILURE_WAITING_MAX, HEADER_SECONDS, Buckets
from reviewkit.intake.service import Service
from reviewkit.intake.storage import Storage

EVENTS = chain(SAMPLES)
JSON = "content-type: application/json\r\n"


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    running = Intake(tmp_path_factory.mktemp("intake")).start()
    yield running
    if running.process and running.process.poll() is None:
        running.kill()


def raw(intake: Intake, text: str, *, wait: float = 5) -> bytes:
    """What the service answers to bytes as they are, until it closes or falls silent."""
    with socket.create_connection(("127.0.0.1", intake.port), timeout=wait) as connection:
        connection.sendall(text.encode("latin-1"))
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
                head, _, body = got.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if length and len(body) >= int(length[1]):
                    break
        except TimeoutError:
            pass
        return got


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# --- what is accepted -------------------------------------------------------------------------------------------------
def test_a_submission_has_one_receipt_and_comes_back_byte_for_byte(intake: Intake) -> None:
    body = notebook(1, size=6_000_000)  # read in a process of its own
    first, again = intake.submit(1, body, "key-000001"), intake.submit(1, body, "key-000001")
    other = intake.submit(1, notebook(1, size=5), "key-000001")
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert first.json == again.json
    receipt = first.json["receipt"]
    assert intake.ask("GET", f"/v1/submissions/{receipt}", bearer=intake.hiring).raw == body
    assert intake.ask("GET", f"/v1/receipts/{receipt}", bearer=token(1)).json["sha256"] == first.json["sha256"]
    assert intake.ask("GET", f"/v1/receipts/{receipt}", bearer=token(2)).status == 404
    assert intake.submit(1, notebook(1, size=7), "key-000002").status == 201


def test_fifty_equal_submissions_at_once_are_one(intake: Intake) -> None:
    body = notebook(3, size=100_000)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: intake.submit(3, body, "key-equal1"), range(50)))
    assert sorted(a.status for a in answers) == [200] * 49 + [201]
    assert len({a.raw for a in answers}) == 1
    rows = intake.ask("GET", f"/v1/submissions?invite={invite(3).id}", bearer=intake.hiring).json["submissions"]
    assert len(rows) == 1


def test_many_candidates_at_once_are_all_served(intake: Intake) -> None:
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda n: intake.send(n, "rec", EVENTS), range(100, 160)))
    assert {a.status for a in answers} == {201}
    assert {a.json["count"] for a in answers} == {len(EVENTS)}
    assert "locked" not in intake.said


def test_a_record_can_be_read_back_by_its_owner_only(intake: Intake) -> None:
    events = long_chain(700, "slow " * 20)
    assert intake.send(4, "mine", events[:400]).status == 201
    assert intake.send(4, "mine", events[:400]).status == 200
    gap = intake.send(4, "mine", events[401:500])
    assert (gap.status, gap.json["reason"]) == (409, "gap")
    assert intake.send(4, "mine", events[400:]).status == 201
    page = intake.ask("GET", "/v1/records/mine", bearer=token(4)).json
    rest = intake.ask("GET", f"/v1/records/mine?after={page['events'][-1]['seq']}", bearer=token(4)).json
    assert [e["hash"] for e in page["events"] + rest["events"]] == [e.hash for e in events]
    assert (page["more"], rest["more"], rest["head"]) == (True, False, events[-1].hash)
    assert intake.ask("GET", "/v1/records/mine", bearer=token(5)).status == 404
    assert intake.ask("GET", f"/v1/records/mine?invite={invite(4).id}", bearer=token(5)).status == 404
    assert intake.ask("GET", f"/v1/records/mine?invite={invite(4).id}", bearer=intake.hiring).status == 200
    assert intake.ask("GET", "/v1/invite", bearer=token(4)).json["records"] == [
        {"record": "mine", "count": 700, "head": events[-1].hash}
    ]


def test_the_invite_decides_whose_work_it_is(intake: Intake) -> None:
    foreign = intake.submit(6, notebook(7), "key-000006")
    large = intake.submit(6, notebook(7, size=6_000_000), "key-000008")
    broken = intake.submit(6, b"[" + b"1," * 3_000_000 + b"1]", "key-000009")
    assert [(a.status, a.json["reason"]) for a in (large, broken)] == [(422, "other_invite"), (422, "unreadable")]
    unnamed = intake.submit(6, notebook(6, record={**json.loads(notebook(6))["metadata"]["reviewkit"]["record"], "candidate": ""}), "key-000007")
    assert (foreign.status, foreign.json["reason"]) == (422, "other_invite")
    assert unnamed.status == 201
    (row,) = intake.ask("GET", f"/v1/submissions?invite={invite(6).id}", bearer=intake.hiring).json["submissions"]
    assert row["candidate"] == "c-6"


# --- who may ask ------------------------------------------------------------------------------------------------------
def test_only_one_valid_token_opens_anything(intake: Intake) -> None:
    expired, early = token(8, exp=5, iat=1), token(8, iat=2**35)
    for sent, code, reason in (
        ({}, 401, "unauthorized"), ({"Authorization": "Basic x"}, 401, "unauthorized"), ({"Authorization": "Bearer"}, 401, "unauthorized"),
        ({"Authorization": f"Bearer {token(8)}x"}, 401, "malformed"), ({"Authorization": f"Bearer {expired}"}, 403, "expired"),
        ({"Authorization": f"Bearer {early}"}, 403, "not_yet_valid"), ({"Authorization": f"Bearer rkh_{'x' * 43}"}, 401, "malformed"),
    ):  # fmt: skip
        answer = intake.ask("GET", "/v1/invite", headers=sent)
        assert (answer.status, answer.json["reason"]) == (code, reason)
    assert status(raw(intake, f"GET /v1/invite HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(8)}\r\nauthorization: Bearer {token(8)}\r\n\r\n")) == 401
    for path in ("/v1/submissions", "/v1/invites", "/v1/stream", "/v1/submissions/r_" + "x" * 32):
        assert intake.ask("GET", path, bearer=token(8)).status == 403
    assert intake.ask("DELETE", "/v1/candidates/c-8", bearer=token(8)).status == 403
    assert intake.ask("POST", f"/v1/invites/{invite(9).id}", b'{"change":"revoked"}', bearer=token(8)).status == 403
    assert intake.submit(8, notebook(8), "key-000008").status == 201
    assert intake.ask("POST", "/v1/submissions", notebook(8), bearer=intake.hiring, headers={"Idempotency-Key": "key-000009"}).status == 403


def test_a_revoked_invite_is_refused_and_an_extended_one_goes_on(intake: Intake) -> None:
    change = f"/v1/invites/{invite(10).id}"
    old = token(11, exp=int(time.time()) - 5)
    assert intake.ask("GET", "/v1/invite", bearer=old).status == 403
    assert intake.ask("POST", f"/v1/invites/{invite(11).id}", b'{"change":"extended","exp":%d}' % (2**35), bearer=intake.hiring).status == 201
    assert intake.ask("GET", "/v1/invite", bearer=old).json["exp"] == 2**35
    assert intake.ask("GET", "/v1/invite", bearer=token(10)).status == 200
    assert intake.ask("POST", change, b'{"change":"revoked"}', bearer=intake.hiring).status == 201
    answer = intake.ask("GET", "/v1/invite", bearer=token(10))
    assert (answer.status, answer.json["reason"]) == (403, "revoked")
    for body in (b"{}", b'{"change":"x"}', b'{"change":"revoked","exp":"1"}', b"[]", b"\xff"):
        assert intake.ask("POST", change, body, bearer=intake.hiring).status == 400


def test_purging_says_what_went_and_lets_nothing_come_back(intake: Intake) -> None:
    assert intake.send(12, "rec", EVENTS).status == 201
    assert intake.submit(12, notebook(12), "key-000012").status == 201
    gone = intake.ask("DELETE", "/v1/candidates/c-12", bearer=intake.hiring).json["deleted"]
    assert (gone["invites"], gone["events"], gone["submissions"]) == (1, len(EVENTS), 1)
    assert intake.send(12, "rec", EVENTS).status == 403
    assert intake.ask("DELETE", "/v1/candidates/c-12", bearer=intake.hiring).json["deleted"]["events"] == 0


# --- hostile clients --------------------------------------------------------------------------------------------------
def test_every_answer_is_safe_json(intake: Intake) -> None:
    for answer in (
        intake.ask("GET", "/nothing"), intake.ask("PUT", "/v1/submissions", b"{}"), intake.ask("OPTIONS", "/v1/submissions", headers={"Origin": "https://x"}),
        intake.ask("GET", "/v1/records/..%2f..%2fetc", bearer=token(13)), intake.ask("GET", "/v1/records/a?after=x", bearer=token(13)),
        intake.ask("POST", "/v1/submissions", b"{}", bearer=token(13)), intake.ask("GET", "/healthz"), intake.ask("HEAD", "/nothing"),
        intake.ask("POST", "/v1/submissions", b"{}", bearer=token(13), headers={"Idempotency-Key": "short"}),
    ):  # fmt: skip
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["content-type"] == "application/json"
        assert answer.status < 500
        assert not re.search(rb"/tmp|Traceback|File |sqlite|SELECT", answer.raw)
        if answer.status >= 400 and answer.raw:
            assert set(answer.json) == {"reason", "message"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ("transfer-encoding: chunked\r\n" + JSON, 411), (JSON, 411), ("content-length: 26000000\r\n" + JSON, 413),
        ("content-length: 2\r\ncontent-length: 3\r\n" + JSON, 400), ("content-length: two\r\n" + JSON, 400),
        ("content-length: 2\r\ncontent-type: text/plain\r\n", 415), ("content-length: 2\r\ncontent-encoding: gzip\r\n" + JSON, 415),
        ("content-length: 2\r\ncontent-type: application/x-www-form-urlencoded\r\n", 415),
    ],
)  # fmt: skip
def test_a_request_is_refused_before_its_body(intake: Intake, headers: str, code: int) -> None:
    answer = raw(intake, f"POST /v1/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(14)}\r\n{headers}\r\n")
    assert status(answer) == code
    assert b"nosniff" in answer
    json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("text", ["GARBAGE\r\n\r\n", "GET / HTTP/x\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "GET /" + "a" * 70_000, "GET / HTTP/1.1\r\nx: " + "y" * 40_000])
def test_what_is_no_http_gets_an_answer_or_an_end(intake: Intake, text: str) -> None:
    answer = raw(intake, text, wait=3)
    assert not answer or status(answer) == 400
    assert intake.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"[]", b"{}", b"null", b'{"cells":', b"\xff\xfe", b"[" * 200_000, b'{"a":' * 60_000, b"1" * 100_000, b'{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}', b'{"a":1,"a":2}', b'{"a":NaN}', b'"\\ud800"'],
)  # fmt: skip
def test_a_body_that_is_no_workbook_is_refused_with_a_reason(intake: Intake, body: bytes) -> None:
    answer = intake.submit(15, body, "key-000015")
    assert (answer.status, answer.json["reason"]) == (422, "unreadable")


def test_honest_requests_are_served_while_slow_clients_hold_on(intake: Intake) -> None:
    """Dripping headers fill all connections, dripping bodies with a valid invite wait; others get their answer."""
    held: list[socket.socket] = []
    try:
        for n in range(450):
            connection = socket.create_connection(("127.0.0.1", intake.port), timeout=60)
            held.append(connection)
            if n % 10 == 0:
                head = f"POST /v1/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(1000 + n)}\r\nidempotency-key: key-slow01\r\n"
                connection.sendall(f"{head}content-length: 2000000\r\n{JSON}\r\n{{".encode())
            else:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nhost")
        alone = intake.ask("GET", "/healthz").status
        answers = [intake.submit(16, notebook(16, size=n), f"key-honest{n:03d}") for n in range(5)]
        answers += [intake.send(16, "rec", EVENTS)]
    finally:
        for connection in held:
            connection.close()
    assert alone == 200
    assert {a.status for a in answers} == {201}


def test_a_header_that_never_ends_is_cut_off_though_it_drips(intake: Intake) -> None:
    with socket.create_connection(("127.0.0.1", intake.port), timeout=HEADER_SECONDS + 20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.5):
                try:
                    connection.sendall(b"x: y\r\n")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            answer = connection.recv(65536)
        except ConnectionError:
            answer = b""
        finally:
            stop.set()
            dripping.join()
    assert not answer or status(answer) == 408


def test_guessing_tokens_is_slowed_and_locks_out_nobody(intake: Intake) -> None:
    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(lambda n: intake.ask("GET", "/v1/invite", bearer=f"rk1.{n}.x").status, range(110)))
    assert set(codes) == {401, 429}
    assert intake.ask("GET", "/v1/invite", bearer=token(18)).status == 200


def inside(folder: Path, work: Callable[[Service, Callable[[str], Awaitable[httpx.Response]]], Awaitable[None]], **options: Any) -> None:
    """Run work on a service in this process, with a way to ask it; for limits that a busy machine would never reach by sockets."""

    async def run(storage: Storage) -> None:
        service = Service(storage, Verified(KEYS), **options)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(service)), base_url="http://x") as http:
            await work(service, lambda bearer: http.get("/v1/invite", headers={"Authorization": f"Bearer {bearer}"}))

    with_storage(folder, run)


def test_a_client_in_a_hurry_is_asked_to_wait(tmp_path: Path) -> None:
    async def work(_service: Service, ask: Callable[[str], Awaitable[httpx.Response]]) -> None:
        answers = [await ask(token(17)) for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "5"
        assert (await ask(token(18))).status_code == 200

    inside(tmp_path, work, rates=Buckets(5, 1e-9))


def test_who_guesses_on_waits_for_each_answer_and_no_one_else_does(tmp_path: Path) -> None:
    """Held back for an hour here: others are answered meanwhile, what is too many to hold is too, and a stop ends the waiting."""

    async def work(service: Service, ask: Callable[[str], Awaitable[httpx.Response]]) -> None:
        async def guess() -> int:
            return (await ask("rk1.e30.x")).status_code

        assert [await guess() for _ in range(FAILURE_BURST)] == [401] * FAILURE_BURST
        held = [asyncio.create_task(guess()) for _ in range(10)]
        while service.held_n < 10:  # noqa: ASYNC110 - a count, no event
            await asyncio.sleep(0)
        assert (await ask(token(1))).status_code == 200
        service.held_n += FAILURE_WAITING_MAX
        assert await guess() == 429
        service.held_n -= FAILURE_WAITING_MAX
        assert not any(task.done() for task in held)
        service.close()
        assert set(await asyncio.gather(*held)) == {429}
        assert service.held_n == 0

    inside(tmp_path, work, failure_seconds=3600, failures=Buckets(FAILURE_BURST, 1e-9))


# --- the hiring side's view -------------------------------------------------------------------------------------------
def listen(intake: Intake, last: str | None = None) -> tuple[socket.socket, Iterator[tuple[str, str, str]]]:
    connection = socket.create_connection(("127.0.0.1", intake.port), timeout=60)
    again = f"last-event-id: {last}\r\n" if last else ""
    connection.sendall(f"GET /v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {intake.hiring}\r\n{again}\r\n".encode())

    def read() -> Iterator[tuple[str, str, str]]:
        text = ""
        while part := connection.recv(65536):
            text += part.decode()
            while found := re.search(r"id: (.+)\nevent: (.+)\ndata: (.+)\n\n", text):
                text = text[found.end() :]
                yield found[1], found[2], found[3]

    return connection, read()


def test_the_stream_shows_what_arrives_and_goes_on_where_it_ended(intake: Intake) -> None:
    intake.send(19, "rec", EVENTS[:3])
    connection, seen = listen(intake)
    with connection:
        for _last, name, data in seen:
            facts = json.loads(data)
            if name == "event" and facts["invite"] == invite(19).id and facts["event"]["seq"] == 3:
                break
        intake.send(19, "rec", EVENTS[:5])
        more = [next(seen) for _ in range(2)]
        assert [json.loads(d)["event"]["seq"] for _i, _n, d in more] == [4, 5]
    intake.submit(19, notebook(19), "key-000019")
    connection, seen = listen(intake, more[0][0])
    with connection:
        assert json.loads(next(seen)[2])["event"]["seq"] == 5
        _last, name, data = next(seen)
        assert (name, json.loads(data)["candidate"]) == ("submission", "c-19")
        assert "body" not in json.loads(data)
    assert intake.ask("GET", "/v1/stream", bearer=intake.hiring, headers={"Last-Event-ID": "x" * 5}).status == 400


def test_states_of_invites_are_listed(intake: Intake) -> None:
    intake.send(20, "rec", EVENTS)
    rows = {row["invite"]: row for row in intake.ask("GET", "/v1/invites", bearer=intake.hiring).json["invites"]}
    row = rows[invite(20).id]
    assert (row["candidate"], row["events"], row["submissions"], row["revoked"]) == ("c-20", len(EVENTS), 0, False)


def test_metrics_count_and_carry_nothing_of_candidates(intake: Intake) -> None:
    text = intake.ask("GET", "/metrics").raw.decode()
    found = re.search(r"reviewkit_intake_submissions_total (\d+)", text)
    assert found
    assert int(found[1]) > 3
    assert "reviewkit_intake_ready 1.0" in text
    assert not re.search(r"c-\d|invite-0|rk1", text)


def test_logs_hold_no_tokens_and_no_text_of_candidates(intake: Intake) -> None:
    """Runs after the others on purpose: everything above is in the log by now."""
    said = intake.said
    assert said.count('"event": "request.answered"') > 100
    assert not re.search(r"rk1\.|rkh_|Bearer|blocks the loop|Traceback", said)
    assert all(json.loads(line)["event"] for line in said.splitlines())
    assert not any(json.loads(line).get("status", 0) >= 500 for line in said.splitlines())


# --- stopping ---------------------------------------------------------------------------------------------------------
def test_it_stops_in_time_while_clients_and_streams_hold_on(tmp_path: Path) -> None:
    running = Intake(tmp_path).start()
    connection, seen = listen(running)
    running.send(1, "rec", EVENTS)
    next(seen)
    with connection, socket.create_connection(("127.0.0.1", running.port)) as slow:
        slow.sendall(f"POST /v1/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(1)}\r\nidempotency-key: key-000001\r\ncontent-length: 900\r\n{JSON}\r\n{{".encode())
        assert patience(10, lambda: "intake_arriving 1.0" in running.ask("GET", "/metrics").raw.decode())
        started = time.monotonic()
        assert running.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < 10
    assert '"intake.stopped"' in running.said
    again = Intake(tmp_path, hiring=running.hiring).start()
    assert again.ask("GET", "/v1/invite", bearer=token(1)).json["records"][0]["count"] == len(EVENTS)
    assert again.stop() == 0
