"""Hidden checks of the mend: units taken, put back and asked for again. States and counts only.

Gates hold the answers of reads, wherever the code reads: code that never reads before it writes passes them by, code
that waits for a lock reaches them one at a time and goes on when the gate loses patience. What was seen is told without
counts where those depend on who came first, so that the same code gets the same words on every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from reviewkit.harness import Answer, Stage, Verdict, check, verdict

NORTH = "north"
PART = "p-1"
BUSY = 503


def part(rng: Random) -> str:
    """A product's name that no code can know."""
    return f"part-{rng.randint(1000, 9999)}"


def orders(product: str, quantities: Sequence[int]) -> list[tuple[str, dict[str, Any]]]:
    """Calls for orders of one product, spread over the replicas."""
    return [
        ("order", {"request_id": f"r-{n}", "lines": [[product, quantity]], "replica": n})
        for n, quantity in enumerate(quantities)
    ]


def told(stage: Stage, answer: Answer) -> bool:
    """Whether a refusal is one that a till can show: 4xx, or 'ask again', with a JSON body."""
    if not answer.ok or not isinstance(answer.value["body"], dict):
        return False
    return bool(stage.kit.refused(answer)) or answer.value["status"] == BUSY


async def rush(stage: Stage, rng: Random, quantities: Sequence[int], units: int) -> tuple[list[Answer], int]:
    """Let orders read the same level together; return the answers and the units left."""
    kit, world, product = stage.kit, stage.kit.warehouse(), part(rng)
    async with stage.open(world) as job:
        await kit.fill(job, (product, NORTH, units))
        kit.gate_reads(world, "levels", len(quantities))
        answers = await job.gather(orders(product, quantities))
        return answers, kit.on_hand(world, product, NORTH)


@check("rush-not-oversold", "More buyers than units: no more is sold than there is")
async def not_oversold(stage: Stage, rng: Random) -> Verdict:
    """Orders of one unit each."""
    units = rng.randint(4, 8)
    buyers = units + rng.randint(3, 6)
    answers, left = await rush(stage, rng, [1] * buyers, units)
    sold = sum(map(stage.kit.accepted, answers))
    seen = "more sold than there was" if sold > units or left < 0 else "no more sold than there was" if sold else "none sold"
    return verdict(1 <= sold <= units and left >= 0, f"1 to {units} of {units} sold", seen)


@check("rush-adds-up", "What was sold and what is left make what there was")
async def adds_up(stage: Stage, rng: Random) -> Verdict:
    """Orders of several units each, fewer than there are."""
    quantities = [rng.randint(1, 4) for _ in range(8)]
    units = sum(quantities) + rng.randint(1, 5)
    answers, left = await rush(stage, rng, quantities, units)
    sold = sum(q for q, answer in zip(quantities, answers, strict=True) if stage.kit.accepted(answer))
    passed = sold > 0 and sold + left == units
    seen = "it adds up" if passed else "sold and left do not add up" if sold else "none sold"
    return verdict(passed, f"sold + left = {units}", seen)


@check("refused-are-told", "Who gets nothing in a rush gets a clear answer")
async def refused_told(stage: Stage, rng: Random) -> Verdict:
    """Orders for the whole shelf: one can be served."""
    units, buyers = rng.randint(3, 9), 6
    answers, _ = await rush(stage, rng, [units] * buyers, units)
    clear = sum(told(stage, answer) for answer in answers)
    passed = clear >= buyers - 1 and clear + sum(map(stage.kit.accepted, answers)) == buyers
    seen = "as expected" if passed else "others were served too, or refused in no clear way"
    return verdict(passed, f"at least {buyers - 1} clear refusals, none else", seen)


@check("odd-quantities", "Quantities below one are refused and change nothing")
async def odd_quantities(stage: Stage, rng: Random) -> Verdict:
    """Orders and deliveries of nothing and of less than nothing."""
    kit, world, units = stage.kit, stage.kit.warehouse(), rng.randint(10, 20)
    wanted = [0, -rng.randint(1, 4), -rng.randint(100, 400)]
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, units))
        answers = [await job.call("order", request_id=f"r{n}", lines=[[PART, q]]) for n, q in enumerate(wanted)]
        answers += [await job.call("restock", product=PART, quantity=q) for q in wanted]
        left = kit.on_hand(world, PART, NORTH)
    clear = sum(told(stage, answer) for answer in answers)
    passed = clear == len(answers) and left == units
    return verdict(passed, f"{len(answers)} refusals, {units} left", f"{clear} refusals, {left} left")


@check("unknown-shelf", "A product or location that nobody knows gets a clear answer")
async def unknown_shelf(stage: Stage, rng: Random) -> Verdict:
    """Orders for what is not there; a delivery must at least not fail."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        answers = [
            await job.call("order", request_id="r-1", lines=[[part(rng), 1]]),
            await job.call("order", request_id="r-2", lines=[[PART, 1]], location="nowhere"),
        ]
        delivery = await job.call("restock", product=part(rng), quantity=1)
    seen = [answer.value["status"] if answer.ok else answer.error for answer in (*answers, delivery)]
    passed = all(told(stage, answer) for answer in answers) and delivery.ok and delivery.value["status"] < 500
    return verdict(passed, "orders refused with 4xx, the delivery answered", f"{seen}")


@check("abandoned-take", "A caller that rolls back has taken nothing, one that commits has")
async def abandoned_take(stage: Stage, rng: Random) -> Verdict:
    """The returns service's way of calling, both ends."""
    kit, world = stage.kit, stage.kit.warehouse()
    units, first, second = rng.randint(12, 20), rng.randint(1, 5), rng.randint(1, 5)
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, units))
        await job.call("take_and_leave", product=PART, quantity=first, keep=False)
        after_rollback = kit.on_hand(world, PART, NORTH)
        await job.call("take_and_leave", product=PART, quantity=second, keep=True)
        after_commit = kit.on_hand(world, PART, NORTH)
    seen = (after_rollback, after_commit)
    expected = (units, units - second)
    return verdict(seen == expected, f"{expected} after rollback and commit", f"{seen}")


