"""Shows each planted defect on `head/` and its absence on `reference/`, by counts and states only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, String

from reviewkit.harness import Answer, HttpCall, Reply, Seen, Stage, proof

BACKLOG = 30


def told(answer: Answer) -> list[dict[str, Any]]:
    """What a viewer heard of tasks."""
    return [message["task"] for message in answer.value or [] if isinstance(message.get("task"), dict)]


@proof("dead-peer")
async def dead_peer(stage: Stage) -> Seen:
    """The first of three viewers has lost its network and nobody knows yet."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a", "b", "c")
        await job.call("vanish", name="a")
        await kit.change(job, 1)
        heard = [len(await kit.versions(job, name, 1)) for name in ("b", "c")]
    return Seen(heard != [1, 1], f"one of three is gone; the others heard {heard} of 1 change")


@proof("skipped-viewer")
async def skipped_viewer(stage: Stage) -> Seen:
    """The first of three viewers closes its page while the second is being sent a change."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a", "b", "c")
        await job.call("stall", name="b")
        await kit.change(job, 1)
        await job.call("is_held", name="b")
        await job.call("leave", name="a")
        await job.call("ended", name="a")
        await job.call("go_on", name="b")
        heard = [len(await kit.versions(job, name, 1)) for name in ("b", "c")]
    return Seen(heard == [1, 0], f"one of three leaves; the others heard {heard} of 1 change")


@proof("slow-peer")
async def slow_peer(stage: Stage) -> Seen:
    """One viewer takes nothing; another one looks at the same board, a third at another."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a", "b")
        await kit.join(job, "c", board="b-2")
        await job.call("stall", name="a")
        await kit.change(job, 2)
        await kit.change(job, 1, task="t-2", board="b-2")
        heard = [len(await kit.versions(job, "b", 2)), len(await kit.versions(job, "c", 1))]
    return Seen(heard != [2, 1], f"one viewer takes nothing; others heard {heard} of [2, 1] changes")


@proof("no-bound")
async def no_bound(stage: Stage) -> Seen:
    """One viewer takes nothing for a long time, then everything that was kept for it."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a")
        await job.call("stall", name="a")
        await kit.change(job, 1)
        await job.call("is_held", name="a")
        await kit.change(job, BACKLOG, first=2)
        await job.call("go_on", name="a")
        kept = len(await kit.versions(job, "a", BACKLOG + 1))
    return Seen(kept > BACKLOG, f"{kept} of {BACKLOG + 1} changes were kept for one viewer that took nothing")


@proof("told-too-early")
async def told_too_early(stage: Stage) -> Seen:
    """A change that the database refuses in the end."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a")
        status = kit.status(await job.call("change", version=1, assignee_id="u-99"))
        await kit.change(job, 1)
        heard = told(await job.call("heard", name="a", least=2))
    false = [task for task in heard if task["assignee_id"] == "u-99"]
    return Seen(bool(false), f"answered {status}; viewers were told of it {len(false)} times")


@proof("telling-ends")
async def telling_ends(stage: Stage) -> Seen:
    """A viewer of one board is gone at one change; later on, another board changes."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a")
        await kit.join(job, "c", board="b-2")
        await job.call("vanish", name="a")
        await kit.change(job, 1)
        await job.call("heard", name="a", least=1)
        await kit.change(job, 2, task="t-2", board="b-2")
        heard = len(await kit.versions(job, "c", 2))
    logged = sum(entry.get("level") in ("error", "critical", "warning") for entry in world.logs)
    return Seen(heard != 2, f"the other board's viewer heard {heard} of 2 changes; {logged} log entries of a failure")


@proof("lost-update")
async def lost_update(stage: Stage) -> Seen:
    """Two people change the same version of a task."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        kit.gate_reads(world, "tasks", 2)
        wanted = [("change", {"version": 1, "title": f"By u-{n}", "user": f"u-{n}"}) for n in (1, 2)]
        statuses = sorted(kit.status(answer) for answer in await job.gather(wanted))
    return Seen(statuses == [200, 200], f"two changes of version 1 were answered {statuses}")


@proof("connection-kept")
async def connection_kept(stage: Stage) -> Seen:
    """Three viewers look on; a pool has two connections."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await job.call("restart", pool_size=2, max_overflow=0, pool_timeout=0.2)
        await kit.join(job, "a", "b", "c")
        status = kit.status(await job.call("tasks"))
    return Seen(status != 200, f"three viewers, two connections; the list was answered {status}")


@proof("one-process")
async def one_process(stage: Stage) -> Seen:
    """A change comes to another process than the one that a viewer is connected to."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a", process=1)
        await kit.change(job, 2)
        heard = len(await kit.versions(job, "a", 2))
    return Seen(heard != 2, f"a viewer at the other process heard {heard} of 2 changes")


