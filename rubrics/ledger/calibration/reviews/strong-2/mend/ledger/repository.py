"""Writes of entries and batches."""

from sqlalchemy import Connection, delete, func, select
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
    """Posts one batch on a connection whose transaction is the caller's."""

    def __init__(self, connection: Connection, batch_id: str, partner: str) -> None:
        """Write for one batch."""
        self._connection = connection
        self._batch_id = batch_id
        self._partner = partner

    def forget_refusals(self) -> None:
        """Drop the dead letters of an earlier delivery of the same batch: this one writes them anew."""
        letters = tables.dead_letters
        self._connection.execute(
            delete(letters).where(letters.c.batch_id == self._batch_id)
        )

    def post(self, entries: list[FeedEntry]) -> int:
        """Post a chunk in one statement; how many were new."""
        if not entries:
            return 0
        statement = (
            insert(tables.entries)
            .on_conflict_do_nothing(index_elements=["entry_key"])
            .returning(tables.entries.c.entry_key)
        )
        rows = [_row(self._batch_id, entry) for entry in entries]
        return len(self._connection.execute(statement, rows).all())

    def refuse(self, refused: list[tuple[int, str, str]]) -> None:
        """Keep lines (number, reason, text) for the partner desk."""
        if refused:
            self._connection.execute(
                insert(tables.dead_letters),
                [
                    {
                        "batch_id": self._batch_id,
                        "partner": self._partner,
                        "line": number,
                        "reason": reason,
                        "payload": text,
                    }
                    for number, reason, text in refused
                ],
            )

    def close(self, *, status: str, total: str) -> None:
        """Write the outcome, with the entries that this batch has, this time or before."""
        owned = select(func.count()).where(tables.entries.c.batch_id == self._batch_id)
        save_batch(
            self._connection,
            self._batch_id,
            self._partner,
            status=status,
            imported=self._connection.execute(owned).scalar_one(),
            total=total,
        )


def _row(batch_id: str, entry: FeedEntry) -> dict[str, str]:
    return {
        "entry_key": f"{entry.partner}:{entry.reference}",  # as format 1
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
