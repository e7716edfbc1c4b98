"""Import of a batch in format 2."""

import json
import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Engine

from ledger.errors import RecordError
from ledger.metrics import Metrics
from ledger.records import TRAILER, FeedEntry, data_lines, to_entry
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
        stated = None
        while chunk := list(islice(data, self._settings.chunk_size)):
            entries = []
            for number, text in chunk:
                if text.startswith(TRAILER):
                    trailer = json.loads(text)["trailer"]
                    stated = RunningTotal(trailer["count"], float(trailer["total"]))
                    continue
                sent.count += 1
                try:
                    entry = to_entry(partner, text, self._settings.currencies)
                except RecordError as error:
                    log.warning("line refused", line=number, reason=error.reason)
                    self._writer.refuse(batch_id, partner, number, error.reason, text)
                    continue
                sent.amount += entry.amount
                entries.append(entry)
            entries = self._fresh(log, entries)
            posted.add(self._writer.add_chunk(batch_id, entries))
            # only now they are in the database
            self._seen.update((entry.partner, entry.reference) for entry in entries)
            self._metrics.count("imported", len(entries))
        status = "held" if stated is None or differs(stated, sent) else "complete"
        self._writer.close_batch(
            batch_id,
            partner,
            status=status,
            imported=posted.count,
            total=str(posted.amount),
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
        fresh = {}
        for entry in entries:
            key = (entry.partner, entry.reference)
            if key in self._seen or key in fresh:
                log.info("repeat skipped", reference=entry.reference)
                self._metrics.count("repeated")
                continue
            fresh[key] = entry
        return list(fresh.values())
