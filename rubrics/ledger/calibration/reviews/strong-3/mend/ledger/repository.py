"""Writes of entries and batches."""

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from ledger import tables
from ledger.csvfeed import Entry
from ledger.records import FeedEntry


def add_entry(connection: Connection, batch_id: str, entry: Entry) -> bool:
    """Post one entry; False when the ledger has it already."""
    row = {
        "entry_key": f"{entry.partner}:{entry.reference}",
        "batch_id": batch_id,
        "partner": entry.partner,
        "reference": entry.reference,
        "account": entry.account,
        "holder": entry.holder,
        "amount": format(entry.amount, "f"),
        "currency": entry.currency,
        "booked_at": entry.booked_at.isoformat(),
    }
    return (
        connection.execute(
            insert(tables.entries).values(row).on_conflict_do_nothing()
        ).rowcount
        == 1
    )


def save_batch(
    connection: Connection, batch_id: str, partner: str, **columns: str | int
) -> None:
    """Write the state of a batch, whether it is known or not."""
    row = {"batch_id": batch_id, "partner": partner, **columns}
    statement = insert(tables.batches).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["batch_id"], set_=columns)
    )


def add_entries(
    connection: Connection, batch_id: str, entries: list[FeedEntry]
) -> int:
    """Post many entries; gives how many of them are new."""
    rows = {}
    for entry in entries:
        row = _row(batch_id, entry)
        rows.setdefault(row["entry_key"], row)  # the first one counts
    if not rows:
        return 0
    key = tables.entries.c.entry_key
    known = set(
        connection.execute(select(key).where(key.in_(list(rows)))).scalars()
    )
    fresh = [row for name, row in rows.items() if name not in known]
    if fresh:
        # another worker can be faster between the question and here
        connection.execute(insert(tables.entries).on_conflict_do_nothing(), fresh)
    return len(fresh)


def add_dead_letters(
    connection: Connection, batch_id: str, partner: str, refused: list[tuple[int, str, str]]
) -> None:
    """Keep many lines; these which are kept already from an earlier delivery not twice."""
    table = tables.dead_letters
    known = set(
        connection.execute(
            select(table.c.line).where(table.c.batch_id == batch_id)
        ).scalars()
    )
    rows = [
        {
            "batch_id": batch_id,
            "partner": partner,
            "line": line,
            "reason": reason,
            "payload": payload,
        }
        for line, reason, payload in refused
        if line not in known
    ]
    if rows:
        connection.execute(insert(table), rows)


def count_entries(connection: Connection, batch_id: str) -> int:
    """How many entries a batch has in the ledger, from all its deliveries."""
    return connection.execute(
        select(func.count()).where(tables.entries.c.batch_id == batch_id)
    ).scalar_one()


def _row(batch_id: str, entry: FeedEntry) -> dict[str, str]:
    return {
        "entry_key": f"{entry.partner}:{entry.reference}",
        "batch_id": batch_id,
        "partner": entry.partner,
        "reference": entry.reference,
        "account": entry.account,
        "holder": entry.holder,
        "amount": format(entry.amount, "f"),
        "currency": entry.currency,
        "booked_at": entry.booked_at.isoformat(),
        "business_day": entry.business_day.isoformat(),
    }
