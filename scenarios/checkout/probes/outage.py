"""Twelve orders while the gateway refuses connections."""

from __future__ import annotations

from collections import Counter

from reviewkit.harness import ProbeResult, Stage, bars

ORDERS = 12


async def run(stage: Stage) -> ProbeResult:
    """Count how often each order knocks at the gateway, and what the customers are told."""
    parts = stage.kit.shop(orders=ORDERS)
    parts.gateway.script = {f"o-{n}": ["refuse"] * 20 for n in range(ORDERS)}
    told: Counter[str] = Counter()
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 20})
        for n in range(ORDERS):
            answer = await job.call("checkout", order_id=f"o-{n}")
            told[str(answer.value["status"] if answer.ok else answer.error)] += 1
    knocks = {f"o-{n}": float(len(parts.gateway.requests_for(f"o-{n}"))) for n in range(ORDERS)}
    answers = ", ".join(f"{count} times {status}" for status, count in sorted(told.items()))
    return ProbeResult(
        verdict=f"{ORDERS} orders knocked {sum(knocks.values()):.0f} times; answers: {answers}",
        plots=[bars("Requests at the gateway", knocks, y="requests")],
        table=[{"answer": status, "customers": count} for status, count in sorted(told.items())],
    )
