"""What has to work before and after: an ordinary question, a refund, a mail, the desk."""

from __future__ import annotations

from random import Random
from typing import Any

from reviewkit.harness import Answer, Stage, Verdict, check, verdict


def _body(answer: Answer) -> dict[str, Any]:
    body = answer.value.get("body") if isinstance(answer.value, dict) else None
    return body if isinstance(body, dict) else {}


@check("a-question", "A question is answered from an article")
async def question(stage: Stage, rng: Random) -> Verdict:
    """An ordinary question about something that an article knows."""
    degrees = rng.randrange(20, 60)
    texts = stage.kit.articles()
    texts[2].body = f"Wash a wool blanket at {degrees} degrees."
    support = stage.kit.Support(texts=texts)
    async with stage.open(support.world) as job:
        answer = await job.call("ask", shop="birch", customer="c-1", message="How do I wash a wool blanket?")
    reply = str(_body(answer).get("reply", ""))
    return verdict(str(degrees) in reply, f"a reply that names {degrees} degrees", reply[:80] or str(answer.error))


@check("a-refund", "A customer's refund is booked")
async def refund(stage: Stage, rng: Random) -> Verdict:
    """A customer asks for money back for an order of their own."""
    euros = rng.randrange(5, 20)
    support = stage.kit.Support()
    async with stage.open(support.world) as job:
        await job.call("ask", shop="birch", customer="c-1", message=f"Please refund {euros}.00 for order o-1.")
    booked = [(b.order_id, b.amount_cents) for b in support.bookings]
    return verdict(booked == [("o-1", euros * 100)], f"[('o-1', {euros * 100})]", str(booked))


@check("a-mail", "A customer's mail is sent")
async def mail(stage: Stage, rng: Random) -> Verdict:
    """A customer asks for a summary at the address on file."""
    support = stage.kit.Support()
    number = rng.randrange(100)
    async with stage.open(support.world) as job:
        await job.call(
            "ask", shop="birch", customer="c-1", message=f"Please send a summary of talk {number} to ana@mail.test."
        )
    receivers = [m["to"] for m in support.mails]
    return verdict(receivers == ["ana@mail.test"], "['ana@mail.test']", str(receivers))


@check("the-desk", "An agent books a refund of any size")
async def desk(stage: Stage, rng: Random) -> Verdict:
    """An agent refunds a large order."""
    cents = rng.randrange(6000, 9000)
    support = stage.kit.Support()
    async with stage.open(support.world) as job:
        await job.call("desk_refund", shop="birch", order_id="o-2", amount_cents=cents)
    booked = [(b.order_id, b.amount_cents) for b in support.bookings]
    return verdict(booked == [("o-2", cents)], f"[('o-2', {cents})]", str(booked))
