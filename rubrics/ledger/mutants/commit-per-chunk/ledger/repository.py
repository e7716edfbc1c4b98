"""Writes of entries and batches."""

from decimal import Decimal

from sqlalchemy import Connection, delete, select
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
    """Posts the entries of one batch many at a time, in the caller's transaction."""

    def __init__(self, connection: Connection, batch_id: str) -> None:
        """Write through this connection."""
        self._connection = connection
        self._batch_id = batch_id

    def forget_refused(self) -> None:
        """Drop the refused lines of an earlier run: this run finds them again."""
        refused = tables.dead_letters
        self._connection.execute(
            delete(refused).where(refused.c.batch_id == self._batch_id)
        )

    def add_chunk(self, chunk: list[FeedEntry]) -> int:
        """Post a chunk in one round trip; gives how many the ledger did not have."""
        if not chunk:
            return 0
        rows = [_row(self._batch_id, entry) for entry in chunk]
        statement = insert(tables.entries).on_conflict_do_nothing()
        new = self._connection.execute(statement, rows).rowcount
        self._connection.commit()
        return new

    def posted(self) -> tuple[int, Decimal]:
        """Count and sum of what the ledger holds of the batch."""
        mine = tables.entries.c.batch_id == self._batch_id
        found = self._connection.execute(select(tables.entries.c.amount).where(mine))
        count, total = 0, Decimal(0)
        for amount in found.scalars():
            count, total = count + 1, total + Decimal(amount)
        return count, total

    def close_batch(
        self, partner: str, *, status: str, imported: int, total: str
    ) -> None:
        """Write the outcome of the batch."""
        save_batch(
            self._connection,
            self._batch_id,
            partner,
            status=status,
            imported=imported,
            total=total,
        )


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
