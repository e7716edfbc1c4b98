"""Twenty buyers, each wanting one unit, arrive together at a shelf with ten."""

from __future__ import annotations

from reviewkit.harness import Calls, ProbeResult, Stage, bars

UNITS = 10
BUYERS = 20
PART = "p-1"


async def run(stage: Stage) -> ProbeResult:
    """Send the orders together and count."""
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        database = (await job.call("use_server")).value
        await stage.kit.fill(job, (PART, "north", UNITS))
        await stage.kit.meet(job, database, "levels", BUYERS)
        calls = [("order", {"request_id": f"r-{n}", "lines": [[PART, 1]], "replica": n}) for n in range(BUYERS)]
        answers = await job.gather(calls)
        left = await left_on_shelf(job)
        await job.call("leave_server")
    sold = sum(map(stage.kit.accepted, answers))
    counts = {"on the shelf before": UNITS, "sold": sold, "left": left, "sold beyond stock": max(0, sold - UNITS)}
    return ProbeResult(
        verdict=f"{sold} sold of {UNITS}, {left} left, {BUYERS - sold} orders not accepted",
        plots=[bars("Units", counts, y="units")],
        table=[
            {"order": f"r-{n}", "replica": n % 2 + 1, "status": answer.value["status"] if answer.ok else answer.error}
            for n, answer in enumerate(answers)
        ],
    )


async def left_on_shelf(job: Calls) -> int:
    """Ask the service, which answers on every database."""
    answer = await job.call("levels", product=PART)
    return int(answer.value["body"][0]["on_hand"])
