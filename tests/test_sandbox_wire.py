"""Rules of the parent's end of the wire that no process is needed to see: each was found to be missed by no other test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reviewkit.harness import HANG, HttpCall, World
from reviewkit.sandbox import Ending, SandboxJob, bridge
from reviewkit.sandbox import job as jobs
from reviewkit.sandbox.inner import codec
from reviewkit.sandbox.inner.codec import ProtocolError

GET = {"method": "GET", "url": "http://silent.test/", "headers": {}, "body": b"", "timeout": None, "sync": False}
FACT = {"kind": "k", "data": None}


def silent() -> World:
    world = World()

    async def never(_call: HttpCall) -> Any:
        await asyncio.Event().wait()
        return HANG

    world.http("silent.test", never)
    return world


def with_job(work: Callable[[SandboxJob], Awaitable[None]], *, may_lack: bool = False) -> SandboxJob:
    """Let a parent's end take what a guest may send."""

    async def run() -> SandboxJob:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            job = SandboxJob(silent(), ours, may_lack=may_lack)
            await work(job)
            for task in job._asked.values():
                task.cancel()
        return job

    return asyncio.run(run())


def test_two_open_requests_have_two_numbers() -> None:
    async def work(job: SandboxJob) -> None:
        await job._take(["ask", 1, "http", GET])
        await job._take(["ask", 2, "http", GET])
        with pytest.raises(ProtocolError, match="two requests of one number"):
            await job._take(["ask", 1, "http", GET])

    with_job(work)


@pytest.mark.parametrize(("limit", "value"), [("MAX_REQUESTS", 3), ("MAX_WEIGHT", 3 * bridge.weight(FACT))])
def test_requests_have_an_end(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two by itself; what a guest only tells counts among them."""
    monkeypatch.setattr(jobs, limit, value)

    async def work(job: SandboxJob) -> None:
        for number in range(3):
            await job._take(["tell", number, "emit", FACT])
        with pytest.raises(ProtocolError, match="requests without end"):
            await job._take(["tell", 3, "emit", FACT])

    with_job(work)


def test_a_guest_sends_so_many_bytes_in_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = codec.encode(["drop", 1], codec.MAX_FROM_GUEST)
    monkeypatch.setattr(jobs, "MAX_BYTES", 3 * (len(frame) - codec.HEADER))

    async def work(job: SandboxJob) -> None:
        job._reader = asyncio.StreamReader()
        job._reader.feed_data(frame * 4)
        job._reader.feed_eof()
        await job._read()

    job = with_job(work)
    assert (job.ending, job.ending_text) == (Ending.STOPPED, "stopped: more bytes than any guest needs")


def test_only_guests_that_may_lack_something_say_so() -> None:
    """Elsewhere a candidate could have a check `not run` by saying it."""

    async def allowed(job: SandboxJob) -> None:
        for _ in range(30):
            await job._take(["lacks", 0, "threads" * 100])
        assert len(job.lacks) == jobs.MAX_LACKS and len(job.lacks[0]) == jobs.MAX_LACK

    async def refused(job: SandboxJob) -> None:
        with pytest.raises(ProtocolError):
            await job._take(["lacks", 0, "threads"])

    with_job(allowed, may_lack=True)
    assert with_job(refused).lacks == []


@pytest.mark.parametrize(("op", "payload"), [("emit", FACT), ("log", {"event": {}})])
def test_a_world_hears_so_much_news(op: str, payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "MAX_LOGS", 4)
    world = World()

    async def tell() -> None:
        for number in range(4):
            await bridge.answer(world, ("emit", "log")[number % 2], (FACT, {"event": {}})[number % 2])
        with pytest.raises(ProtocolError, match="more log events and facts"):
            await bridge.answer(world, op, payload)

    asyncio.run(tell())


@pytest.mark.parametrize("digits", [1236, 4000])
def test_an_int_has_so_many_digits(digits: int) -> None:
    """Python itself reads some 4,300, more than it prints in a report."""
    with pytest.raises(ProtocolError, match="an int of too many digits"):
        codec.decode(b"9" * digits)
    assert codec.decode(b"9" * 1233) == int("9" * 1233)
