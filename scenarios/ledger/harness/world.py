"""The world of the import: the ledger's database, and feeds that partners could send."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from reviewkit.harness import Database, World

SCHEMA = """
CREATE TABLE entries (
    entry_key TEXT PRIMARY KEY,
    batch_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    reference TEXT NOT NULL,
    account TEXT NOT NULL,
    holder TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    business_day TEXT
);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE TABLE batches (
    batch_id TEXT PRIMARY KEY,
    partner TEXT NOT NULL,
    status TEXT NOT NULL,
    imported INTEGER NOT NULL DEFAULT 0,
    total TEXT
);
"""
PARTNER = "north"
HOLDER = "Marta Lindqvist"
ACCOUNT = "SE4550000000058398257466"


def ledger() -> World:
    """A world with an empty ledger."""
    world = World()
    world.database("main", SCHEMA)
    return world


def line(reference: str | None, value: Any = "10.50", **changes: Any) -> str:
    """One line of a feed in format 2; a change to `...` leaves the field out."""
    record = {
        "transaction_id": reference,
        "value": value,
        "currency_code": "EUR",
        "booked_at": "2026-03-02T09:30:00+00:00",
        "account": ACCOUNT,
        "holder": HOLDER,
        **changes,
    }
    return json.dumps({name: field for name, field in record.items() if field is not ...})


def trailer(count: int, total: str) -> str:
    """The last line of a feed."""
    return json.dumps({"trailer": {"count": count, "total": total}})


def feed(values: dict[str, str], **changes: Any) -> list[str]:
    """A whole feed: a line for each reference with its value, and the trailer that fits."""
    lines = [line(reference, value, **changes) for reference, value in values.items()]
    total = sum((Decimal(value) for value in values.values()), Decimal(0))
    return [*lines, trailer(len(values), str(total))]


def refuse_entry(world: World, reference: str) -> None:
    """From now on the database fails when an entry with this reference is written."""
    world.db().run(
        "CREATE TRIGGER refuse BEFORE INSERT ON entries "
        f"WHEN NEW.reference = '{reference}' BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
    )


def accept_entries(world: World) -> None:
    """The database works again."""
    world.db().run("DROP TRIGGER refuse")


def amounts(db: Database) -> dict[str, str]:
    """Amount of each entry by reference, as stored."""
    return {str(reference): str(amount) for reference, amount in db.rows("SELECT reference, amount FROM entries")}


def references(db: Database) -> list[str]:
    """References of all entries, sorted; one that is there twice is listed twice."""
    return sorted(str(row[0]) for row in db.rows("SELECT reference FROM entries"))


def status(db: Database, batch_id: str) -> str | None:
    """Status of a batch, or None when it is not known."""
    found = db.rows("SELECT status FROM batches WHERE batch_id = ?", batch_id)
    return str(found[0][0]) if found else None


def is_amount(text: str) -> bool:
    """Whether a stored amount is a finite decimal."""
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


def exact_sum(texts: Iterable[str]) -> Decimal:
    """Sum of the amounts that are finite decimals."""
    return sum((Decimal(text) for text in texts if is_amount(text)), Decimal(0))
