"""The world outside the till: its database."""

from reviewkit.harness import World

SCHEMA = """
CREATE TABLE drawers (product TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, price TEXT NOT NULL);
CREATE TABLE receipts (line TEXT NOT NULL);
"""


def shop(**on_hand):
    """A shop with so many units of each product, at 1.25 each."""
    world = World()
    rows = "".join(f"INSERT INTO drawers VALUES ('{product}', {units}, '1.25');" for product, units in on_hand.items())
    world.database("main", SCHEMA + rows)
    return world
