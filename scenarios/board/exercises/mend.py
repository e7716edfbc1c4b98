"""Public checks of the mend: how it is run, and that ordinary days still work."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("a-change-is-told", "A page is told of a change")
async def change_is_told(stage: Stage, rng: Random) -> Verdict:
    """One page, one change."""
    kit, world, title = stage.kit, stage.kit.office(), f"Title {rng.randint(100, 999)}"
    async with stage.open(world) as job:
        inside = await kit.join(job, "page")
        statuses = await kit.change(job, 1, title=title)
        heard = (await job.call("heard", name="page", least=1)).value
    told = [message["task"]["title"] for message in heard if isinstance(message.get("task"), dict)]
    passed = inside == [True] and statuses == [200] and told == [title]
    return verdict(passed, f"let in, 200, told of {title!r}", f"let in: {inside}, {statuses}, told of {told}")


@check("a-task-is-made", "A task is made, listed, and told of")
async def task_is_made(stage: Stage, rng: Random) -> Verdict:
    """One page, one new task."""
    kit, world, title = stage.kit, stage.kit.office(), f"Title {rng.randint(100, 999)}"
    async with stage.open(world) as job:
        await kit.join(job, "page")
        made = await job.call("create", title=title)
        listed = await job.call("tasks")
        heard = len(await kit.versions(job, "page", 1))
    titles = [task["title"] for task in listed.value["body"]] if kit.status(listed) == 200 else []
    passed = kit.status(made) == 201 and title in titles and heard == 1
    return verdict(passed, "201, listed, told once", f"{kit.status(made)}, listed: {title in titles}, told {heard} times")


@check("an-old-version-is-refused", "A change of an old version is refused")
async def old_version(stage: Stage, rng: Random) -> Verdict:
    """Two changes of the same version, one after the other."""
    kit, world = stage.kit, stage.kit.office()
    async with stage.open(world) as job:
        statuses = [kit.status(await job.call("change", version=1, position=rng.randint(2, 9))) for _ in range(2)]
        version = kit.stored(world, "version")
    return verdict(statuses == [200, 409] and version == 2, "200, then 409; version 2", f"{statuses}, version {version}")


@check("other-boards-are-quiet", "A page is told of its own board alone, and closes")
async def own_board(stage: Stage, rng: Random) -> Verdict:
    """Changes on two boards; a page that leaves."""
    kit, world, times = stage.kit, stage.kit.office(), rng.randint(1, 3)
    async with stage.open(world) as job:
        await kit.join(job, "here")
        await kit.join(job, "there", board="b-2")
        await kit.change(job, times, task="t-2", board="b-2")
        await kit.change(job, 1)
        told = [len(await kit.versions(job, name, count)) for name, count in (("there", times), ("here", 1))]
        await job.call("leave", name="here")
        code = (await job.call("ended", name="here")).value
    passed = told == [times, 1] and code is not None
    return verdict(passed, f"told {[times, 1]}, closed", f"told {told}, closed with {code}")
