"""One proof per defect: shown on the head tree, absent from the reference."""

from __future__ import annotations

import ast
from typing import Any

from reviewkit.harness import HttpCall, Seen, Stage, proof

TESTS = "tests/test_checkout.py"
LEAST_STATUS, MOST_STATUS = 100, 599
TOGETHER = 4
CARD = "tok-4000-0025"


def lent(parts: Any) -> int:
    """Connections that the code has taken from its pool and not given back, as last reported by the observer."""
    reports = [data["connections"] for kind, data in parts.world.facts if kind == "lent"]
    return int(reports[-1]) if reports else 0


@proof("blocking-gateway-call")
async def blocking_gateway_call(stage: Stage) -> Seen:
    """Hold each payment at the gateway until four are there, and count who came."""
    parts = stage.kit.shop(orders=TOGETHER)
    gate = parts.world.gate(TOGETHER)

    async def hold(_call: HttpCall) -> None:
        await gate.wait()

    parts.gateway.before = hold
    async with stage.open(parts.world) as job:
        await job.gather([("checkout", {"order_id": f"o-{n}"}) for n in range(TOGETHER)])
    return Seen(gate.arrived < TOGETHER, f"{gate.arrived} of {TOGETHER} payments reached the gateway together")


@proof("no-read-timeout")
async def no_read_timeout(stage: Stage) -> Seen:
    """Read the time-outs that the client put on its call."""
    parts = stage.kit.shop()
    async with stage.open(parts.world) as job:
        await job.call("checkout", order_id="o-0")
    limits = [(call.timeout or {}).get("read") for call in parts.gateway.requests]
    return Seen(None in limits, f"read time-outs of the calls: {limits}")


@proof("new-key-per-attempt")
async def new_key_per_attempt(stage: Stage) -> Seen:
    """The first attempt is booked but its answer is lost; the second is answered."""
    parts = stage.kit.shop()
    parts.gateway.script["o-0"] = ["lost"]
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id="o-0")
    charges = len(parts.gateway.of("o-0"))
    return Seen(charges > 1, f"one request, answer {answer.value['status']}, {charges} charges")


@proof("pending-taken-for-paid")
async def pending_taken_for_paid(stage: Stage) -> Seen:
    """The bank wants to ask the customer first."""
    parts = stage.kit.shop()
    parts.gateway.script["o-0"] = ["pending"]
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id="o-0")
    status = parts.status("o-0")
    return Seen(status == "paid", f"the charge is pending, the answer {answer.value['status']}, the order {status}")


@proof("guard-in-one-process")
async def guard_in_one_process(stage: Stage) -> Seen:
    """Two workers look for a payment of the same order at the same moment."""
    parts = stage.kit.shop()
    gate = parts.world.gate(2)
    parts.database.hold(gate, when=lambda sql: sql.startswith("SELECT payments"))
    async with stage.open(parts.world) as job:
        answers = await job.gather([("checkout", {"order_id": "o-0", "worker": worker}) for worker in ("a", "b")])
    charges = len(parts.gateway.of("o-0"))
    statuses = sorted(answer.value["status"] for answer in answers if answer.ok)
    return Seen(charges > 1, f"two workers, answers {statuses}, {charges} charges")


@proof("guard-kept-after-failure")
async def guard_kept_after_failure(stage: Stage) -> Seen:
    """A customer tries another card after a decline."""
    parts = stage.kit.shop()
    parts.gateway.script["o-0"] = ["declined"]
    async with stage.open(parts.world) as job:
        first = await job.call("checkout", order_id="o-0")
        second = await job.call("checkout", order_id="o-0", card="tok-2")
    statuses = [first.value["status"], second.value["status"]]
    return Seen(statuses == [402, 409], f"answers to two cards one after the other: {statuses}")


