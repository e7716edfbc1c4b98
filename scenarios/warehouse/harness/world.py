"""The world outside the warehouse service: the audit service, and names for things. The database is one in memory, beside the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reviewkit.harness import Calls, HttpCall, Reply, World

Line = tuple[str, int]


@dataclass
class Warehouse:
    """A world and what its audit service has taken. Products and keys get new names, so that one process serves many demonstrations."""

    world: World
    failing: int = 0
    """So many requests to the audit service are answered 503 from now on."""
    requests: int = 0
    """Requests that the audit service has had."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Events that it has taken, in order; one that comes twice is counted once."""
    names: int = 0

    async def shelve(self, job: Calls, *units: int) -> list[str]:
        """Put new products on the shelves, with these units of each; their names."""
        made: list[str] = []
        self.failing = 0
        for count in units:
            self.names += 1
            made.append(f"sku-{self.names}")
            answer = await job.call("shelve", sku=made[-1], units=count)
            if not answer.ok:
                raise RuntimeError(f"{answer.error}: {answer.message}")
        return made

    def key(self) -> str:
        """An idempotency key that was not used yet."""
        self.names += 1
        return f"key-{self.names}"

    def told(self, *skus: str) -> list[dict[str, Any]]:
        """Events of these products."""
        return [event for event in self.events if event["sku"] in skus]


def warehouse() -> Warehouse:
    """A warehouse and the audit service that it tells."""
    made = Warehouse(World())

    async def take(call: HttpCall) -> Reply:
        made.requests += 1
        if made.failing > 0:
            made.failing -= 1
            return Reply(503, json={})
        known = {event["reservationId"] for event in made.events}
        made.events += [event for event in call.json if event["reservationId"] not in known]
        return Reply(202, json={})

    made.world.http("audit", take)
    return made


async def _answer(job: Calls, name: str, **values: Any) -> dict[str, Any]:
    answer = await job.call(name, **values)
    return answer.value if answer.ok else {"status": 0, "body": {"error": f"{answer.error}: {answer.message}"}}


async def batch(job: Calls, key: str, *lines: Line, client: str = "c-1", order: str = "o-1", by: str = "") -> dict[str, Any]:
    """Reserve several lines; the answer as `status` and `body`. `by` is whom the body names, if it is not the client."""
    return await _answer(job, "batch", key=key, client=client, order=order, by=by or client, lines=[list(line) for line in lines])


async def single(job: Calls, sku: str, quantity: int = 1, client: str = "c-1", order: str = "o-1") -> dict[str, Any]:
    """Reserve one product; the answer as `status` and `body`."""
    return await _answer(job, "single", client=client, order=order, sku=sku, quantity=quantity)


async def shown(job: Calls, sku: str) -> int | None:
    """Units that the service shows as available."""
    body = (await _answer(job, "available", sku=sku))["body"]
    return body.get("units") if isinstance(body, dict) else None


async def units(job: Calls, sku: str) -> int:
    """Units in the database."""
    return int((await job.call("units")).value[sku])


async def rows(job: Calls, *skus: str) -> list[list[Any]]:
    """Reservations of these products in the database: order, client, product, quantity."""
    return [row for row in (await job.call("reservations")).value if row[2] in skus]


async def reserved(job: Calls, sku: str) -> int:
    """Units of a product that reservations hold."""
    return sum(row[3] for row in await rows(job, sku))


async def during(job: Calls, sql: str, first: list[Any], second: list[Any], *, after: bool = False) -> dict[str, Any]:
    """Two calls: the first stops at its first statement that matches, the second runs meanwhile. Statuses and whether the first was held."""
    answer = await job.call("during", timeout=120, sql=sql, after=after, first=first, second=second)
    if not answer.ok:
        return {"held": False, "first": {"status": 0, "body": None}, "second": {"status": 0, "body": None}}
    return dict(answer.value)


def a_batch(key: str, *lines: Line, client: str = "c-1", order: str = "o-1") -> list[Any]:
    """A batch as a call of `during`."""
    return ["batch", key, client, order, [list(line) for line in lines]]
