"""The world outside the order service: its database, the payment provider and the mail service."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from reviewkit.harness import Calls, Gate, HttpCall, Reply, World

SCHEMA = """
CREATE TABLE inventory (sku TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, unit_cents INTEGER NOT NULL);
CREATE TABLE orders (
  id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, status TEXT NOT NULL, capture_id TEXT, request TEXT,
  attempts INTEGER NOT NULL DEFAULT 0
);
"""

REST_SECONDS = 0.05
"""Between two looks at a gate."""


@dataclass
class Shop:
    """A world and what was observed in it."""

    world: World
    captures: list[dict[str, Any]] = field(default_factory=list)
    """Money taken, in order; a request with a key that was seen before takes nothing."""
    tries: Counter[str] = field(default_factory=Counter)
    """Requests for a capture, by order."""
    mails: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    gate: Gate | None = None
    """Holds captures."""
    going: asyncio.Event = field(default_factory=asyncio.Event)
    """Captures wait while this is clear; it is set to begin with."""
    now: int = 0
    peak: int = 0
    """Captures at the provider now, and the most there ever were together."""
    told: int = 0
    """Answers of the provider to captures that it made or knew."""
    refused: int = 0
    """Captures that came on top of what it allows."""

    def on_hand(self, sku: str = "sku-1") -> int:
        """Units in stock, read from outside."""
        return int(self.world.db().rows("SELECT on_hand FROM inventory WHERE sku = ?", sku)[0][0])

    def status(self, order: str = "o-1") -> str:
        """Status of an order as stored."""
        found = self.world.db().rows("SELECT status FROM orders WHERE id = ?", order)
        return str(found[0][0]) if found else "not stored"


def shop(
    units: int = 10, *, payments: tuple[int, ...] = (), mail: tuple[int, ...] = (), alerts: int = 201, gate: int = 0, limit: int = 0, lost: int = 0
) -> Shop:
    """One product in stock, a payment provider and a mail service.

    Args:
        units: In stock.
        payments: Statuses of the provider's first answers; then 201.
        mail: Statuses of the first answers to mails; then 201.
        alerts: Status for messages to the people on duty.
        gate: Hold captures until so many are there together.
        lost: So many captures are made at first and answered 503 all the same.
        limit: Captures that the provider allows at a time, where it keeps to that; above it answers 429.
    """
    world = World()
    made = Shop(world, gate=world.gate(gate) if gate else None)
    made.going.set()
    world.database("main", SCHEMA, rows=[("INSERT INTO inventory VALUES ('sku-1', ?, 500)", (units,))])
    keys: dict[str, str] = {}
    paying, mailing = list(payments), list(mail)

    async def capture(call: HttpCall) -> Reply:
        if limit and made.now >= limit:
            made.tries[call.json["orderId"]] += 1
            made.refused += 1
            return Reply(429, json={"error": "too many"})
        made.now += 1
        made.peak = max(made.peak, made.now)
        try:
            if made.gate is not None:
                await made.gate.wait()
            await made.going.wait()
        finally:  # a caller that has lost patience is gone, too
            made.now -= 1
        order, key = call.json["orderId"], call.headers.get("idempotency-key")
        made.tries[order] += 1
        status = paying.pop(0) if paying else 201
        if status != 201:
            return Reply(status, json={"error": "declined" if status == 402 else "unavailable"})
        if key is None or key not in keys:
            made.captures.append(call.json)
            keys[key or f"none-{len(made.captures)}"] = f"cap-{len(made.captures)}"
        made.told += 1
        if made.told <= lost:
            return Reply(503, json={"error": "unavailable"})
        return Reply(201, json={"captureId": keys[key] if key else f"cap-{len(made.captures)}"})

    async def message(call: HttpCall) -> Reply:
        if call.path == "/alerts":
            made.alerts.append(call.json)
            return Reply(alerts, json={})
        status = mailing.pop(0) if mailing else 201
        if status == 201:
            made.mails.append(call.json)
        return Reply(status, json={})

    world.http("payments", capture)
    world.http("mail", message)
    return made


async def submit(job: Calls, count: int, **order: Any) -> list[Any]:
    """Send so many orders together."""
    return await job.gather(("submit", {"orderId": f"o-{n + 1}", **order}) for n in range(count))


async def submit_then_crash(job: Calls, count: int) -> int:
    """Send so many orders together; the process is gone as soon as the last has its answer. How many were taken."""
    taken = await job.call("submitThenCrash", orders=[{"orderId": f"o-{n + 1}"} for n in range(count)])
    return int(taken.value) if taken.ok else 0


async def until_open(job: Calls, made: Shop) -> None:
    """Let the worker go on until the gate has opened: everybody is there, or nobody else comes."""
    while made.gate is not None and not made.gate.is_open:
        if not (await job.call("settle", turns=5)).ok:
            return
        await asyncio.sleep(REST_SECONDS)


def queued(answers: list[Any]) -> int:
    """How many of these orders were taken."""
    return sum(answer.ok for answer in answers)
