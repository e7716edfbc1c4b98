"""Hidden checks of the mend: who is told what, and what it costs the others. States and counts only.

Viewers are the other ends of WebSockets in the driver: they can stop taking what they are sent, be gone, and leave. What was seen
is told without counts where those depend on who came first, so that the same code gets the same words on every run.
"""

from __future__ import annotations

from random import Random
from typing import Any

from reviewkit.harness import Answer, Calls, HttpCall, Reply, Stage, Verdict, check, verdict

BOARD, OTHER = "b-1", "b-2"
MOST_KEPT = 25
"""What the brief allows to be kept for one page, besides the change that it is being sent."""


def word(rng: Random) -> str:
    """A title that no code can know."""
    return f"Title {rng.randint(1000, 9999)}"


def names(rng: Random, least: int = 3) -> list[str]:
    """Several viewers."""
    return [f"v-{n}" for n in range(least + rng.randint(0, 2))]


async def all_heard(stage: Stage, job: Calls, viewers: list[str], wanted: list[int]) -> bool:
    """Whether each of these viewers was told of these versions, in this order."""
    return all([await stage.kit.versions(job, name, len(wanted)) == wanted for name in viewers])


def titles(answer: Answer) -> list[str]:
    """Titles that a viewer was told."""
    return [message["task"]["title"] for message in answer.value or [] if isinstance(message.get("task"), dict)]


@check("others-hear-when-one-is-gone", "A viewer whose network is gone takes nothing from the others")
async def one_is_gone(stage: Stage, rng: Random) -> Verdict:
    """Any of several viewers."""
    kit, world, viewers = stage.kit, stage.kit.office(), names(rng)
    gone = rng.choice(viewers[:-1])
    async with stage.open(world) as job:
        await kit.join(job, *viewers)
        await job.call("vanish", name=gone)
        await kit.change(job, 2)
        fine = await all_heard(stage, job, [name for name in viewers if name != gone], [2, 3])
    return verdict(fine, "all others heard both changes", "they did" if fine else "somebody did not")


@check("nobody-is-passed-over", "Nobody misses a change because somebody else leaves at that moment")
async def nobody_passed_over(stage: Stage, rng: Random) -> Verdict:
    """The first one leaves while another one is being sent the change."""
    kit, world, viewers = stage.kit, stage.kit.office(), names(rng, 4)
    async with stage.open(world) as job:
        await kit.join(job, *viewers)
        await job.call("stall", name=viewers[1])
        await kit.change(job, 1)
        await job.call("is_held", name=viewers[1])
        await job.call("leave", name=viewers[0])
        await job.call("ended", name=viewers[0])
        await job.call("go_on", name=viewers[1])
        fine = await all_heard(stage, job, viewers[2:], [2])
    return verdict(fine, "all who stayed heard the change", "they did" if fine else "somebody did not")


@check("slow-one-holds-nobody-up", "A viewer that takes nothing holds nobody up, on no board")
async def slow_one(stage: Stage, rng: Random) -> Verdict:
    """Others on the same board and on another one."""
    kit, world, viewers = stage.kit, stage.kit.office(), names(rng)
    slow = rng.choice(viewers[:-1])
    async with stage.open(world) as job:
        await kit.join(job, *viewers)
        await kit.join(job, "other", board=OTHER)
        await job.call("stall", name=slow)
        statuses = await kit.change(job, 3)
        await kit.change(job, 1, task="t-2", board=OTHER)
        fine = await all_heard(stage, job, [name for name in viewers if name != slow], [2, 3, 4])
        fine = fine and await all_heard(stage, job, ["other"], [2])
    passed = fine and statuses == [200] * 3
    return verdict(passed, "all others heard all changes in order", "they did" if passed else "somebody did not")


