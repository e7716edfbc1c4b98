"""Shows each planted defect on `head/` and its absence on `reference/`, by counts and states only. One process serves them all."""

from __future__ import annotations

from reviewkit.harness import Seen, Stage, proof

UNKNOWN = 20


@proof("self-call")
async def self_call(stage: Stage) -> Seen:
    """The database refuses the row of a single reservation."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        await job.call("fails", sql="insert into reservations", skip=0)
        await kit.single(job, sku, 2)
        gone, rows = 10 - await kit.units(job, sku), len(await kit.rows(job, sku))
    return Seen(gone != 0 and rows == 0, f"the row of a reservation is refused: {gone} units gone, {rows} reservations")


@proof("batch-half-done")
async def batch_half_done(stage: Stage) -> Seen:
    """A batch of two lines, of which the second asks for too much."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        first, second = await w.shelve(job, 10, 1)
        answer = await kit.batch(job, w.key(), (first, 2), (second, 5))
        gone = 10 - await kit.units(job, first)
    return Seen(gone != 0, f"a batch is answered {answer['status']}, and {gone} units of its first line are gone")


@proof("oversold")
async def oversold(stage: Stage) -> Seen:
    """Two requests for six of ten; the second comes while the first is about to take."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        await kit.during(job, "update stock", kit.a_batch(w.key(), (sku, 6)), kit.a_batch(w.key(), (sku, 6)))
        left, reserved = await kit.units(job, sku), await kit.reserved(job, sku)
    return Seen(left < 0 or reserved > 10, f"10 units, {reserved} reserved, {left} left")


@proof("decides-by-cache")
async def decides_by_cache(stage: Stage) -> Seen:
    """Nothing is there and somebody has looked; then a delivery comes."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 0)
        await kit.shown(job, sku)
        await job.call("set", sku=sku, units=10)
        answer = await kit.single(job, sku)
    return Seen(answer["status"] != 201, f"10 units were delivered; a reservation of one is answered {answer['status']}")


@proof("late-fill")
async def late_fill(stage: Stage) -> Seen:
    """Somebody looks while a reservation is made: once begun before it, once before its commit."""
    kit = stage.kit
    seen = []
    async with stage.common(kit.warehouse) as (job, w):
        for sql, after, look_first in (("select available", True, True), ("commit", False, False)):
            (sku,) = await w.shelve(job, 10)
            calls = (["available", sku], kit.a_batch(w.key(), (sku, 3)))
            await kit.during(job, sql, *(calls if look_first else calls[::-1]), after=after)
            seen.append((await kit.shown(job, sku), await kit.units(job, sku)))
    return Seen(any(shown != left for shown, left in seen), "; ".join(f"{shown} shown, {left} left" for shown, left in seen))


@proof("age-renewed")
async def age_renewed(stage: Stage) -> Seen:
    """Another process reserves; this one is asked every twenty seconds."""
    kit = stage.kit
    shown = []
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        await kit.shown(job, sku)
        await job.call("set", sku=sku, units=3)
        for _ in range(4):
            await job.call("pass", seconds=20)
            shown.append(await kit.shown(job, sku))
    return Seen(shown[-1] != 3, f"3 units left; shown after 20, 40, 60 and 80 seconds: {shown}")


@proof("unknown-skus-kept")
async def unknown_skus_kept(stage: Stage) -> Seen:
    """Somebody asks for products that we do not have."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        before = (await job.call("kept")).value
        for n in range(UNKNOWN):
            await kit.shown(job, f"{w.key()}-{n}")
        more = (await job.call("kept")).value - before
    return Seen(more >= UNKNOWN, f"{UNKNOWN} unknown products were asked for, {more} are kept in memory")


@proof("key-in-memory")
async def key_in_memory(stage: Stage) -> Seen:
    """A request is sent again after a deployment."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        await kit.batch(job, key, (sku, 2))
        await job.call("restart")
        await kit.batch(job, key, (sku, 2))
        reserved = await kit.reserved(job, sku)
    return Seen(reserved > 2, f"2 units asked for with one key, before and after a deployment: {reserved} reserved")


@proof("key-taken-twice")
async def key_taken_twice(stage: Stage) -> Seen:
    """The same request comes again while the first is under way."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        call = kit.a_batch(w.key(), (sku, 3))
        await kit.during(job, "update stock", call, call)
        reserved = await kit.reserved(job, sku)
    return Seen(reserved > 3, f"3 units asked for with one key, twice at once: {reserved} reserved")


@proof("key-other-content")
async def key_other_content(stage: Stage) -> Seen:
    """A key is used again for another request."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        await kit.batch(job, key, (sku, 1))
        answer = await kit.batch(job, key, (sku, 4))
        reserved = await kit.reserved(job, sku)
    return Seen(answer["status"] == 201, f"4 units asked for with a used key: answered {answer['status']}, {reserved} reserved in all")


@proof("key-of-everybody")
async def key_of_everybody(stage: Stage) -> Seen:
    """Two clients happen to use the same key."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        for client in ("c-1", "c-2"):
            answer = await kit.batch(job, key, (sku, 1), client=client)
        clients = [row[1] for row in await kit.rows(job, sku)]
    return Seen("c-2" not in clients and answer["status"] == 201, f"c-2 is answered {answer['status']}; reservations of: {clients}")


@proof("negative-quantity")
async def negative_quantity(stage: Stage) -> Seen:
    """A line of minus five."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        answer = await kit.batch(job, w.key(), (sku, -5))
        left = await kit.units(job, sku)
    return Seen(left > 10, f"minus 5 asked for: answered {answer['status']}, {left} of 10 units")


@proof("audit-before-row")
async def audit_before_row(stage: Stage) -> Seen:
    """The database refuses the row of a reservation; what does the audit service know?"""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        await job.call("fails", sql="insert into reservations", skip=0)
        await kit.batch(job, w.key(), (sku, 1))
        await job.call("flush")
        told, rows = len(w.told(sku)), len(await kit.rows(job, sku))
    return Seen(told > rows, f"{rows} reservations, {told} events")


@proof("audit-stops-work")
async def audit_stops_work(stage: Stage) -> Seen:
    """The audit service is away for a moment."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        w.failing = 1
        answer = await kit.batch(job, w.key(), (sku, 1))
        w.failing = 0
    return Seen(answer["status"] != 201, f"without the audit service a batch is answered {answer['status']}")


@proof("audit-per-line")
async def audit_per_line(stage: Stage) -> Seen:
    """How often is the audit service called before a batch of eight lines is answered?"""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        skus = await w.shelve(job, *[10] * 8)
        before = w.requests
        await kit.batch(job, w.key(), *[(sku, 1) for sku in skus])
        requests = w.requests - before
    return Seen(requests >= 8, f"8 lines, {requests} requests to the audit service before the answer")


@proof("caller-from-body")
async def caller_from_body(stage: Stage) -> Seen:
    """The gateway says c-1, the body says c-9."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        await kit.batch(job, w.key(), (sku, 1), client="c-1", by="c-9")
        clients = [row[1] for row in await kit.rows(job, sku)]
    return Seen(clients == ["c-9"], f"c-1 asks and writes c-9 into the body: reservation of {', '.join(clients)}")


@proof("single-answer-changed")
async def single_answer_changed(stage: Stage) -> Seen:
    """What does a caller of the single reservation find in the answer?"""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        body = (await kit.single(job, sku))["body"]
    return Seen("id" not in body, f"fields of the answer to a single reservation: {', '.join(sorted(body))}")
