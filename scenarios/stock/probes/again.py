"""One order, sent several times with the same body."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, lines

UNITS = 20
WANTED = 3
TIMES = 5
PART = "p-1"


async def run(stage: Stage) -> ProbeResult:
    """Send the order again and again, to one replica after the other."""
    world = stage.kit.warehouse()
    rows = []
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", UNITS))
        left = [UNITS]
        for n in range(TIMES):
            answer = await job.call("order", request_id="r-1", lines=[[PART, WANTED]], replica=n)
            left.append(stage.kit.on_hand(world, PART, "north"))
            status = answer.value["status"] if answer.ok else answer.error
            rows.append({"sent": n + 1, "replica": n % 2 + 1, "status": status, "left": left[-1]})
    return ProbeResult(
        verdict=f"One order of {WANTED} units, sent {TIMES} times: {UNITS - left[-1]} units left the shelf",
        plots=[lines("Units on the shelf", {"left": list(enumerate(left))}, x="times sent", y="units")],
        table=rows,
    )
