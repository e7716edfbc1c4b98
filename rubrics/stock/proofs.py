"""Shows each planted defect on `head/` and its absence on `reference/`, by counts and states only."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Answer, HttpCall, Reply, Seen, Stage, Statement, World, proof

NORTH, SOUTH = "north", "south"
PART = "p-1"
LONG_AGO = "2020-01-01 00:00:00.000000"


def one(product: str, quantity: int) -> list[list[Any]]:
    """An order's lines: one product."""
    return [[product, quantity]]


def statuses(answers: list[Answer]) -> list[int]:
    """Status of each answer; 0 for a call that failed outside HTTP."""
    return [answer.value["status"] if answer.ok else 0 for answer in answers]


@proof("race")
async def race(stage: Stage) -> Seen:
    """Twenty buyers read ten units before any of them writes."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        kit.gate_reads(world, "levels", 20)
        calls = [("order", {"request_id": f"r-{n}", "lines": one(PART, 1), "replica": n}) for n in range(20)]
        sold = sum(map(kit.accepted, await job.gather(calls)))
        left = kit.on_hand(world, PART, NORTH)
    return Seen(sold > 10 or sold + left != 10, f"{sold} of 10 units sold, {left} left")


@proof("lost-restock")
async def lost_restock(stage: Stage) -> Seen:
    """Two deliveries reach the same shelf together."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        kit.gate_reads(world, "levels", 2)
        await job.gather([("restock", {"product": PART, "quantity": 5, "replica": n}) for n in range(2)])
        left = kit.on_hand(world, PART, NORTH)
    return Seen(left != 20, f"10 + 5 + 5 units made {left}")


@proof("release-twice")
async def release_twice(stage: Stage) -> Seen:
    """A customer gives a hold back while the scheduler does the same."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        held = await job.call("hold", customer="c-1", product=PART, quantity=4)
        kit.gate_reads(world, "holds", 2)
        await job.gather([("release", {"hold_id": held.value["body"]["hold_id"], "replica": n}) for n in range(2)])
        left = kit.on_hand(world, PART, NORTH)
    return Seen(left != 10, f"one hold of 4 out of 10, given back twice: {left} on the shelf")


@proof("hold-limit")
async def hold_limit(stage: Stage) -> Seen:
    """One customer sets four products aside together; the house allows two holds."""
    kit, world = stage.kit, stage.kit.warehouse()
    products = [f"p-{n}" for n in range(4)]
    async with stage.open(world) as job:
        await kit.fill(job, *((product, NORTH, 10) for product in products))
        kit.gate_reads(world, "holds", 4)
        wanted = [
            ("hold", {"customer": "c-1", "product": p, "quantity": 1, "replica": n}) for n, p in enumerate(products)
        ]
        placed = sum(map(kit.accepted, await job.gather(wanted)))
    return Seen(placed > 2, f"{placed} open holds of one customer, limit 2")


@proof("stale-retry")
async def stale_retry(stage: Stage) -> Seen:
    """Two customers meet on a shelf with plenty; the slower one looks again."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        kit.gate_reads(world, "levels", 2)
        wanted = [("hold", {"customer": f"c-{n}", "product": PART, "quantity": 1, "replica": n}) for n in range(2)]
        seen = statuses(await job.gather(wanted))
    return Seen(503 in seen, f"two holds of 1 out of 10 answered {sorted(seen)}")


@proof("commit-inside")
async def commit_inside(stage: Stage) -> Seen:
    """A caller rolls its own session back; an order falls short in its second line."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10), ("p-2", NORTH, 1))
        await job.call("take_and_leave", product=PART, quantity=3, keep=False)
        after_rollback = kit.on_hand(world, PART, NORTH)
        await job.call("order", request_id="r-1", lines=[[PART, 3], ["p-2", 5]])
        after_order = kit.on_hand(world, PART, NORTH)
    text = f"10 units: {after_rollback} after a rollback, {after_order} after a refused order"
    return Seen((after_rollback, after_order) != (10, 10), text)


@proof("no-token")
async def no_token(stage: Stage) -> Seen:
    """The same request arrives twice."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        for n in range(2):
            await job.call("order", request_id="r-1", lines=one(PART, 3), replica=n)
        left = kit.on_hand(world, PART, NORTH)
    return Seen(left != 7, f"one order of 3 out of 10, sent twice: {left} left")


@proof("negative-quantity")
async def negative_quantity(stage: Stage) -> Seen:
    """Quantities below one."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        answers = [await job.call("order", request_id=f"r{q}", lines=one(PART, q)) for q in (-5, 0)]
        left = kit.on_hand(world, PART, NORTH)
    taken = sum(map(kit.accepted, answers))
    return Seen(taken > 0 or left != 10, f"orders of -5 and 0: {taken} accepted, {left} of 10 on the shelf")


@proof("missing-row")
async def missing_row(stage: Stage) -> Seen:
    """An order and a delivery for a product that nobody knows."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10))
        ordered = await job.call("order", request_id="r-1", lines=one("p-9", 1))
        delivered = await job.call("restock", product="p-9", quantity=1)
    seen = statuses([ordered, delivered])
    return Seen(any(status >= 500 or status == 0 for status in seen), f"order and delivery answered {seen}")