@proof("charge-before-any-record")
async def charge_before_any_record(stage: Stage) -> Seen:
    """The write that marks the order paid fails."""
    parts = stage.kit.shop()
    parts.database.run(
        "CREATE TRIGGER full BEFORE UPDATE ON orders WHEN NEW.status = 'paid' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    async with stage.open(parts.world) as job:
        await job.call("checkout", order_id="o-0")
    charges, rows, status = len(parts.gateway.of("o-0")), parts.mentions("o-0"), parts.status("o-0")
    lost = charges > 0 and rows == 0 and status == "open"
    return Seen(lost, f"{charges} charges kept, order {status}, {rows} rows that name the order")


@proof("cancelled-order-overwritten")
async def cancelled_order_overwritten(stage: Stage) -> Seen:
    """The orders team's service cancels the order, if it may, while the gateway is asked."""
    parts = stage.kit.shop()
    cancelled: list[bool] = []

    async def cancel(_call: HttpCall) -> None:
        cancelled.append(parts.cancel("o-0"))

    parts.gateway.before = cancel
    async with stage.open(parts.world) as job:
        await job.call("checkout", order_id="o-0")
    status = parts.status("o-0")
    did = "was" if any(cancelled) else "could not be"
    return Seen(any(cancelled) and status == "paid", f"the order {did} cancelled during the call; in the end it is {status}")


@proof("connection-held-during-call")
async def connection_held_during_call(stage: Stage) -> Seen:
    """Count the connections that are out of the pool at the moment the gateway is asked."""
    parts = stage.kit.shop()
    held: list[int] = []

    async def count(_call: HttpCall) -> None:
        held.append(lent(parts))

    parts.gateway.before = count
    async with stage.open(parts.world, driver=stage.rubric / "observer.py") as job:
        await job.call("checkout", order_id="o-0")
    return Seen(max(held, default=0) > 0, f"{max(held, default=0)} connections out of the pool during the call")


@proof("session-left-open-on-error")
async def session_left_open_on_error(stage: Stage) -> Seen:
    """Three cards are declined; the garbage collector is told to stay out of it."""
    parts = stage.kit.shop(orders=3)
    parts.gateway.script = {f"o-{n}": ["declined"] for n in range(3)}
    async with stage.open(parts.world, driver=stage.rubric / "observer.py") as job:
        for n in range(3):
            await job.call("checkout", order_id=f"o-{n}")
        left = lent(parts)
    return Seen(left > 0, f"{left} connections out of the pool after three answered requests")


@proof("breaker-per-request")
async def breaker_per_request(stage: Stage) -> Seen:
    """Twelve orders meet a gateway that refuses every connection."""
    parts = stage.kit.shop(orders=12)
    parts.gateway.script = {f"o-{n}": ["refuse"] * 9 for n in range(12)}
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 20})
        for n in range(12):
            await job.call("checkout", order_id=f"o-{n}")
    total, last = len(parts.gateway.requests), len(parts.gateway.requests_for("o-11"))
    return Seen(last > 0, f"{total} requests in all, {last} of them for the twelfth order")


@proof("declines-open-the-breaker")
async def declines_open_the_breaker(stage: Stage) -> Seen:
    """Five declined cards and then a good one, through one gateway client."""
    parts = stage.kit.shop(orders=6)
    parts.gateway.script = {f"o-{n}": ["declined"] for n in range(5)}
    async with stage.open(parts.world, driver=stage.rubric / "observer.py") as job:
        await job.call("share_gateway")
        for n in range(5):
            await job.call("checkout", order_id=f"o-{n}")
        answer = await job.call("checkout", order_id="o-5")
    status = answer.value["status"]
    return Seen(status != 200, f"after five declined cards a good card is answered {status}")


@proof("receipt-fails-the-checkout")
async def receipt_fails_the_checkout(stage: Stage) -> Seen:
    """The receipt service is out of order."""
    parts = stage.kit.shop()
    parts.receipts.ending = "down"
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id="o-0")
    status, stored = answer.value["status"], parts.status("o-0")
    return Seen(stored == "paid" and status != 200, f"the order is {stored}, the customer is told {status}")


@proof("upstream-text-to-customer")
async def upstream_text_to_customer(stage: Stage) -> Seen:
    """The gateway's error pages name things of the gateway."""
    parts = stage.kit.shop()
    parts.gateway.script["o-0"] = ["down"] * 9
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id="o-0")
    body = str(answer.value["body"])
    return Seen("m-4711" in body, f"the customer reads {body}")


@proof("card-in-log")
async def card_in_log(stage: Stage) -> Seen:
    """Look for the card token in the log lines of one payment."""
    parts = stage.kit.shop()
    async with stage.open(parts.world) as job:
        await job.call("checkout", order_id="o-0", card=CARD)
    found = [str(line.get("event")) for line in parts.world.logs if CARD in str(line)]
    return Seen(bool(found), f"log lines that carry the card token: {found}")


@proof("tests-check-status-only")
async def tests_check_status_only(stage: Stage) -> Seen:
    """Sort the assertions of the checkout tests by what they compare."""
    asserts = [node for node in ast.walk(stage.tree.syntax(TESTS)) if isinstance(node, ast.Assert)]
    deeper = [node for node in asserts if not _compares_status_code(node.test)]
    return Seen(bool(asserts) and not deeper, f"{len(deeper)} of {len(asserts)} assertions look at more than a status code")


def _compares_status_code(test: ast.expr) -> bool:
    """Whether an expression compares something with HTTP status codes and nothing else."""
    if not isinstance(test, ast.Compare):
        return False
    constants = [node.value for side in test.comparators for node in ast.walk(side) if isinstance(node, ast.Constant)]
    return bool(constants) and all(type(c) is int and LEAST_STATUS <= c <= MOST_STATUS for c in constants)