@proof("open-socket")
async def open_socket(stage: Stage) -> Seen:
    """Somebody who is not logged in, and somebody who is no member."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        inside = [*await kit.join(job, "a", user=None), *await kit.join(job, "b", user="u-3")]
        await kit.change(job, 1)
        heard = [len(await kit.versions(job, name, 1)) for name in ("a", "b")]
    return Seen(any(inside) or any(heard), f"let in: {inside}; heard {heard} of 1 change")


@proof("blocking-mail")
async def blocking_mail(stage: Stage) -> Seen:
    """Two people are given tasks at once while the mailer takes its time."""
    kit = stage.kit

    async def mailer(_call: HttpCall) -> Reply:
        await gate.wait()
        return Reply(202, json={})

    world = kit.office(mailer)
    gate = world.gate(2)
    async with stage.open(world) as job:
        wanted = [
            ("change", {"version": 1, "assignee_id": "u-2", "task": f"t-{n}", "board": f"b-{n}"}) for n in (1, 2)
        ]
        await job.gather(wanted)
    return Seen(gate.arrived < 2, f"{gate.arrived} of 2 mails were at the mailer together")


@proof("n-plus-one")
async def n_plus_one(stage: Stage) -> Seen:
    """Statements for the list of a small and of a larger board."""
    counts = [await statements_for(stage, count) for count in (5, 25)]
    return Seen(counts[1] > counts[0], f"statements for 5 and 25 tasks: {counts}")


async def statements_for(stage: Stage, count: int) -> int:
    """Reads that one list of a board with so many tasks costs."""
    world = stage.kit.office()
    async with stage.open(world) as job:
        stage.kit.many(world, count)
        before = len(world.db().statements)
        await job.call("tasks")
        return sum(s.sql.upper().startswith("SELECT") for s in world.db().statements[before:])


@proof("idle-index")
async def idle_index(stage: Stage) -> Seen:
    """How does the database find the tasks of a board?"""
    world = stage.kit.office()
    async with stage.open(world) as job:
        before = len(world.db().statements)
        await job.call("tasks")
        reads = [s for s in world.db().statements[before:] if stage.kit.reads("tasks")(s.sql)]
        stage.kit.stored(world, "version")  # a plan alone does not make SQLite look for indexes of others
        plans = [row[3] for s in reads for row in world.db().rows(f"EXPLAIN QUERY PLAN {s.sql}", *s.params)]
    scans = [plan for plan in plans if plan.startswith("SCAN tasks")]
    return Seen(bool(scans), f"plan: {plans}")


@proof("reconnect-gap")
async def reconnect_gap(stage: Stage) -> Seen:
    """A viewer loses its connection, misses two changes, and comes back saying what it has seen last."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        await kit.join(job, "a")
        await kit.change(job, 1)
        last = (await job.call("heard", name="a", least=1)).value
        await job.call("leave", name="a")
        await job.call("ended", name="a")
        await kit.change(job, 2, first=2)
        seen = last[-1].get("seq", 0) if last else 0
        await kit.join(job, "again", query=f"since={seen}")
        missed = await kit.versions(job, "again", 2)
    return Seen(missed != [3, 4], f"of versions 3 and 4 the viewer was told {missed}")


@proof("tests-cannot-fail")
async def tests_cannot_fail(stage: Stage) -> Seen:
    """The author's own test against a service that tells nobody anything."""
    world = stage.kit.office(empty=True)
    async with stage.open(world, driver=stage.rubric / "test_driver.py") as job:
        whole = await job.call("run_test", broken=False, timeout=60)
        broken = await job.call("run_test", broken=True, timeout=60)
    return Seen(whole.value == "passed" == broken.value, f"as it is: {whole.value}; with nobody told: {broken.value}")


# -- the page: read, since it runs in a browser with React --------------------------------------------------------------


def tokens(source: str) -> list[str]:
    """The words and signs of a TypeScript file, without comments and space; a string is one of them."""
    found: list[str] = []
    for kind, value in get_lexer_by_name("ts").get_tokens(source):
        if kind not in Comment:
            found += [value] if kind in String else re.findall(r"\w+|[^\w\s]", value)
    return found


def arguments(words: list[str], name: str) -> Iterator[list[list[str]]]:
    """The arguments of each call of a function, as tokens."""
    for at, word in enumerate(words):
        if word != name or words[at + 1 : at + 2] != ["("]:
            continue
        depth, parts = 0, [[]]  # type: ignore[var-annotated]
        for inside in words[at + 2 :]:
            if inside in ")]}" and depth == 0:
                break
            depth += (inside in "([{") - (inside in ")]}")
            if inside == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(inside)
        yield [part for part in parts if part]


def states(words: list[str]) -> set[str]:
    """Names of the values that `useState` gives."""
    return {words[at + 2] for at, word in enumerate(words) if word == "const" and words[at + 1] == "[" and "useState" in words[at : at + 9]}


@proof("socket-per-change")
async def socket_per_change(stage: Stage) -> Seen:
    """On what does the effect depend that opens the connection?"""
    words = tokens(stage.tree.read("web/src/useBoard.ts"))
    effects = [call for call in arguments(words, "useEffect") if "WebSocket" in call[0]]
    wanted = [sorted(states(words) & set(call[1])) for call in effects if len(call) > 1]
    await asyncio.sleep(0)
    return Seen(any(wanted), f"states among the dependencies of the effect: {wanted}")


@proof("stale-columns")
async def stale_columns(stage: Stage) -> Seen:
    """Is what is remembered computed anew when what it is made of has changed?"""
    words = tokens(stage.tree.read("web/src/TaskBoard.tsx"))
    board = words.index("useBoard", words.index("const", words.index("TaskBoard")))
    given = words[board - 2 :: -1]
    names = {word for word in given[: given.index("const")] if word.isidentifier()}
    memos = [call for call in arguments(words, "useMemo") if len(call) > 1]
    lost = [sorted(names & set(call[0]) - set(call[1])) for call in memos]
    await asyncio.sleep(0)
    return Seen(any(lost), f"used and not depended on: {lost}")