@check("little-is-kept", "For a viewer that takes nothing little is kept")
async def little_is_kept(stage: Stage, rng: Random) -> Verdict:
    """More changes than the brief allows to be kept; once they have been told to somebody else, the viewer goes on."""
    kit, world, changes = stage.kit, stage.kit.office(), MOST_KEPT + rng.randint(6, 10)
    async with stage.open(world) as job:
        await kit.join(job, "slow", "other")
        await job.call("stall", name="slow")
        statuses = await kit.change(job, 1)
        await job.call("is_held", name="slow")
        statuses += await kit.change(job, changes, first=2)
        await kit.versions(job, "other", changes + 1)
        await job.call("go_on", name="slow")
        kept = len(await kit.versions(job, "slow", changes + 1))
    passed = kept <= MOST_KEPT + 1 and statuses == [200] * (changes + 1)
    return verdict(passed, f"at most {MOST_KEPT} kept besides the one that was being sent", "so it is" if passed else "more was kept, or a change failed")


@check("telling-goes-on", "After a viewer was lost, changes are still told")
async def telling_goes_on(stage: Stage, rng: Random) -> Verdict:
    """One after another is lost; each time somebody who comes afterwards hears of the next change."""
    kit, world, rounds = stage.kit, stage.kit.office(), rng.randint(2, 3)
    heard = 0
    async with stage.open(world) as job:
        for n in range(rounds):
            await kit.join(job, f"lost-{n}")
            await job.call("vanish", name=f"lost-{n}")
            await kit.change(job, 1, first=2 * n + 1)
            await job.call("heard", name=f"lost-{n}", least=1)
            await kit.join(job, f"next-{n}", board=OTHER)
            await kit.change(job, 1, first=n + 1, task="t-2", board=OTHER)
            heard += len(await kit.versions(job, f"next-{n}", 1)) == 1
    return verdict(heard == rounds, f"{rounds} of {rounds} heard the next change", f"{heard} did")


@check("only-what-is-kept-is-told", "Viewers are told what is stored, and nothing else")
async def only_what_is_kept(stage: Stage, rng: Random) -> Verdict:
    """A change for a person whom nobody knows, between two that are fine."""
    kit, world, title, false = stage.kit, stage.kit.office(), word(rng), word(rng) + "!"
    async with stage.open(world) as job:
        await kit.join(job, "a")
        await kit.change(job, 1, title=title)
        answer = await job.call("change", version=2, title=false, assignee_id=f"u-{rng.randint(50, 99)}")
        await kit.change(job, 1, first=2, title=title + "?")
        told = titles(await job.call("heard", name="a", least=3))
    passed = kit.status(answer) == 422 and told == [title, title + "?"]
    return verdict(passed, "refused with 422, two titles told", f"{kit.status(answer)}, {len(told)} titles told")


@check("one-of-them-wins", "Of several changes of one version one is made; the others are refused")
async def one_wins(stage: Stage, rng: Random) -> Verdict:
    """They read the task together, where they read it."""
    kit, world, people = stage.kit, stage.kit.office(), rng.randint(3, 5)
    async with stage.open(world) as job:
        kit.gate_reads(world, "tasks", people)
        wanted = [("change", {"version": 1, "title": f"{word(rng)} {n}", "user": f"u-{n % 2 + 1}"}) for n in range(people)]
        answers = await job.gather(wanted)
        version = kit.stored(world, "version")
        title = kit.stored(world, "title")
    made = [call["title"] for answer, (_, call) in zip(answers, wanted, strict=True) if kit.status(answer) == 200]
    refused = sum(kit.status(answer) == 409 for answer in answers)
    passed = made == [title] and refused == people - 1 and version == 2
    return verdict(passed, "one made, the others 409, version 2", "so it is" if passed else "more or fewer were made, or not told")