@proof("lock-order")
async def lock_order(stage: Stage) -> Seen:
    """Transfers there and back: in which order does each change its two rows?"""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10), (PART, SOUTH, 10))
        answers = [await job.call("transfer", product=PART, source=a, destination=b, quantity=1)
                   for a, b in ((NORTH, SOUTH), (SOUTH, NORTH))]  # fmt: skip
        orders = [order for order in shelves_by_transaction(world.db().statements) if len(order) > 1]
    crossed = any(order[::-1] in orders for order in orders)
    return Seen(crossed, f"{sum(map(kit.accepted, answers))} transfers; rows per transaction: {orders}")


def shelves_by_transaction(statements: list[Statement]) -> list[list[str]]:
    """Locations whose level each transaction updated, in order."""
    found: list[list[str]] = []
    running: dict[int, list[str]] = {}
    for statement in statements:
        words = statement.sql.lower().split()
        if words[:2] == ["update", "levels"]:
            running.setdefault(statement.connection, []).extend(p for p in statement.params if p in (NORTH, SOUTH))
        elif words[:1] in (["commit"], ["rollback"]):
            found.append(running.pop(statement.connection, []))
    return found


@proof("courier-in-transaction")
async def courier_in_transaction(stage: Stage) -> Seen:
    """What is open in the database while the courier is asked?"""
    kit = stage.kit
    open_then: list[int] = []

    async def courier(call: HttpCall) -> Reply:
        open_then.append(open_transactions(world))
        return Reply(201, json={"pickup": call.json["reference"][:8]})

    world: World = kit.warehouse(courier)
    async with stage.open(world) as job:
        await kit.fill(job, (PART, NORTH, 10), (PART, SOUTH, 10))
        await job.call("transfer", product=PART, source=NORTH, destination=SOUTH, quantity=1)
    return Seen(any(open_then), f"transactions open at each call of the courier: {open_then}")


def open_transactions(world: World) -> int:
    """Connections with a transaction that has begun and not ended."""
    begun: set[int] = set()
    for statement in world.db().statements:
        word = statement.sql.split()[0].upper()
        if word == "BEGIN":
            begun.add(statement.connection)
        elif word in ("COMMIT", "ROLLBACK"):
            begun.discard(statement.connection)
    return len(begun)


@proof("poison-sweep")
async def poison_sweep(stage: Stage) -> Seen:
    """Three holds are over; the shelf of one has gone."""
    kit, world = stage.kit, stage.kit.warehouse()
    products = ["p-1", "p-2", "p-3"]
    async with stage.open(world) as job:
        await kit.fill(job, *((product, NORTH, 10) for product in products))
        for product in products:
            await job.call("hold", customer=f"c-{product}", product=product, quantity=4)
        world.db().run("DELETE FROM levels WHERE product_id = 'p-2'")
        world.db().run("UPDATE holds SET expires_at = ?", LONG_AGO)
        answer = await job.call("sweep")
        back = [kit.on_hand(world, product, NORTH) for product in ("p-1", "p-3")]
    return Seen(back != [10, 10], f"sweep answered {statuses([answer])}; the two good shelves hold {back} of 10 each")


@proof("holds-index")
async def holds_index(stage: Stage) -> Seen:
    """How does the database find the holds that are over?"""
    world = stage.kit.warehouse()
    async with stage.open(world) as job:
        await job.call("sweep")
        reads = [s for s in world.db().statements if stage.kit.reads("holds")(s.sql)]
        plans = [row[3] for s in reads for row in world.db().rows(f"EXPLAIN QUERY PLAN {s.sql}", *s.params)]
    return Seen(any(plan.startswith("SCAN") for plan in plans), f"plan: {plans}")


@proof("n-plus-one")
async def n_plus_one(stage: Stage) -> Seen:
    """Statements for the same page of a small and of a larger location."""
    counts = [await statements_for(stage, shelves) for shelves in (5, 25)]
    return Seen(counts[1] > counts[0], f"statements for 5 and 25 shelves: {counts}")


async def statements_for(stage: Stage, shelves: int) -> int:
    """Reads that one listing of a location with so many shelves costs."""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, *((f"p-{n:03}", NORTH, 3) for n in range(shelves)))
        before = len(world.db().statements)
        await job.call("shelves")
        return sum(s.sql.upper().startswith("SELECT") for s in world.db().statements[before:])


@proof("unbounded-listing")
async def unbounded_listing(stage: Stage) -> Seen:
    """How much of a location with 250 shelves comes in one answer?"""
    kit, world = stage.kit, stage.kit.warehouse()
    async with stage.open(world) as job:
        await kit.fill(job, *((f"p-{n:03}", NORTH, 3) for n in range(250)))
        answer = await job.call("shelves", timeout=60)
    rows = len(answer.value["body"]) if kit.accepted(answer) else 0
    return Seen(rows >= 250, f"{rows} of 250 shelves in one answer")


@proof("tests-cannot-fail")
async def tests_cannot_fail(stage: Stage) -> Seen:
    """The author's own test against a service that takes nothing."""
    world = stage.kit.warehouse()
    async with stage.open(world, driver=stage.rubric / "test_driver.py") as job:
        whole = await job.call("run_rush", broken=False)
        broken = await job.call("run_rush", broken=True)
    return Seen(whole.value == "passed" == broken.value, f"as it is: {whole.value}; with nothing taken: {broken.value}")