@check("short-order-takes-nothing", "An order with one short line leaves every shelf as it was")
async def short_order(stage: Stage, rng: Random) -> Verdict:
    """The short line comes last, in between and first."""
    kit, world = stage.kit, stage.kit.warehouse()
    units, short = rng.randint(8, 12), rng.randint(1, 3)
    products = {"a-1": units, "b-1": short, "c-1": units}
    async with stage.open(world) as job:
        await kit.fill(job, *((product, NORTH, there) for product, there in products.items()))
        answers = []
        for n, turn in enumerate((["a-1", "c-1", "b-1"], ["a-1", "b-1", "c-1"], ["b-1", "a-1", "c-1"])):
            answers.append(await job.call("order", request_id=f"r-{n}", lines=[[product, 4] for product in turn]))
        left = {product: kit.on_hand(world, product, NORTH) for product in products}
    passed = left == products and all(told(stage, answer) for answer in answers)
    return verdict(passed, f"refused, {products}", f"{sum(map(kit.accepted, answers))} accepted, {left}")


@check("deliveries-add-up", "Deliveries that arrive together are all on the shelf")
async def deliveries(stage: Stage, rng: Random) -> Verdict:
    """Three deliveries read together."""
    kit, world, product = stage.kit, stage.kit.warehouse(), part(rng)
    units, more = rng.randint(0, 9), [rng.randint(1, 9) for _ in range(3)]
    async with stage.open(world) as job:
        await kit.fill(job, (product, NORTH, units))
        kit.gate_reads(world, "levels", len(more))
        calls = [("restock", {"product": product, "quantity": q, "replica": n}) for n, q in enumerate(more)]
        answers = await job.gather(calls)
        left = kit.on_hand(world, product, NORTH)
    arrived = sum(q for q, answer in zip(more, answers, strict=True) if kit.accepted(answer))
    passed = arrived > 0 and left == units + arrived
    seen = "all of them" if passed else "the shelf holds another number than were accepted" if arrived else "none accepted"
    return verdict(passed, f"{units} and every delivery accepted on the shelf", seen)


@check("delivery-meets-order", "A delivery and an order that meet both count")
async def delivery_meets_order(stage: Stage, rng: Random) -> Verdict:
    """One of each, reading together."""
    kit, world, product = stage.kit, stage.kit.warehouse(), part(rng)
    units, more, wanted = rng.randint(10, 20), rng.randint(4, 9), rng.randint(1, 3)
    async with stage.open(world) as job:
        await kit.fill(job, (product, NORTH, units))
        kit.gate_reads(world, "levels", 2)
        delivery, order = await job.gather(
            [
                ("restock", {"product": product, "quantity": more, "replica": 0}),
                ("order", {"request_id": "r-1", "lines": [[product, wanted]], "replica": 1}),
            ]
        )
        left = kit.on_hand(world, product, NORTH)
    counted = more * kit.accepted(delivery) - wanted * kit.accepted(order)
    passed = counted != 0 and left == units + counted
    seen = "both" if passed else "the shelf holds another number than was accepted" if counted else "neither accepted"
    return verdict(passed, f"{units} with what was accepted of {more} more and {wanted} less", seen)


@check("repeat-takes-once", "An order that is sent again takes its units once")
async def repeat(stage: Stage, rng: Random) -> Verdict:
    """The same request to both replicas, then another request with the same lines."""
    kit, world = stage.kit, stage.kit.warehouse()
    units, wanted = rng.randint(20, 30), rng.randint(2, 5)
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, units))
        same = [await job.call("order", request_id="r-1", lines=[[PART, wanted]], replica=n) for n in range(3)]
        once = kit.on_hand(world, PART, NORTH)
        await job.call("order", request_id="r-2", lines=[[PART, wanted]])
        twice = kit.on_hand(world, PART, NORTH)
    # Whether a repetition is answered with the first answer or with 'you have it already' is the author's choice.
    answered = kit.accepted(same[0]) and all(kit.accepted(answer) or told(stage, answer) for answer in same)
    expected = (units - wanted, units - 2 * wanted)
    return verdict(answered and (once, twice) == expected, f"{expected} left", f"{(once, twice)} left")


@check("repeat-together", "An order that arrives twice at once takes its units once")
async def repeat_together(stage: Stage, rng: Random) -> Verdict:
    """Both look for the earlier order, or for the level, at the same moment."""
    kit, world, product = stage.kit, stage.kit.warehouse(), part(rng)
    units, wanted = rng.randint(20, 30), rng.randint(2, 5)
    async with stage.open(world) as job:
        await kit.fill(job, (product, NORTH, units))
        kit.gate_reads(world, "orders", 2)
        call = {"request_id": "r-1", "lines": [[product, wanted]]}
        answers = await job.gather([("order", {**call, "replica": n}) for n in range(2)])
        left = kit.on_hand(world, product, NORTH)
        stored = world.db().rows("SELECT count(*) FROM orders WHERE request_id = 'r-1'")[0][0]
    # The slower one may be sent away in whatever words: the next try tells it.
    accepted = any(map(kit.accepted, answers))
    passed = accepted and (stored, left) == (1, units - wanted)
    seen = "once" if passed else "taken another number of times than once" if accepted else "accepted not even once"
    return verdict(passed, f"1 order, {units - wanted} left", seen)
