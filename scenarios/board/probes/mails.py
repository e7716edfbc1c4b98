"""Four tasks are given to people at the same moment, while the mailer takes its time."""

from __future__ import annotations

from reviewkit.harness import HttpCall, ProbeResult, Reply, Stage, lines

TASKS = 4


async def run(stage: Stage) -> ProbeResult:
    """Let the mailer answer once all mails are there, or nothing more comes; watch the process meanwhile."""
    kit = stage.kit

    async def mailer(_call: HttpCall) -> Reply:
        await gate.wait()
        return Reply(202, json={})

    world = kit.office(mailer)
    gate = world.gate(TASKS)
    async with stage.open(world) as job:
        kit.many(world, TASKS)
        await job.heartbeat()
        wanted = [("change", {"version": 1, "task": f"b-1-m-{n}", "assignee_id": "u-2"}) for n in range(TASKS)]
        answers = await job.gather(wanted)
        beats = await job.beats()
    given = sum(kit.status(answer) == 200 for answer in answers)
    return ProbeResult(
        verdict=f"{given} of {TASKS} tasks given; at most {gate.arrived} mails were at the mailer when it began to answer",
        plots=[lines("Heartbeat", {"tick": list(enumerate(beats))}, x="tick", y="seconds")],
    )
