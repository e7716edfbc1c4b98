"""Hidden checks of the mend. They judge what the world saw: charges, stored states, counts of arrivals, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from reviewkit.harness import Answer, HttpCall, Stage, Verdict, check, verdict

UNKNOWN = frozenset({202, 409, 502, 503, 504})
"""What a customer may be told while nobody knows whether the money was taken."""
ROOMY = {"pool_size": 20}
"""Enough connections for a check that is about something else."""
DISK_FULL = (
    "CREATE TRIGGER disk_full BEFORE UPDATE ON orders WHEN NEW.status = 'paid' "
    "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
)


def told(answer: Answer) -> Any:
    """The status code that the customer got, or the name of what went wrong."""
    if not answer.ok:
        return answer.error
    return answer.value.get("status") if isinstance(answer.value, dict) else "no status"


def reads(*, about_orders: bool) -> Callable[[str], bool]:
    """Tells SELECTs from the table of orders, or all others, by their SQL."""

    def matches(sql: str) -> bool:
        text = " ".join(sql.upper().split())
        return text.startswith("SELECT") and ("FROM ORDERS" in text) == about_orders

    return matches


def meet(parts: Any, guests: int) -> Any:
    """A gate at the gateway: requests for a charge wait there until `guests` have come."""
    gate = parts.world.gate(guests)

    async def hold(_call: HttpCall) -> None:
        await gate.wait()

    parts.gateway.before = hold
    return gate


@check("calls-overlap", "Payments wait for the gateway together")
async def calls_overlap(stage: Stage, rng: Random) -> Verdict:
    """Four orders at once; each is held at the gateway until all are there."""
    orders = rng.sample(range(9), 4)
    parts = stage.kit.shop(orders=9)
    gate = meet(parts, 4)
    async with stage.open(parts.world) as job:
        await job.call("start", settings=ROOMY)
        await job.gather([("checkout", {"order_id": f"o-{n}"}) for n in orders])
    paid = sum(parts.status(f"o-{n}") == "paid" for n in orders)
    return verdict(gate.arrived == 4 and paid == 4, "4 at the gateway together, 4 paid", f"{gate.arrived} together, {paid} paid")


@check("others-are-served", "Other requests are answered while a payment is at the gateway")
async def others_are_served(stage: Stage, rng: Random) -> Verdict:
    """The gateway keeps one payment until two other requests were answered."""
    paying, other = rng.sample(range(9), 2)
    parts = stage.kit.shop(orders=9)
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hold(_call: HttpCall) -> None:
        arrived.set()
        await release.wait()

    parts.gateway.before = hold
    async with stage.open(parts.world) as job:
        await job.call("start", settings=ROOMY)
        payment = asyncio.create_task(job.call("checkout", order_id=f"o-{paying}"))
        waiting = asyncio.create_task(arrived.wait())
        await asyncio.wait({payment, waiting}, return_when=asyncio.FIRST_COMPLETED)
        page = told(await job.call("read", order_id=f"o-{other}", timeout=8)) if arrived.is_set() else "no payment came"
        health = told(await job.call("health", timeout=8)) if page == 200 else "not asked"
        release.set()
        waiting.cancel()
        await payment
    return verdict(page == 200 and health == 200, "order page 200, health 200", f"order page {page}, health {health}")


@check("silent-gateway", "A gateway that never answers is given up")
async def silent_gateway(stage: Stage, rng: Random) -> Verdict:
    """Every call hangs: the customer is told something, and the order is not paid."""
    order, ending = f"o-{rng.randrange(6)}", rng.choice(["hang", "lost-hang"])
    parts = stage.kit.shop()
    parts.gateway.script[order] = [ending] * 20
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"gateway_timeout": 0.5})
        answer = told(await job.call("checkout", order_id=order, timeout=10))
    stored = parts.status(order)
    return verdict(answer in UNKNOWN and stored != "paid", "202, 409 or 502-504, not paid", f"{answer}, {stored}")


@check("lost-answers", "A lost answer does not cost the customer twice")
async def lost_answers(stage: Stage, rng: Random) -> Verdict:
    """The gateway books, a proxy answers 504; the customer asks until the answer is 200, three times at most.

    The answers lost outlast the attempts of one request, so the customer's own retry counts too.
    """
    order, lost = f"o-{rng.randrange(6)}", rng.randint(3, 5)
    parts = stage.kit.shop()
    parts.gateway.script[order] = ["lost"] * lost
    answers: list[Any] = []
    async with stage.open(parts.world) as job:
        while len(answers) < 3 and 200 not in answers:
            answers.append(told(await job.call("checkout", order_id=order)))
    charges, asked = len(parts.gateway.of(order)), len(parts.gateway.requests)
    return verdict(asked > 0 and charges <= 1, "at most 1 charge kept", f"{charges} charges kept, answers {answers}")


@check("two-workers", "Two workers that get the same order take the money once")
async def two_workers(stage: Stage, rng: Random) -> Verdict:
    """Whatever both read, both have read before either goes on; at the gateway they are let through together."""
    order = f"o-{rng.randrange(6)}"
    parts = stage.kit.shop()
    for about_orders in (True, False):
        parts.database.hold(parts.world.gate(2), when=reads(about_orders=about_orders))
    meet(parts, 2)
    async with stage.open(parts.world) as job:
        answers = await job.gather([("checkout", {"order_id": order, "worker": worker}) for worker in ("a", "b")])
    charges, stored = len(parts.gateway.of(order)), parts.status(order)
    told_both = all(answer.ok for answer in answers)
    seen = f"{charges} charges, order {stored}, {'both' if told_both else 'not both'} answered"
    return verdict(charges == 1 and stored == "paid", "1 charge, order paid", seen)


@check("another-card", "After a decline another card works")
async def another_card(stage: Stage, rng: Random) -> Verdict:
    """One or two declined cards, then a good one."""
    order, declines = f"o-{rng.randrange(6)}", rng.randint(1, 2)
    parts = stage.kit.shop()
    parts.gateway.script[order] = ["declined"] * declines
    async with stage.open(parts.world) as job:
        await job.call("start", settings=ROOMY)
        answers = [
            told(await job.call("checkout", order_id=order, card=f"tok-{attempt}")) for attempt in range(declines + 1)
        ]
    charges, stored = len(parts.gateway.of(order)), parts.status(order)
    expected = f"answers {[402] * declines + [200]}, order paid, 1 charges"
    seen = f"answers {answers}, order {stored}, {charges} charges"
    return verdict(seen == expected, expected, seen)


@check("failed-write", "Money is not lost when the database fails after the charge")
async def failed_write(stage: Stage, rng: Random) -> Verdict:
    """The order cannot be marked paid: the money went back, or something stored says that it was asked for."""
    order = f"o-{rng.randrange(6)}"
    parts = stage.kit.shop()
    parts.database.run(DISK_FULL)
    async with stage.open(parts.world) as job:
        answer = told(await job.call("checkout", order_id=order))
    charges, stored, rows = len(parts.gateway.of(order)), parts.status(order), parts.mentions(order)
    writes = [each for each in parts.database.statements if each.sql.lstrip().upper().startswith(("INSERT", "UPDATE"))]
    tried = bool(parts.world.calls or writes)  # code that does nothing loses no money either
    safe = tried and answer != 200 and (charges == 0 or stored != "open" or rows > 0)
    seen = f"answer {answer}, {charges} charges kept, order {stored}, {rows} other rows name it{'' if tried else ', nothing asked or written'}"
    return verdict(safe, "not 200; money given back, or a stored trace of it", seen)


@check("connections-are-free", "No database connection waits for the gateway")
async def connections_are_free(stage: Stage, rng: Random) -> Verdict:
    """Two connections, four payments at the gateway together."""
    orders = rng.sample(range(9), 4)
    parts = stage.kit.shop(orders=9)
    gate = meet(parts, 4)
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 2})
        await job.gather([("checkout", {"order_id": f"o-{n}"}) for n in orders])
    return verdict(gate.arrived == 4, "4 at the gateway with 2 connections", f"{gate.arrived} at the gateway with 2 connections")


@check("receipts-out-of-order", "A payment counts without its receipt")
async def receipts_out_of_order(stage: Stage, rng: Random) -> Verdict:
    """The receipt service fails in one of three ways."""
    order, ending = f"o-{rng.randrange(6)}", rng.choice(["down", "refuse", "hang"])
    parts = stage.kit.shop()
    parts.receipts.ending = ending
    async with stage.open(parts.world) as job:
        answer = told(await job.call("checkout", order_id=order))
    stored = parts.status(order)
    seen = f"answer {answer}, order {stored} (receipts: {ending})"
    return verdict(answer == 200 and stored == "paid", "answer 200, order paid", seen)


@check("pending-charge", "A pending charge is not a payment")
async def pending_charge(stage: Stage, rng: Random) -> Verdict:
    """The bank wants to ask the customer; nothing may be shipped yet."""
    order = f"o-{rng.randrange(6)}"
    parts = stage.kit.shop()
    parts.gateway.script[order] = ["pending"]
    async with stage.open(parts.world) as job:
        answer = told(await job.call("checkout", order_id=order))
    stored, asked = parts.status(order), bool(parts.gateway.requests_for(order))
    passed = asked and answer in UNKNOWN and stored != "paid"
    return verdict(passed, "202, 409 or 502-504, not paid", f"{answer}, {stored}")


@check("outage-is-noticed", "A gateway that is down is left alone")
async def outage_is_noticed(stage: Stage, rng: Random) -> Verdict:
    """After a dozen failed orders, the next three do not reach for the gateway."""
    first, ending = 12 + rng.randrange(4), rng.choice(["refuse", "down"])
    parts = stage.kit.shop(orders=first + 3)
    parts.gateway.script = {f"o-{n}": [ending] * 20 for n in range(first + 3)}
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 40})
        for n in range(first + 3):
            await job.call("checkout", order_id=f"o-{n}")
    early = sum(len(parts.gateway.requests_for(f"o-{n}")) for n in range(first))
    late = sum(len(parts.gateway.requests_for(f"o-{n}")) for n in range(first, first + 3))
    seen = f"{late} requests for the last 3 orders, {early} before"
    return verdict(early > 0 and late == 0, "0 requests for the last 3 orders", seen)


@check("declines-are-no-outage", "Declined cards do not close checkout for others")
async def declines_are_no_outage(stage: Stage, rng: Random) -> Verdict:
    """A row of declined cards, each for an order of its own, then a good one."""
    declines = 7 + rng.randrange(4)
    parts = stage.kit.shop(orders=declines + 1)
    parts.gateway.script = {f"o-{n}": ["declined"] for n in range(declines)}
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 40})
        answers = [told(await job.call("checkout", order_id=f"o-{n}")) for n in range(declines + 1)]
    return verdict(answers[-1] == 200, "a good card is answered 200", f"after {declines} declines a good card: {answers[-1]}")


@check("cancelled-meanwhile", "An order cancelled during the call does not become paid")
async def cancelled_meanwhile(stage: Stage, rng: Random) -> Verdict:
    """The orders team's service cancels while the gateway is asked, if the state of the order lets it."""
    order = f"o-{rng.randrange(6)}"
    parts = stage.kit.shop()
    cancelled: list[bool] = []

    async def cancel(_call: HttpCall) -> None:
        cancelled.append(parts.cancel(order))

    parts.gateway.before = cancel
    async with stage.open(parts.world) as job:
        answer = told(await job.call("checkout", order_id=order))
    stored = parts.status(order)
    wrong = any(cancelled) and (stored == "paid" or answer == 200)
    seen = f"{'cancelled meanwhile' if any(cancelled) else 'not to be cancelled'}, answer {answer}, in the end {stored}"
    return verdict(bool(cancelled) and not wrong, "not cancelled meanwhile, or not paid in the end", seen)
