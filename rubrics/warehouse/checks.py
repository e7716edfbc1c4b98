"""Hidden checks of the mend: reservations in batches. States and counts only."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict

DONE = (200, 201)


@check("all-or-nothing", "A reservation that fails leaves nothing behind")
async def all_or_nothing(stage: Stage, rng: Random) -> Verdict:
    """A batch whose last line asks for too much; then a single one and a batch whose row the database refuses."""
    kit, wanted = stage.kit, rng.randint(1, 4)
    async with stage.common(kit.warehouse) as (job, w):
        first, second, third, fourth = await w.shelve(job, 10, 1, 10, 10)
        short = await kit.batch(job, w.key(), (first, wanted), (second, 5))
        await job.call("fails", sql="insert into reservations", skip=0)
        await kit.single(job, third, wanted)
        await job.call("fails", sql="insert into reservations", skip=1)
        await kit.batch(job, w.key(), (third, wanted), (fourth, wanted))
        left = [await kit.units(job, sku) for sku in (first, third, fourth)]
        rows = await kit.rows(job, first, second, third, fourth)
    passed = left == [10, 10, 10] and not rows and short["status"] == 409
    return verdict(passed, "10 units of each left, no reservations, 409", f"{left} left, {len(rows)} reservations, {short['status']}")


@check("not-oversold", "No more is reserved than there is")
async def not_oversold(stage: Stage, rng: Random) -> Verdict:
    """Two at the same moment, in batches and alone; and a batch that names a product twice."""
    kit, wanted = stage.kit, rng.randint(6, 9)
    seen = []
    async with stage.common(kit.warehouse) as (job, w):
        one, two, three = await w.shelve(job, 10, 10, 10)
        await kit.during(job, "update stock", kit.a_batch(w.key(), (one, wanted)), kit.a_batch(w.key(), (one, wanted)))
        await kit.during(job, "update stock", ["single", "c-1", "o-1", two, wanted], ["single", "c-2", "o-2", two, wanted])
        await kit.batch(job, w.key(), (three, wanted), (three, wanted))
        for sku in (one, two, three):
            seen.append((await kit.units(job, sku), await kit.reserved(job, sku)))
    expected = [(10 - wanted, wanted), (10 - wanted, wanted), (10, 0)]
    return verdict(seen == expected, f"{expected} (left, reserved)", f"{seen}")


@check("one-answer-per-key", "The same request at the same moment is one request")
async def one_answer(stage: Stage, rng: Random) -> Verdict:
    """It comes again while the first is under way, and later."""
    kit, wanted = stage.kit, rng.randint(1, 3)
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        call = kit.a_batch(key, (sku, wanted))
        both = await kit.during(job, "update stock", call, call)
        later = await kit.batch(job, key, (sku, wanted))
        reserved, left = await kit.reserved(job, sku), await kit.units(job, sku)
    passed = reserved == wanted == 10 - left and both["first"]["status"] in DONE and later["body"] == both["first"]["body"]
    return verdict(passed, f"{wanted} reserved once, the same answer later", f"{reserved} reserved, {left} left, {later['status']}")


@check("key-survives-a-restart", "A request that is sent again to the next process is the same request")
async def survives(stage: Stage, rng: Random) -> Verdict:
    """Before and after a deployment; and one that had failed before it."""
    kit, wanted = stage.kit, rng.randint(1, 3)
    async with stage.common(kit.warehouse) as (job, w):
        sku, empty = await w.shelve(job, 10, 0)
        key, other = w.key(), w.key()
        first = await kit.batch(job, key, (sku, wanted))
        refused = await kit.batch(job, other, (empty, 1))
        await job.call("restart")
        await job.call("set", sku=empty, units=10)
        again = await kit.batch(job, key, (sku, wanted))
        retried = await kit.batch(job, other, (empty, 1))
        reserved = await kit.reserved(job, sku)
    passed = reserved == wanted and again["body"] == first["body"] and refused["status"] == 409 and retried["status"] in (*DONE, 409)
    return verdict(passed, f"{wanted} reserved, the same answer", f"{reserved} reserved, answered {again['status']} and {retried['status']}")


@check("key-is-for-one-request", "A key stands for one request of one client")
async def one_request(stage: Stage, rng: Random) -> Verdict:
    """Another request with it is refused; another client with it is served."""
    kit, more = stage.kit, rng.randint(2, 4)
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        await kit.batch(job, key, (sku, 1))
        other = await kit.batch(job, key, (sku, more))
        foreign = await kit.batch(job, key, (sku, 1), client="c-2")
        clients = sorted(row[1] for row in await kit.rows(job, sku))
    passed = 400 <= other["status"] < 500 and foreign["status"] in DONE and clients == ["c-1", "c-2"]
    return verdict(passed, "a status of 4xx; then one reservation of c-1 and one of c-2", f"{other['status']}, then {clients}")


@check("odd-lines-are-refused", "A line that makes no sense is refused")
async def odd_lines(stage: Stage, rng: Random) -> Verdict:
    """Less than nothing, nothing, and no product, beside a line that is right."""
    kit, less = stage.kit, -rng.randint(1, 9)
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        answers = [await kit.batch(job, w.key(), (sku, 1), line) for line in ((sku, less), (sku, 0), (" ", 1))]
        left = await kit.units(job, sku)
    statuses = [answer["status"] for answer in answers]
    return verdict(statuses == [400] * 3 and left == 10, "400 three times, 10 left", f"{statuses}, {left} left")


@check("shows-what-is-left", "After a reservation nobody is shown what was there before it")
async def shows_what_is_left(stage: Stage, rng: Random) -> Verdict:
    """Somebody looks meanwhile: begun before the reservation, and before its commit."""
    kit, wanted = stage.kit, rng.randint(1, 5)
    seen = []
    async with stage.common(kit.warehouse) as (job, w):
        for sql, after, look_first in (("select available", True, True), ("commit", False, False)):
            (sku,) = await w.shelve(job, 10)
            calls = (["available", sku], kit.a_batch(w.key(), (sku, wanted)))
            await kit.during(job, sql, *(calls if look_first else calls[::-1]), after=after)
            seen.append(await kit.shown(job, sku))
    return verdict(seen == [10 - wanted] * 2, f"{10 - wanted} shown twice", f"{seen} shown")


@check("old-numbers-end", "A number is half a minute old at the most, and does not decide")
async def old_numbers(stage: Stage, rng: Random) -> Verdict:
    """Another process reserves while this one is asked often; a delivery comes after somebody has looked."""
    kit, left = stage.kit, rng.randint(1, 8)
    async with stage.common(kit.warehouse) as (job, w):
        one, two = await w.shelve(job, 10, 0)
        await kit.shown(job, one)
        await job.call("set", sku=one, units=left)
        for _ in range(4):
            await job.call("pass", seconds=10)
            seen = await kit.shown(job, one)
        await kit.shown(job, two)
        await job.call("set", sku=two, units=5)
        answer = await kit.batch(job, w.key(), (two, 5))
    passed = seen == left and answer["status"] in DONE
    return verdict(passed, f"{left} shown after 40 s; what was delivered is reserved", f"{seen} shown; answered {answer['status']}")


@check("audit-tells-what-is", "Each reservation is told once in the end, and nothing else is")
async def audit(stage: Stage, rng: Random) -> Verdict:
    """A refused row, a short line, the audit service away, and a batch that works."""
    kit, count = stage.kit, rng.randint(2, 4)
    async with stage.common(kit.warehouse) as (job, w):
        refused, short, empty, away, *fine = await w.shelve(job, 10, 10, 0, 10, *[10] * count)
        await job.call("fails", sql="insert into reservations", skip=0)
        await kit.batch(job, w.key(), (refused, 1))
        await kit.batch(job, w.key(), (short, 1), (empty, 1))
        w.failing = 1
        answer = await kit.batch(job, w.key(), (away, 1))
        w.failing = 0
        await kit.batch(job, w.key(), *[(sku, 1) for sku in fine])
        for _ in range(3):
            await job.call("flush")
        told = sorted(event["sku"] for event in w.told(refused, short, empty, away, *fine))
    expected = sorted([away, *fine])
    passed = told == expected and answer["status"] in DONE
    return verdict(passed, f"{len(expected)} events, answered 201", f"{len(told)} events, answered {answer['status']} without the audit service")


@check("crossing-batches", "Two batches with the same products in another order both end")
async def crossing(stage: Stage, rng: Random) -> Verdict:
    """The second comes when the first has taken its first product."""
    kit, wanted = stage.kit, rng.randint(1, 4)
    async with stage.common(kit.warehouse) as (job, w):
        one, two = await w.shelve(job, 10, 10)
        there, back = [(one, wanted), (two, wanted)], [(two, wanted), (one, wanted)]
        both = await kit.during(job, "update stock", kit.a_batch(w.key(), *there), kit.a_batch(w.key(), *back), after=True)
        left = [await kit.units(job, sku) for sku in (one, two)]
    statuses = [both[name]["status"] for name in ("first", "second")]
    passed = all(status in DONE for status in statuses) and left == [10 - 2 * wanted] * 2
    return verdict(passed, f"both answered 201, {10 - 2 * wanted} left of each", f"{statuses}, {left} left")


@check("callers-as-before", "Callers are who the gateway says, and find what they found before")
async def callers(stage: Stage, rng: Random) -> Verdict:
    """A body that names somebody else; the answer to a single reservation."""
    kit, wanted = stage.kit, rng.randint(1, 4)
    async with stage.common(kit.warehouse) as (job, w):
        one, two = await w.shelve(job, 10, 10)
        await kit.batch(job, w.key(), (one, 1), client="c-1", by="c-9")
        clients = [row[1] for row in await kit.rows(job, one)]
        answer = await kit.single(job, two, wanted)
        fields = answer["body"] or {}
    passed = clients in (["c-1"], []) and (answer["status"], fields.get("sku"), fields.get("quantity")) == (201, two, wanted)
    return verdict(passed, "no reservation for c-9; sku and quantity in the answer", f"{clients}; {answer['status']} with {sorted(fields)}")
