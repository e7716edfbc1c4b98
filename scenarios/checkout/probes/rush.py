"""Five orders at the same moment, and a reader beside them."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

from reviewkit.harness import Answer, Calls, HttpCall, ProbeResult, Stage, lines

ORDERS = 5
GATEWAY_SECONDS = 0.3


async def run(stage: Stage) -> ProbeResult:
    """Pay for five orders together, read a sixth once a payment is on its way, listen to the worker's clock."""
    parts = stage.kit.shop(orders=ORDERS + 1, delay=GATEWAY_SECONDS)
    arrived = asyncio.Event()

    async def note(_call: HttpCall) -> None:
        arrived.set()

    parts.gateway.before = note
    async with stage.open(parts.world) as job:
        await job.call("health")
        await job.heartbeat()
        start = time.monotonic()
        payments = asyncio.gather(*(_timed(job, start, "checkout", order_id=f"o-{n}") for n in range(ORDERS)))
        waiting = asyncio.create_task(arrived.wait())
        either: set[asyncio.Future[Any]] = {payments, waiting}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        reading = await _timed(job, start, "read", order_id=f"o-{ORDERS}")
        timed = [*await payments, reading]
        beats = await job.beats()
    paid = sum(_status(answer) == 200 for answer, _ in timed[:ORDERS])
    shared = parts.gateway.present_peak
    names = [f"pay for o-{n}" for n in range(ORDERS)] + ["read another order"]
    table = [
        {"request": name, "status": _status(answer), "answered after (s)": round(seconds, 2)}
        for name, (answer, seconds) in zip(names, timed, strict=True)
    ]
    gaps = [(beat, after - beat) for beat, after in pairwise(beats)]
    answered = [(seconds, float(n + 1)) for n, seconds in enumerate(sorted(s for _, s in timed))]
    return ProbeResult(
        verdict=f"{paid} of {ORDERS} paid; at most {shared} of {ORDERS} payments were at the gateway at the same moment",
        plots=[
            lines("Answers", {"answered so far": answered}, x="seconds", y="requests"),
            lines("Clock in the worker", {"time to the next tick": gaps}, x="seconds", y="seconds"),
        ],
        table=table,
    )


async def _timed(job: Calls, start: float, name: str, **arguments: Any) -> tuple[Answer, float]:
    answer = await job.call(name, **arguments)
    return answer, time.monotonic() - start


def _status(answer: Answer) -> Any:
    """The status code, or the name of what went wrong."""
    return answer.value["status"] if answer.ok else answer.error
