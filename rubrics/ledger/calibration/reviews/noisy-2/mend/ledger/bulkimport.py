"""Import of a batch in format 2."""

import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Engine

from ledger.metrics import Metrics
from ledger.records import FeedEntry, data_lines, to_entries
from ledger.report import ImportReport
from ledger.repository import BulkWriter
from ledger.settings import Settings
from ledger.totals import RunningTotal, differs

logger = structlog.get_logger()


class BulkImporter:
    """Posts batches to the ledger, chunk by chunk."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        """Use one engine for all batches."""
        self._writer = BulkWriter(engine)
        self._settings = settings
        self._metrics = metrics
        self._seen: set[tuple[str, str]] = set()

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        started = time.monotonic()
        sent, posted = RunningTotal(), RunningTotal()
        data = data_lines(lines)
        while chunk := list(islice(data, self._settings.chunk_size)):
            entries = self._fresh(log, to_entries(partner, chunk))
            sent.add(entries)
            posted.add(self._writer.add_chunk(batch_id, entries))
            self._metrics.count("imported", len(chunk))
        status = "held" if differs(sent, posted) else "complete"
        self._writer.close_batch(
            batch_id,
            partner,
            status=status,
            imported=posted.count,
            total=format(posted.amount, "f"),
        )
        self._metrics.count(f"batches_{status}")
        log.info(
            "batch loaded",
            status=status,
            imported=posted.count,
            seconds=time.monotonic() - started,
        )
        return ImportReport(batch_id=batch_id, status=status, imported=posted.count)

    def _fresh(self, log, entries: list[FeedEntry]) -> list[FeedEntry]:
        """Leave out what was imported before."""
        fresh = []
        for entry in entries:
            key = (entry.partner, entry.reference)
            if key in self._seen:
                log.info("repeat skipped", reference=entry.reference)
                self._metrics.count("repeated")
                continue
            self._seen.add(key)
            fresh.append(entry)
        return fresh
