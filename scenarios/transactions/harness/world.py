"""The tables that the service writes to, and helpers to look into it from outside."""

from __future__ import annotations

from pathlib import Path

from reviewkit.harness import World

SCHEMA = (Path(__file__).parent.parent / "base" / "schema.sql").read_text("utf-8")
MERCHANTS = (("m-1", "Corner shop"), ("m-2", "Bakery"))
RECORDED = """
    SELECT merchant, idempotency_key, receipt, amount_cents, currency
    FROM transactions
    ORDER BY merchant, idempotency_key
"""

Row = tuple[str, str, str, int, str]
"""Merchant, idempotency key, receipt, cents, currency of one recorded payment."""


def counter(merchants: tuple[tuple[str, str], ...] = MERCHANTS) -> World:
    """A world with these merchants and no payment yet."""
    world = World()
    world.database("main", SCHEMA, rows=[("INSERT INTO merchants VALUES (?, ?)", row) for row in merchants])
    return world


def recorded(world: World) -> list[Row]:
    """Every payment in the table, in the order of their keys."""
    return [(str(m), str(k), str(r), int(c), str(u)) for m, k, r, c, u in world.db().rows(RECORDED)]
