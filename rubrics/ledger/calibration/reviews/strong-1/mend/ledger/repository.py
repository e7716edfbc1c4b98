"""Writes of entries and batches."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.sqlite import insert

from ledger import tables
from ledger.csvfeed import Entry
from ledger.records import FeedEntry, Refused


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

    @contextmanager
    def batch(self, batch_id: str, partner: str) -> Iterator["BatchWriter"]:
        """One transaction for all that a batch leaves behind: all of it or nothing."""
        with self._engine.begin() as connection:
            yield BatchWriter(connection, batch_id, partner)


class BatchWriter:
    """Writes within the transaction of one batch."""

    def __init__(self, connection: Connection, batch_id: str, partner: str) -> None:
        """Write on this connection, which somebody else commits."""
        self._connection = connection
        self._batch_id = batch_id
        self._partner = partner

    def post(self, entries: list[FeedEntry]) -> int:
        """Post a chunk; gives how many of them the ledger did not have yet."""
        if not entries:
            return 0
        rows = [_row(self._batch_id, entry) for entry in entries]
        statement = insert(tables.entries).on_conflict_do_nothing()
        return self._connection.execute(statement, rows).rowcount

    def refuse(self, refused: list[Refused]) -> None:
        """Keep refused lines for the partner desk; those of an earlier delivery stay as they are."""
        if not refused:
            return
        letters = tables.dead_letters
        known = set(
            self._connection.execute(
                select(letters.c.line).where(
                    letters.c.batch_id == self._batch_id,
                    letters.c.line.in_([one.line for one in refused]),
                )
            ).scalars()
        )
        rows = [
            {
                "batch_id": self._batch_id,
                "partner": self._partner,
                "line": one.line,
                "reason": one.reason,
                "payload": one.payload,
            }
            for one in refused
            if one.line not in known
        ]
        if rows:
            self._connection.execute(insert(letters), rows)

    def close(self, *, status: str, total: str) -> None:
        """Write the outcome. A later delivery must not set the count back to nothing."""
        imported = self._connection.execute(
            select(func.count())
            .select_from(tables.entries)
            .where(tables.entries.c.batch_id == self._batch_id)
        ).scalar_one()
        save_batch(
            self._connection,
            self._batch_id,
            self._partner,
            status=status,
            imported=imported,
            total=total,
        )


def _row(batch_id: str, entry: FeedEntry) -> dict[str, str]:
    return {
        # The key of format 1: a transaction posted by the old import is known here too.
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
