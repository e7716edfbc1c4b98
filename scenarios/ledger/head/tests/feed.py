"""Feeds of format 2 and an empty ledger for tests."""

import json

from sqlalchemy import Engine, Row, create_engine, select
from sqlalchemy.pool import StaticPool

from ledger import tables


def memory_engine() -> Engine:
    """Build an empty ledger in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
    tables.metadata.create_all(engine)
    return engine


def line(reference: str, value: str = "10.50", **changes: object) -> str:
    """Build one line."""
    record = {
        "transaction_id": reference,
        "value": value,
        "currency_code": "EUR",
        "booked_at": "2026-03-02T09:30:00+00:00",
        "account": "DE02120300000000202051",
        "holder": "A. Example",
    }
    return json.dumps({**record, **changes})


def trailer(count: int, total: str) -> str:
    """Build the last line."""
    return json.dumps({"trailer": {"count": count, "total": total}})


def stored(engine: Engine, batch_id: str = "b-1") -> list[Row]:
    """Read the entries of a batch."""
    with engine.connect() as connection:
        found = connection.execute(
            select(tables.entries).where(tables.entries.c.batch_id == batch_id)
        )
        return list(found.all())
