"""Writes of entries and batches."""

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from ledger import tables
from ledger.csvfeed import Entry


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
