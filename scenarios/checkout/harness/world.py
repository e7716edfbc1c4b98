"""The shop's surroundings: its database with orders in it, a payment gateway, a receipt service."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from reviewkit.harness import HANG, REFUSE, Database, HttpCall, Reply, World

SCHEMA = """
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL,
    email TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'paying', 'paid', 'cancelled')),
    total_cents INTEGER NOT NULL,
    currency TEXT NOT NULL
)
"""
CUSTOMER = "c-1"
TOTAL_CENTS = 4990

Hook = Callable[[HttpCall], Awaitable[None]]


@dataclass
class Charge:
    """One charge in the gateway's books."""

    id: str
    order: str
    key: str
    amount_cents: int
    status: str
    refunded: bool = False

    def as_json(self) -> dict[str, Any]:
        """The charge as the gateway describes it."""
        return {
            "id": self.id,
            "order": self.order,
            "amount_cents": self.amount_cents,
            "status": self.status,
            "refunded": self.refunded,
        }


@dataclass
class Gateway:
    """The payment gateway. `script` says how the next requests for an order end; without an entry they end well.

    Endings: "ok", "pending", "declined", "down" (503), "lost" (booked, but a proxy answers 504), "hang" (never answered),
    "lost-hang" (booked, never answered), "refuse" (no connection).
    """

    script: dict[str, list[str]] = field(default_factory=dict)
    delay: float = 0.0
    before: Hook | None = None
    """Awaited when a request has come in, before anything is booked."""
    after: Hook | None = None
    """Awaited when a charge is booked, before it is answered."""
    charges: list[Charge] = field(default_factory=list)
    requests: list[HttpCall] = field(default_factory=list)
    """Requests for a charge, in order of arrival."""
    present: int = 0
    """Requests that are at the gateway right now."""
    present_peak: int = 0

    async def handle(self, call: HttpCall) -> Any:
        """Answer one request."""
        self.present += 1
        self.present_peak = max(self.present_peak, self.present)
        try:
            answer = await self._answer(call)
            await asyncio.sleep(self.delay)
            return answer
        finally:
            self.present -= 1

    async def _answer(self, call: HttpCall) -> Any:
        parts = call.path.strip("/").split("/")
        if call.method == "POST" and parts == ["charges"]:
            return await self._charge(call)
        if call.method == "POST" and len(parts) == 3 and parts[2] == "refunds":
            return self._refund(parts[1])
        if call.method == "GET" and parts == ["charges"]:
            found = [c.as_json() for c in self.charges if c.order == call.query.get("order")]
            return Reply(200, json={"charges": found})
        return Reply(404, json={"error": "no such resource"})

    def of(self, order: str) -> list[Charge]:
        """Charges of an order that were not given back."""
        return [c for c in self.charges if c.order == order and not c.refunded]

    def requests_for(self, order: str) -> list[HttpCall]:
        """Requests for a charge of this order."""
        return [call for call in self.requests if _order(call) == order]

    async def _charge(self, call: HttpCall) -> Any:
        self.requests.append(call)
        if self.before is not None:
            await self.before(call)
        endings = self.script.get(_order(call), [])
        ending = endings.pop(0) if endings else "ok"
        unbooked = self._unbooked(ending)
        if unbooked is not None:
            return unbooked
        charge = self._book(call, "pending" if ending == "pending" else "captured")
        if self.after is not None:
            await self.after(call)
        if ending == "lost-hang":
            return HANG
        if ending == "lost":
            return Reply(504, text="upstream of merchant account m-4711 did not answer")
        return Reply(202 if charge.status == "pending" else 201, json=charge.as_json())

    def _unbooked(self, ending: str) -> Any:
        """The answer of an ending that takes no money."""
        if ending == "hang":
            return HANG
        if ending == "refuse":
            return REFUSE
        if ending == "down":
            return Reply(503, text="gw-eu-3: no route to acquirer, merchant account m-4711")
        if ending == "declined":
            return Reply(402, json={"reason": "insufficient funds"})
        return None

    def _book(self, call: HttpCall, status: str) -> Charge:
        """A new charge, or the one that this key made before."""
        key = call.headers.get("idempotency-key", "")
        for charge in self.charges:
            if key and charge.key == key:
                return charge
        body = call.json if isinstance(call.json, dict) else {}
        amount = body.get("amount_cents")
        cents = amount if isinstance(amount, int) else 0
        charge = Charge(f"ch-{len(self.charges) + 1}", _order(call), key, cents, status)
        self.charges.append(charge)
        return charge

    def _refund(self, charge_id: str) -> Reply:
        for charge in self.charges:
            if charge.id == charge_id:
                charge.refunded = True
                return Reply(201, json=charge.as_json())
        return Reply(404, json={"error": "no such charge"})


@dataclass
class ReceiptDesk:
    """The receipt service; `ending` is "ok", "down", "hang" or "refuse"."""

    ending: str = "ok"
    sent: list[Any] = field(default_factory=list)

    async def handle(self, call: HttpCall) -> Any:
        """Answer one request."""
        if self.ending == "hang":
            return HANG
        if self.ending == "refuse":
            return REFUSE
        if self.ending == "down":
            return Reply(503, text="mail queue full")
        self.sent.append(call.json)
        return Reply(202, json={})


@dataclass
class Shop:
    """A world with its parts at hand."""

    world: World
    database: Database
    gateway: Gateway
    receipts: ReceiptDesk

    def status(self, order: str) -> str:
        """Status of an order, as stored."""
        rows = self.database.rows("SELECT status FROM orders WHERE id = ?", order)
        return str(rows[0][0]) if rows else "missing"

    def cancel(self, order: str) -> bool:
        """The orders team's service cancels an order if it may: whether the order is cancelled now."""
        with contextlib.suppress(sqlite3.OperationalError):  # the row is locked: the other service gives up
            self.database.run("UPDATE orders SET status = 'cancelled' WHERE id = ? AND status = 'open'", order)
        return self.status(order) == "cancelled"

    def mentions(self, order: str) -> int:
        """Rows outside the table `orders` in which this order is named."""
        tables = self.database.rows("SELECT replace(name, '\"', '\"\"') FROM sqlite_master WHERE type = 'table'")
        names = [str(row[0]) for row in tables if row[0] != "orders"]
        return sum(order in row for name in names for row in self.database.rows(f'SELECT * FROM "{name}"'))


def shop(orders: int = 6, delay: float = 0.0) -> Shop:
    """A shop with open orders o-0, o-1, ... of customer c-1; the gateway takes `delay` seconds."""
    world = World()
    insert = "INSERT INTO orders VALUES (?, ?, ?, 'open', ?, 'EUR')"
    rows = [(insert, (f"o-{n}", CUSTOMER, "c-1@example.org", TOTAL_CENTS)) for n in range(orders)]
    parts = Shop(world, world.database("main", SCHEMA, rows), Gateway(delay=delay), ReceiptDesk())
    world.http("gateway.test", parts.gateway.handle)
    world.http("receipts.test", parts.receipts.handle)
    return parts


def _order(call: HttpCall) -> str:
    body = call.json
    return str(body.get("order")) if isinstance(body, dict) else ""
