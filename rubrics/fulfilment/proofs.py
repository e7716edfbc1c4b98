"""Shows each planted defect on `head/` and its absence on `reference/`, by counts and states only."""

from __future__ import annotations

from reviewkit.harness import Seen, Stage, proof


@proof("lost-on-crash")
async def lost_on_crash(stage: Stage) -> Seen:
    """Five orders are taken; the process is gone before the worker gets to them, and the next one starts."""
    shop = stage.kit.shop(20)  # enough for an order that takes its units again
    async with stage.open(shop.world) as job:
        taken = await stage.kit.submit_then_crash(job, 5)
        await job.call("settle")
        stored = shop.world.db().rows("SELECT count(*) FROM orders WHERE status = 'confirmed'")[0][0]
    return Seen(stored < taken, f"{taken} orders taken, {stored} confirmed after the next start")


@proof("captured-again")
async def captured_again(stage: Stage) -> Seen:
    """The mail service fails once, after the money was taken; then the provider takes it, and its answer is lost."""
    taken = []
    for shop in (stage.kit.shop(mail=(503,)), stage.kit.shop(lost=1)):
        async with stage.open(shop.world) as job:
            await stage.kit.submit(job, 1)
            await job.call("settle")
        taken.append(len(shop.captures))
    return Seen(max(taken) > 1, f"one order: money taken {taken[0]} times when a mail fails, {taken[1]} times when an answer is lost")


@proof("units-again")
async def units_again(stage: Stage) -> Seen:
    """The provider fails twice; one order of one unit."""
    shop = stage.kit.shop(payments=(503, 503))
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        left = shop.on_hand()
    return Seen(left != 9, f"10 units, one sold, {left} left")


@proof("oversold")
async def oversold(stage: Stage) -> Seen:
    """Eight orders of one unit for five units."""
    shop = stage.kit.shop(5)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 8)
        await job.call("settle")
        left, sold = shop.on_hand(), len(shop.captures)
    return Seen(left < 0 or sold > 5, f"5 units, {sold} paid for, {left} left")


@proof("declined-again")
async def declined_again(stage: Stage) -> Seen:
    """The card is declined."""
    shop = stage.kit.shop(payments=(402,) * 10)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
    return Seen(shop.tries["o-1"] > 1, f"a declined card was tried {shop.tries['o-1']} times")


@proof("two-retries")
async def two_retries(stage: Stage) -> Seen:
    """The provider is away for good."""
    shop = stage.kit.shop(payments=(503,) * 10)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
    return Seen(shop.tries["o-1"] != 4, f"tried {shop.tries['o-1']} times, of which {shop.tries['o-1'] - 1} are retries")


@proof("even-pauses")
async def even_pauses(stage: Stage) -> Seen:
    """Many orders fail together; when do they come back?"""
    shop = stage.kit.shop(payments=(503,) * 6, gate=6)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 6)
        await job.call("settle")
        pauses = (await job.call("sleeps")).value[:6]
    same = len(set(pauses)) == 1
    return Seen(same, f"6 orders failed together; their pauses are {'all the same' if same else 'spread'}")


@proof("no-limit")
async def no_limit(stage: Stage) -> Seen:
    """Thirty orders within a moment, while the provider takes its time."""
    shop = stage.kit.shop(60, gate=30)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 30)
        await stage.kit.until_open(job, shop)
    return Seen(shop.peak > 20, "all captures at the provider at the same moment" if shop.peak > 20 else "a few at a time")


@proof("unhandled-alert")
async def unhandled_alert(stage: Stage) -> Seen:
    """Neither the provider nor the way to the people on duty works."""
    shop = stage.kit.shop(payments=(503,) * 10, alerts=503)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
    unhandled = sum(kind == "unhandled" for kind, _ in shop.world.facts)
    return Seen(unhandled > 0, f"{unhandled} rejections that nobody handles")


