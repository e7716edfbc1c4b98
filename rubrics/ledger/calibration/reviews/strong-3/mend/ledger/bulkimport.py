"""Import of a batch in format 2."""

import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Engine

from ledger.errors import RecordError
from ledger.metrics import Metrics
from ledger.records import TRAILER, FeedEntry, data_lines, to_entry
from ledger.report import ImportReport
from ledger.repository import (
    add_dead_letters,
    add_entries,
    count_entries,
    save_batch,
)
from ledger.settings import Settings
from ledger.totals import RunningTotal, differs, read_trailer

logger = structlog.get_logger()


class BulkImporter:
    """Posts batches to the ledger, chunk by chunk."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        """Use one engine for all batches."""
        self._engine = engine
        self._settings = settings
        self._metrics = metrics

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch: everything, or nothing when the database fails."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        started = time.monotonic()
        arrived = RunningTotal()
        stated: RunningTotal | None = None
        imported = refused = 0
        data = data_lines(lines)
        with self._engine.begin() as connection:
            while chunk := list(islice(data, self._settings.chunk_size)):
                entries: list[FeedEntry] = []
                letters: list[tuple[int, str, str]] = []
                for number, text in chunk:
                    if text.startswith(TRAILER):
                        stated = read_trailer(text)
                        continue
                    try:
                        entries.append(
                            to_entry(partner, text, self._settings.currencies)
                        )
                    except RecordError as error:
                        log.warning("line refused", line=number, reason=error.reason)
                        letters.append((number, error.reason, text))
                        continue
                    arrived.add(entries[-1].amount)
                imported += add_entries(connection, batch_id, entries)
                if letters:
                    add_dead_letters(connection, batch_id, partner, letters)
                    refused += len(letters)
            status = "held" if refused or differs(stated, arrived) else "complete"
            save_batch(
                connection,
                batch_id,
                partner,
                status=status,
                imported=count_entries(connection, batch_id),
                total=format(arrived.amount, "f"),
            )
        self._metrics.count("imported", imported)
        self._metrics.count("repeated", arrived.count - imported)
        self._metrics.count("refused", refused)
        self._metrics.count(f"batches_{status}")
        log.info(
            "batch loaded",
            status=status,
            imported=imported,
            refused=refused,
            seconds=time.monotonic() - started,
        )
        return ImportReport(batch_id=batch_id, status=status, imported=imported)
