"""Public checks of the mend: how it is run, and that ordinary days still work."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict

PART = "p-1"


@check("an-order-is-taken", "An order takes its units")
async def order_taken(stage: Stage, rng: Random) -> Verdict:
    """One order of a few units."""
    units, wanted = rng.randint(10, 20), rng.randint(2, 5)
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", units))
        answer = await job.call("order", request_id="r-1", lines=[[PART, wanted]])
        left = stage.kit.on_hand(world, PART, "north")
    passed = stage.kit.accepted(answer) and left == units - wanted
    return verdict(passed, f"accepted, {units - wanted} left", f"{answer.value or answer.error}, {left} left")


@check("the-last-unit-is-sold", "A shelf can be emptied, and not further")
async def last_unit(stage: Stage, rng: Random) -> Verdict:
    """Orders of one unit, one after the other, until the shelf is empty."""
    units = rng.randint(2, 4)
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", units))
        answers = [await job.call("order", request_id=f"r-{n}", lines=[[PART, 1]], replica=n) for n in range(units + 1)]
        left = stage.kit.on_hand(world, PART, "north")
    sold = sum(map(stage.kit.accepted, answers))
    passed = sold == units and left == 0 and stage.kit.refused(answers[-1])
    return verdict(passed, f"{units} sold, 0 left, one refused", f"{sold} sold, {left} left")


@check("a-delivery-is-added", "A delivery is added to the shelf")
async def delivery_added(stage: Stage, rng: Random) -> Verdict:
    """One delivery."""
    units, more = rng.randint(0, 9), rng.randint(2, 9)
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", units))
        answer = await job.call("restock", product=PART, quantity=more)
        left = stage.kit.on_hand(world, PART, "north")
    passed = stage.kit.accepted(answer) and left == units + more
    return verdict(passed, f"accepted, {units + more} on the shelf", f"{left} on the shelf")


@check("other-doors-still-open", "Holds and transfers still answer")
async def others(stage: Stage, rng: Random) -> Verdict:
    """A hold that is given back, and a transfer."""
    units = rng.randint(5, 9)
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await stage.kit.fill(job, (PART, "north", units), (PART, "south", 0))
        held = await job.call("hold", customer="c-1", product=PART, quantity=2)
        hold_id = held.value["body"].get("hold_id", "") if stage.kit.accepted(held) else ""
        answers = [
            held,
            await job.call("release", hold_id=hold_id),
            await job.call("transfer", product=PART, source="north", destination="south", quantity=1),
        ]
        left = [stage.kit.on_hand(world, PART, place) for place in ("north", "south")]
    passed = all(map(stage.kit.accepted, answers)) and left == [units - 1, 1]
    return verdict(passed, f"all accepted, {[units - 1, 1]} units", f"{left} units")
