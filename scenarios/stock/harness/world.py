"""The world outside the stock service: its database and the courier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

from reviewkit.harness import Calls, Gate, HttpCall, Reply, World

COURIER = "courier"

Deliver = Callable[[HttpCall], Awaitable[Reply]]


async def pickup(call: HttpCall) -> Reply:
    """Confirm a pickup at once."""
    return Reply(201, json={"pickup": "pu-" + call.json["reference"][:8]})


def warehouse(courier: Deliver = pickup) -> World:
    """An empty database, which the service fills with its own tables, and a courier."""
    world = World()
    world.database("main", "")
    world.http(COURIER, courier)
    return world


def reads(table: str) -> Callable[[str], bool]:
    """Tell whether a statement reads a table."""

    def matches(sql: str) -> bool:
        words = [word.strip('",()') for word in sql.lower().split()]
        named = {after for before, after in pairwise(words) if before in ("from", "join")}
        return words[:1] == ["select"] and table in named

    return matches


def gate_reads(world: World, table: str, parties: int) -> Gate:
    """Hold the answers of reads of a table until as many readers have come."""
    gate = world.gate(parties)
    world.db().hold(gate, when=reads(table))
    return gate


async def fill(job: Calls, *levels: tuple[str, str, int]) -> None:
    """Put units on shelves: (product, location, units); missing products are made."""
    answer = await job.call("fill", levels=[list(level) for level in levels])
    if not answer.ok:
        raise RuntimeError(f"{answer.error}: {answer.message}")


def on_hand(world: World, product: str, location: str) -> int:
    """Units on a shelf, read from outside."""
    found = world.db().rows("SELECT on_hand FROM levels WHERE product_id = ? AND location = ?", product, location)
    return int(found[0][0])


def accepted(answer: Any) -> bool:
    """Whether a request was answered with success."""
    return bool(answer.ok) and 200 <= answer.value["status"] < 300


def refused(answer: Any) -> bool:
    """Whether a request was answered with a status of the 4xx family."""
    return bool(answer.ok) and 400 <= answer.value["status"] < 500
