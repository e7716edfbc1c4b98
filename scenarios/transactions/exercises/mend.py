"""Public checks: ordinary reports go through."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("a-payment-is-recorded", "One payment is answered and written down")
async def recorded(stage: Stage, rng: Random) -> Verdict:
    """One report, one row."""
    euros = rng.randrange(1, 500)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        answer = await job.call("process", amount=f"{euros}.00")
        rows = stage.kit.recorded(world)
    status = answer.value["status"] if answer.ok else answer.error
    wanted = [("m-1", "key-0001", "r-1", euros * 100, "EUR")]
    return verdict(status == 200 and rows == wanted, f"status 200, rows {wanted}", f"status {status}, rows {rows}")


@check("a-payment-is-shown", "A recorded payment can be looked up")
async def shown(stage: Stage, rng: Random) -> Verdict:
    """What was reported is what is read."""
    key = f"key-{rng.randrange(10_000):04}"
    async with stage.open(stage.kit.counter()) as job:
        await job.call("process", key=key, amount="12.50")
        answer = await job.call("read", key=key)
    body = answer.value["body"] if answer.ok else {}
    seen = (body.get("idempotency_key"), body.get("amount_cents"), body.get("status"))
    wanted = (key, 1250, "completed")
    return verdict(seen == wanted, f"{wanted}", f"{seen}")


@check("a-negative-amount-is-refused", "A negative amount is refused")
async def refused(stage: Stage, rng: Random) -> Verdict:
    """The model's own rule stays in force."""
    world = stage.kit.counter()
    async with stage.open(world) as job:
        answer = await job.call("process", amount=f"-{rng.randrange(1, 500)}.00")
        rows = stage.kit.recorded(world)
    status = answer.value["status"] if answer.ok else answer.error
    return verdict(status == 422 and not rows, "status 422, no row", f"status {status}, {len(rows)} rows")
