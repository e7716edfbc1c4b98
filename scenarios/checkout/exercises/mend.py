"""Public checks of the mend: the ordinary behaviour that must stay."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("an-order-is-paid", "An order is paid, stored and acknowledged")
async def an_order_is_paid(stage: Stage, rng: Random) -> Verdict:
    """One order, a gateway in good health."""
    order = f"o-{rng.randrange(5)}"
    parts = stage.kit.shop(orders=5)
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id=order)
    charges, receipts = len(parts.gateway.of(order)), len(parts.receipts.sent)
    status = answer.value["status"] if answer.ok else answer.error
    seen = f"answer {status}, stored {parts.status(order)}, {charges} charges, {receipts} receipts"
    expected = "answer 200, stored paid, 1 charges, 1 receipts"
    return verdict(seen == expected, expected, seen)


@check("asking-again", "A paid order can be asked for again")
async def asking_again(stage: Stage, rng: Random) -> Verdict:
    """The same request twice, one after the other."""
    order = f"o-{rng.randrange(5)}"
    parts = stage.kit.shop(orders=5)
    async with stage.open(parts.world) as job:
        first = await job.call("checkout", order_id=order)
        second = await job.call("checkout", order_id=order)
    same = first.ok and first == second
    requests = len(parts.gateway.requests_for(order))
    seen = f"{'the same answer' if same else 'another answer'}, {requests} requests at the gateway"
    expected = "the same answer, 1 requests at the gateway"
    return verdict(seen == expected, expected, seen)


@check("somebody-else", "Nobody pays for the orders of others")
async def somebody_else(stage: Stage, rng: Random) -> Verdict:
    """A customer who does not own the order."""
    order = f"o-{rng.randrange(5)}"
    parts = stage.kit.shop(orders=5)
    async with stage.open(parts.world) as job:
        answer = await job.call("checkout", order_id=order, customer="c-2")
    status = answer.value["status"] if answer.ok else answer.error
    return verdict(status == 404, "answer 404", f"answer {status}")
