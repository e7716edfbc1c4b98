"""Public checks of the mend: how it is run, and that ordinary days still work."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("an-order-is-confirmed", "One order is taken, paid, confirmed and told")
async def confirmed(stage: Stage, rng: Random) -> Verdict:
    """One order of a few units."""
    units, wanted = rng.randint(10, 20), rng.randint(2, 5)
    shop = stage.kit.shop(units)
    async with stage.open(shop.world) as job:
        answer = await job.call("submit", quantity=wanted)
        await job.call("settle")
        status = (await job.call("status", orderId="o-1")).value
    seen = (answer.ok, status, shop.on_hand(), len(shop.captures), len(shop.mails))
    expected = (True, "confirmed", units - wanted, 1, 1)
    return verdict(seen == expected, f"{expected}", f"{seen} (answered, status, units left, captures, mails)")


@check("the-shop-does-not-wait", "The shop has its answer while the provider still thinks")
async def does_not_wait(stage: Stage, rng: Random) -> Verdict:
    """The provider holds the capture until the answer is there."""
    shop = stage.kit.shop(gate=2)
    async with stage.open(shop.world) as job:
        answer = await job.call("submit")
        open_before = shop.gate.is_open
        await job.call("settle")
    return verdict(answer.ok and not open_before, "answered before the capture", f"answered: {answer.ok}, capture ended before: {open_before}")


@check("odd-orders-are-refused", "An order without a product of ours is refused")
async def refused(stage: Stage, rng: Random) -> Verdict:
    """An unknown product and a quantity of nothing."""
    shop = stage.kit.shop()
    async with stage.open(shop.world) as job:
        answers = [await job.call("submit", sku="sku-9"), await job.call("submit", orderId="o-2", quantity=0)]
        await job.call("settle")
    errors = [answer.error for answer in answers]
    passed = errors == ["ValidationError"] * 2 and not shop.captures
    return verdict(passed, "ValidationError twice, nothing paid", f"{errors}, {len(shop.captures)} paid")


@check("a-short-failure-is-got-over", "A provider that fails once does not end the order")
async def got_over(stage: Stage, rng: Random) -> Verdict:
    """503, then a capture."""
    shop = stage.kit.shop(payments=(503,))
    async with stage.open(shop.world) as job:
        await job.call("submit")
        await job.call("settle")
        status = (await job.call("status", orderId="o-1")).value
    return verdict(status == "confirmed" and len(shop.captures) == 1, "confirmed, paid once", f"{status}, paid {len(shop.captures)} times")
