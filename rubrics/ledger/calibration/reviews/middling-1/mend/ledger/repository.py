"""Writes of entries and batches."""

from uuid import uuid4

from sqlalchemy import Connection, Engine
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


class BulkWriter:
    """Posts entries many at a time."""

    def __init__(self, engine: Engine) -> None:
        """Use connections of this engine."""
        self._engine = engine

    def add_chunk(self, batch_id: str, chunk: list[FeedEntry]) -> list[FeedEntry]:
        """Post a chunk in one round trip; no reader waits longer than that."""
        rows = [_row(batch_id, entry) for entry in chunk]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.entries), rows)
        return chunk

    def close_batch(
        self, batch_id: str, partner: str, *, status: str, imported: int, total: str
    ) -> None:
        """Write the outcome of a batch."""
        with self._engine.begin() as connection:
            save_batch(
                connection,
                batch_id,
                partner,
                status=status,
                imported=imported,
                total=total,
            )


def _row(batch_id: str, entry: FeedEntry) -> dict[str, str]:
    return {
        "entry_key": uuid4().hex,
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
