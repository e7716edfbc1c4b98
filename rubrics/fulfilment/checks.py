"""Hidden checks of the mend: orders that are worked off in the background. States and counts only."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("paid-once", "A mail that fails does not take the money again")
async def paid_once(stage: Stage, rng: Random) -> Verdict:
    """The mail service fails a few times after the capture."""
    shop = stage.kit.shop(mail=(503,) * rng.randint(1, 2))
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
    taken = len(shop.captures)
    return verdict(taken == 1, "money taken once", f"money taken {taken} times")


@check("answer-lost", "A capture whose answer is lost does not take the money again")
async def answer_lost(stage: Stage, rng: Random) -> Verdict:
    """The provider takes the money and answers 503 all the same."""
    shop = stage.kit.shop(lost=rng.randint(1, 2))
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        seen = (await job.call("status", orderId="o-1")).value
    taken = len(shop.captures)
    return verdict(taken == 1, "money taken once", f"money taken {taken} times, {seen}")


@check("units-once", "An order that is tried again takes its units once")
async def units_once(stage: Stage, rng: Random) -> Verdict:
    """The provider fails, then recovers."""
    units, wanted = rng.randint(8, 15), rng.randint(1, 3)
    shop = stage.kit.shop(units, payments=(503,) * rng.randint(1, 3))
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1, quantity=wanted)
        await job.call("settle")
        left = shop.on_hand()
    passed = left == units - wanted and len(shop.captures) == 1
    return verdict(passed, f"{units - wanted} left, paid once", f"{left} left, paid {len(shop.captures)} times")


@check("given-up-is-undone", "An order that is given up leaves its units in stock and says so")
async def given_up(stage: Stage, rng: Random) -> Verdict:
    """The provider is away for good."""
    units = rng.randint(8, 15)
    shop = stage.kit.shop(units, payments=(503,) * 20)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1, quantity=2)
        await job.call("settle")
        left, seen = shop.on_hand(), (await job.call("status", orderId="o-1")).value
    return verdict((left, seen) == (units, "failed"), f"{units} left, failed", f"{left} left, {seen}")


@check("three-retries", "A capture that keeps failing is tried three times more")
async def three_retries(stage: Stage, rng: Random) -> Verdict:
    """The provider is away for good; how often was it asked?"""
    shop = stage.kit.shop(payments=(503,) * 20)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, rng.randint(1, 2))
        await job.call("settle")
    tries = shop.tries["o-1"]
    return verdict(tries == 4, "asked 4 times", f"asked {tries} times")


@check("declined-once", "A declined card is not tried again")
async def declined_once(stage: Stage, rng: Random) -> Verdict:
    """402 for good."""
    units = rng.randint(8, 15)
    shop = stage.kit.shop(units, payments=(402,) * 20)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        left, seen = shop.on_hand(), (await job.call("status", orderId="o-1")).value
    passed = (shop.tries["o-1"], left, seen) == (1, units, "declined")
    return verdict(passed, f"tried once, {units} left, declined", f"tried {shop.tries['o-1']} times, {left} left, {seen}")


@check("not-oversold", "No more is sold than there is")
async def not_oversold(stage: Stage, rng: Random) -> Verdict:
    """More orders than units, all at once."""
    units = rng.randint(3, 5)
    shop = stage.kit.shop(units)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, units + rng.randint(2, 4))
        await job.call("settle")
        left = shop.on_hand()
    sold = len(shop.captures)
    return verdict(sold == units and left == 0, f"{units} sold, 0 left", f"{sold} sold, {left} left")


@check("survives-a-crash", "Orders that were taken survive the process")
async def survives(stage: Stage, rng: Random) -> Verdict:
    """The process is gone right after it has answered."""
    count = rng.randint(3, 6)
    shop = stage.kit.shop(20)
    async with stage.open(shop.world) as job:
        taken = await stage.kit.submit_then_crash(job, count)
        await job.call("settle")
        done = sum(shop.status(f"o-{n + 1}") == "confirmed" for n in range(count))
    # How far the others had come when the last one was answered is chance, and no part of what is told.
    passed = taken == count == done == len(shop.captures) and shop.on_hand() == 20 - count
    return verdict(passed, f"{count} taken, confirmed and paid once", f"{taken} taken{', confirmed and paid once' if passed else ', not all of them confirmed and paid once'}")


@check("deployment-loses-nothing", "A deployment in the middle of the work loses no order")
async def deployment(stage: Stage, rng: Random) -> Verdict:
    """The process is asked to stop while captures are under way."""
    count = rng.randint(3, 5)
    shop = stage.kit.shop(20, gate=count + 1)
    async with stage.open(shop.world) as job:
        taken = stage.kit.queued(await stage.kit.submit(job, count))
        await job.call("settle", turns=10)
        await job.call("redeploy")
        await job.call("settle")
        done = sum(shop.status(f"o-{n + 1}") == "confirmed" for n in range(count))
    passed = taken == count == done == len(shop.captures) and shop.on_hand() == 20 - count
    return verdict(passed, f"{count} taken, confirmed and paid once", f"{taken} taken, {done} confirmed, {len(shop.captures)} paid")


@check("same-order-again", "An order that is sent again, also to the next process, is one order")
async def same_order(stage: Stage, rng: Random) -> Verdict:
    """Sent twice at once, and again after a deployment."""
    shop = stage.kit.shop(10)
    async with stage.open(shop.world) as job:
        await job.gather([("submit", {"orderId": "o-1"})] * 2)
        await job.call("settle")
        await job.call("redeploy")
        again = await job.call("submit", orderId="o-1")
        await job.call("settle")
    passed = len(shop.captures) == 1 and shop.on_hand() == 9 and again.ok
    return verdict(passed, "paid once, 9 left", f"paid {len(shop.captures)} times, {shop.on_hand()} left")


@check("provider-limit", "No more captures at a time than the provider allows")
async def provider_limit(stage: Stage, rng: Random) -> Verdict:
    """Many orders at once, each worth a capture that takes its time."""
    orders = rng.randint(30, 40)
    shop = stage.kit.shop(2 * orders, gate=21)
    async with stage.open(shop.world) as job:
        taken = stage.kit.queued(await stage.kit.submit(job, orders))
        await stage.kit.until_open(job, shop)
        await job.call("settle")
        done = sum(shop.status(f"o-{n + 1}") == "confirmed" for n in range(orders))
    passed = shop.peak <= 20 and done == taken > 0
    if shop.peak > 20:  # what becomes of the rest is chance
        return verdict(passed=False, expected="at most 20 at a time, all confirmed", seen="more than 20 at a time")
    return verdict(passed, "at most 20 at a time, all confirmed", f"{shop.peak} at a time, {done} of {taken} confirmed")


@check("list-price", "The price list decides what is paid")
async def list_price(stage: Stage, rng: Random) -> Verdict:
    """The basket shows another price."""
    shown, wanted = rng.randint(1, 400), rng.randint(1, 3)
    shop = stage.kit.shop()
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1, unitCents=shown, quantity=wanted)
        await job.call("settle")
    amounts = [capture["amountCents"] for capture in shop.captures]
    passed = amounts in ([500 * wanted], [])
    return verdict(passed, f"{500 * wanted} cents, or nothing", f"{amounts} cents")