@proof("stop-drops")
async def stop_drops(stage: Stage) -> Seen:
    """A deployment while orders are being worked off."""
    shop = stage.kit.shop(gate=4)
    async with stage.open(shop.world) as job:
        taken = stage.kit.queued(await stage.kit.submit(job, 3))
        await job.call("settle", turns=10)
        await job.call("redeploy")
        await job.call("settle")
        stored = shop.world.db().rows("SELECT count(*) FROM orders WHERE status = 'confirmed'")[0][0]
    return Seen(stored < taken, f"{taken} orders in work, {stored} confirmed after the deployment")


@proof("shops-price")
async def shops_price(stage: Stage) -> Seen:
    """The request names a price of one cent; the price list says 500."""
    shop = stage.kit.shop()
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1, unitCents=1)
        await job.call("settle")
    taken = shop.captures[0]["amountCents"] if shop.captures else None
    return Seen(taken == 1, f"{taken} cents taken for a unit of 500")


@proof("queued-for-ever")
async def queued_for_ever(stage: Stage) -> Seen:
    """What does the shop see of an order that was given up?"""
    shop = stage.kit.shop(payments=(503,) * 10)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        seen = (await job.call("status", orderId="o-1")).value
    return Seen(seen == "queued", f"status of an order that was given up: {seen}")


@proof("known-here-only")
async def known_here_only(stage: Stage) -> Seen:
    """The shop sends an order again after the process was replaced."""
    shop = stage.kit.shop()
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        await job.call("redeploy")
        await stage.kit.submit(job, 1)
        await job.call("settle")
        paid, gone = len(shop.captures), 10 - shop.on_hand()
    return Seen(paid > 1 or gone > 1, f"one order of one unit, sent twice: money taken {paid} times, {gone} units gone")


@proof("given-up-keeps-units")
async def given_up_keeps_units(stage: Stage) -> Seen:
    """The card is declined; the order ends without money."""
    shop = stage.kit.shop(payments=(402,) * 10)
    async with stage.open(shop.world) as job:
        await stage.kit.submit(job, 1)
        await job.call("settle")
        left = shop.on_hand()
    return Seen(left != 10, f"10 units, nothing sold, {left} left")


@proof("half-an-order")
async def half_an_order(stage: Stage) -> Seen:
    """An order of two products; the database refuses to change the second one, once."""
    shop = stage.kit.shop()
    db = shop.world.db()
    db.run("INSERT INTO inventory VALUES ('sku-2', 10, 500)")
    db.run("CREATE TRIGGER broken BEFORE UPDATE ON inventory WHEN old.sku = 'sku-2' BEGIN SELECT RAISE(ABORT, 'disk'); END")
    async with stage.open(shop.world) as job:
        await job.call("submit", lines=[["sku-1", 1], ["sku-2", 1]])
        await job.call("settle", turns=10)
        await job.call("crash")
        left = [shop.on_hand(sku) for sku in ("sku-1", "sku-2")]
    return Seen(left != [10, 10], f"second product cannot be taken; units left of each: {left[0]} and {left[1]} of 10")


@proof("seen-for-ever")
async def seen_for_ever(stage: Stage) -> Seen:
    """Four orders are worked off; which of them does the process still name?"""
    shop = stage.kit.shop(20)
    async with stage.open(shop.world, driver=stage.rubric / "inside.ts") as job:
        await job.gather([("submit", {"orderId": f"o-{n + 1}"}) for n in range(4)])
        await job.call("settle", turns=200)
        held = (await job.call("held")).value
    return Seen(held == 4, f"4 orders are done, {held} still held in memory")


@proof("weak-retry-test")
async def weak_retry_test(stage: Stage) -> Seen:
    """The author's own tests with a worker that tries nothing a second time."""
    shop = stage.kit.shop()
    counts = []
    for stuck in (False, True):
        async with stage.open(shop.world if not counts else stage.kit.shop().world, driver=stage.rubric / "inside.ts") as job:
            counts.append((await job.call("suite", stuck=stuck)).value)
    as_it_is, broken = counts
    green = as_it_is["failed"] == 0 and broken["failed"] == 0
    return Seen(green, f"tests failed: {as_it_is['failed']} as it is, {broken['failed']} with a worker that never tries again")
