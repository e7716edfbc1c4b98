"""Public checks of the mend: how it is run, and that ordinary days still work."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("one-is-reserved", "Units of one product are reserved")
async def one(stage: Stage, rng: Random) -> Verdict:
    """A single reservation."""
    kit, wanted = stage.kit, rng.randint(1, 5)
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        answer = await kit.single(job, sku, wanted)
        seen = (answer["status"], await kit.units(job, sku), await kit.rows(job, sku))
    expected = (201, 10 - wanted, [["o-1", "c-1", sku, wanted]])
    return verdict(seen == expected, f"{expected}", f"{seen} (status, units left, reservations)")


@check("a-batch-is-reserved", "A batch is reserved, and answered in the order of its lines")
async def several(stage: Stage, rng: Random) -> Verdict:
    """Three products."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        skus = await w.shelve(job, 10, 10, 10)
        rng.shuffle(skus)
        answer = await kit.batch(job, w.key(), *[(sku, 2) for sku in skus])
        left = [await kit.units(job, sku) for sku in skus]
        body = answer["body"]
        order = [made["sku"] for made in body.get("reservations", [])] if isinstance(body, dict) else []
    passed = answer["status"] == 201 and left == [8, 8, 8] and order == skus
    return verdict(passed, f"201, 8 left of each, {skus}", f"{answer['status']}, {left}, {order}")


@check("a-repeat-is-answered", "A request that is sent again with its key is reserved once")
async def repeat(stage: Stage, rng: Random) -> Verdict:
    """The same batch twice, one after the other."""
    kit, wanted = stage.kit, rng.randint(1, 3)
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        key = w.key()
        answers = [await kit.batch(job, key, (sku, wanted)) for _ in range(2)]
        left = await kit.units(job, sku)
    passed = left == 10 - wanted and answers[0] == answers[1]
    return verdict(passed, f"{10 - wanted} left, the same answer twice", f"{left} left, answered {[a['status'] for a in answers]}")


@check("too-much-is-refused", "More than there is cannot be reserved")
async def too_much(stage: Stage, rng: Random) -> Verdict:
    """Alone and in a batch."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 3)
        statuses = [(await kit.single(job, sku, 4))["status"], (await kit.batch(job, w.key(), (sku, 4)))["status"]]
        left = await kit.units(job, sku)
    return verdict(statuses == [409, 409] and left == 3, "409 twice, 3 left", f"{statuses}, {left} left")


@check("what-is-left-is-shown", "What is left is shown, and the audit service is told")
async def shown(stage: Stage, rng: Random) -> Verdict:
    """Look, reserve, look again; then a run of the outbox."""
    kit = stage.kit
    async with stage.common(kit.warehouse) as (job, w):
        (sku,) = await w.shelve(job, 10)
        before = await kit.shown(job, sku)
        await kit.batch(job, w.key(), (sku, 4))
        after = await kit.shown(job, sku)
        await job.call("flush")
        told = len(w.told(sku))
    return verdict((before, after, told) == (10, 6, 1), "10, then 6 shown, 1 event", f"{before}, then {after} shown, {told} events")