@check("strangers-stay-outside", "Members look on; whoever is not logged in or no member hears nothing")
async def strangers(stage: Stage, rng: Random) -> Verdict:
    """Members of the board, somebody without a login, with a made-up one, and of another board only."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        world.db().run("DELETE FROM members WHERE board_id = ? AND user_id = 'u-2'", BOARD)
        inside = await kit.join(job, "member", user="u-1")
        others = [None, f"u-{rng.randint(50, 99)}", "u-2", "u-3"]
        for n, user in enumerate(others):
            await kit.join(job, f"s-{n}", user=user)
        await kit.change(job, 1)
        heard = [len(await kit.versions(job, name, 1)) for name in ("member", "s-0", "s-1", "s-2", "s-3")]
        closed = [(await job.call("ended", name=f"s-{n}")).value is not None for n in range(len(others))]
    passed = inside == [True] and all(closed) and heard == [1, 0, 0, 0, 0]
    return verdict(passed, "the member is let in and told, nobody else", f"let in: {inside}; closed: {closed}; told: {heard}")


@check("lookers-on-cost-no-connection", "Many viewers leave the pool to those who work")
async def lookers_on(stage: Stage, rng: Random) -> Verdict:
    """More viewers than the pool has connections."""
    kit, world, viewers = stage.kit, stage.kit.office(), names(rng, 5)
    async with stage.open(world) as job:
        await job.call("restart", pool_size=2, max_overflow=0, pool_timeout=0.5)
        inside = await kit.join(job, *viewers)
        statuses = [kit.status(await job.call("tasks")), *await kit.change(job, 1)]
        fine = await all_heard(stage, job, viewers, [2])
    passed = all(inside) and statuses == [200, 200] and fine
    return verdict(passed, "all let in and told, requests answered 200", f"let in: {sum(inside)}; answered {statuses}")


@check("a-long-list-costs-no-more", "The list of a long board costs as many statements as that of a short one")
async def list_costs(stage: Stage, rng: Random) -> Verdict:
    """Two boards of different length, with people and comments."""
    counts, fine = [], True
    for size in (rng.randint(3, 5), rng.randint(18, 24)):
        world = stage.kit.office()
        async with stage.open(world) as job:
            stage.kit.many(world, size)
            before = len(world.db().statements)
            answer = await job.call("tasks")
            counts.append(sum(s.sql.lstrip().upper().startswith("SELECT") for s in world.db().statements[before:]))
        body: list[dict[str, Any]] = answer.value["body"] if stage.kit.status(answer) == 200 else []
        made = [task for task in body if task["id"] != stage.kit.TASK]
        fine = fine and len(made) == size and {(t["assignee"], t["comments"]) for t in made} == {("Ada", 2), ("Ben", 2)}
    passed = fine and counts[0] == counts[1]
    return verdict(passed, "as many statements, the same content", "so it is" if passed else f"statements {counts}, content {fine}")


@check("nobody-waits-for-the-mailer", "While the mailer takes its time, others are served")
async def mailer_is_slow(stage: Stage, rng: Random) -> Verdict:
    """Several people are given tasks together; the mailer answers when all have come."""
    kit, people = stage.kit, 2

    async def mailer(_call: HttpCall) -> Reply:
        await gate.wait()
        return Reply(202, json={})

    world = kit.office(mailer)
    gate = world.gate(people)
    async with stage.open(world) as job:
        wanted = [
            ("change", {"version": 1, "assignee_id": "u-2", "title": word(rng), "task": f"t-{n}", "board": f"b-{n}"})
            for n in (1, 2)
        ]
        statuses = [kit.status(answer) for answer in await job.gather(wanted)]
    passed = gate.arrived == people == len(world.calls) and statuses == [200] * people
    return verdict(passed, "all mails under way together, all answered 200", f"{gate.arrived} together, answered {statuses}")


@check("every-process-tells", "Viewers hear of changes that another process has made, once and in order")
async def every_process(stage: Stage, rng: Random) -> Verdict:
    """Viewers at both processes, changes at both."""
    kit, world = stage.kit, stage.kit.office()
    order = [rng.randint(0, 1) for _ in range(2)] + [0, 1]
    async with stage.open(world) as job:
        await kit.join(job, "here")
        await kit.join(job, "there", process=1)
        for n, process in enumerate(order):
            await kit.change(job, 1, first=n + 1, process=process)
        fine = await all_heard(stage, job, ["here", "there"], [2, 3, 4, 5])
    return verdict(fine, "both heard of all four in order", "so it is" if fine else "somebody did not")
