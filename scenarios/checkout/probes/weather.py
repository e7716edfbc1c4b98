"""Eight orders while the gateway has good and bad moments."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Answer, ProbeResult, Stage, bars

DAY: dict[str, list[str]] = {
    "o-0": [],
    "o-1": ["declined"],
    "o-2": ["down"],
    "o-3": ["lost"],
    "o-4": ["pending"],
    "o-5": ["lost", "lost", "lost"],
    "o-6": ["refuse", "refuse", "refuse"],
    "o-7": ["down", "lost"],
}
PAID = 200


async def run(stage: Stage) -> ProbeResult:
    """Pay for each order, ask once more unless it was paid, then compare the books."""
    parts = stage.kit.shop(orders=len(DAY))
    parts.gateway.script = {order: list(endings) for order, endings in DAY.items()}
    answers: dict[str, list[Any]] = {}
    async with stage.open(parts.world) as job:
        await job.call("start", settings={"pool_size": 20})
        for order in DAY:
            answers[order] = [_status(await job.call("checkout", order_id=order))]
            if answers[order] != [PAID]:
                answers[order].append(_status(await job.call("checkout", order_id=order, card="tok-2")))
    charges = {order: len(parts.gateway.of(order)) for order in DAY}
    table = [
        {
            "order": order,
            "gateway's moments": ", ".join(endings) or "ok",
            "answers": ", ".join(map(str, answers[order])),
            "stored": parts.status(order),
            "charges": charges[order],
        }
        for order, endings in DAY.items()
    ]
    paid = sum(row["stored"] == "paid" for row in table)
    return ProbeResult(
        verdict=f"{len(DAY)} orders: {paid} stored as paid, {sum(charges.values())} charges in the gateway's books",
        plots=[bars("Charges in the gateway's books", {o: float(n) for o, n in charges.items()}, y="charges")],
        table=table,
    )


def _status(answer: Answer) -> Any:
    """The status code, or the name of what went wrong."""
    return answer.value["status"] if answer.ok else answer.error
