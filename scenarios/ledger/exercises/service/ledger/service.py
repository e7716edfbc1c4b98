"""Loads card files."""

from collections.abc import Iterable

import structlog
from sqlalchemy import Engine, text

from ledger.merchants import printed
from ledger.parsing import LineError, Record, parse
from ledger.status import Status

logger = structlog.get_logger()
INSERT = text(
    "INSERT INTO payments (payment_id, cents, currency, merchant) VALUES (:payment_id, :cents, :currency, :merchant) "
    "ON CONFLICT DO NOTHING"
)


class CardImport:
    """One per worker, for the worker's whole life."""

    def __init__(self, engine: Engine, status: Status) -> None:
        """Use one engine for all files."""
        self._engine = engine
        self._status = status

    def load(self, batch_id: str, lines: Iterable[str]) -> int:
        """Load one file; gives the number of records that were posted."""
        records: list[Record] = []
        refused = 0
        for line in lines:
            try:
                records.append(parse(line))
            except LineError as error:
                refused += 1
                self._status.refused(batch_id, error)
        self._post(records)
        self._status.loaded(batch_id, len(records))
        logger.info("file loaded", batch_id=batch_id, posted=len(records), refused=refused)
        return len(records)

    def _post(self, records: list[Record]) -> None:
        rows = [
            {"payment_id": r.payment_id, "cents": r.cents, "currency": r.currency, "merchant": printed(r.merchant)}
            for r in records
        ]
        with self._engine.begin() as connection:
            connection.execute(INSERT, rows)
