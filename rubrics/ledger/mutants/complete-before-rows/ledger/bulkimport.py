"""Import of a batch in format 2."""

import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Connection, Engine, select
from structlog.typing import FilteringBoundLogger

from ledger import tables
from ledger.deadletters import add_dead_letter
from ledger.errors import RecordError
from ledger.metrics import Metrics
from ledger.records import Feed, FeedEntry, to_entry
from ledger.report import ImportReport
from ledger.repository import BulkWriter, save_batch
from ledger.settings import Settings
from ledger.totals import RunningTotal, differs

logger = structlog.get_logger()


class BulkImporter:
    """Posts batches to the ledger, chunk by chunk, each batch in one transaction."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        """Use one engine for all batches."""
        self._engine = engine
        self._settings = settings
        self._metrics = metrics

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch, or nothing if the database fails."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        started = time.monotonic()
        with self._engine.begin() as claim:
            mine = select(tables.batches.c.status).where(
                tables.batches.c.batch_id == batch_id
            )
            if claim.execute(mine).scalar() is not None:
                return ImportReport(batch_id, "held", 0)
            save_batch(claim, batch_id, partner, status="running")
        with self._engine.begin() as connection:
            load = _Load(connection, self._settings, log, batch_id, partner)
            report = load.run(Feed(lines))
        self._count(load, report)
        log.info(
            "batch loaded",
            status=report.status,
            imported=load.new,
            refused=load.refused,
            repeated=load.repeated,
            seconds=time.monotonic() - started,
        )
        return report

    def _count(self, load: "_Load", report: ImportReport) -> None:
        """Count what was committed."""
        self._metrics.count("imported", load.new)
        self._metrics.count("refused", load.refused)
        self._metrics.count("repeated", load.repeated)
        self._metrics.count(f"batches_{report.status}")


class _Load:
    """One batch on its way into the ledger."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        log: FilteringBoundLogger,
        batch_id: str,
        partner: str,
    ) -> None:
        self._connection = connection
        self._writer = BulkWriter(connection, batch_id)
        self._settings = settings
        self._log = log
        self._batch_id = batch_id
        self._partner = partner
        self.new = self.refused = self.repeated = 0

    def run(self, feed: Feed) -> ImportReport:
        self._writer.forget_refused()
        read = RunningTotal()
        data = feed.data_lines()
        while chunk := list(islice(data, self._settings.chunk_size)):
            entries = self._entries(chunk)
            read.add(entries)
            new = self._writer.add_chunk(entries)
            self.new += new
            self.repeated += len(entries) - new
        status = "held" if self.refused or differs(feed.trailer, read) else "complete"
        return self._close(status)

    def _close(self, status: str) -> ImportReport:
        """Write what the ledger itself holds of the batch by now."""
        count, total = self._writer.posted()
        self._writer.close_batch(
            self._partner,
            status=status,
            imported=count,
            total=format(total, "f"),
        )
        return ImportReport(self._batch_id, status, self.new)

    def _entries(self, chunk: list[tuple[int, str]]) -> list[FeedEntry]:
        entries = []
        for number, line in chunk:
            try:
                entry = to_entry(self._partner, line, self._settings.currencies)
            except RecordError as error:
                self._refuse(number, line, error.reason)
                continue
            entries.append(entry)
        return entries

    def _refuse(self, number: int, line: str, reason: str) -> None:
        self.refused += 1
        self._log.warning("line refused", line=number, reason=reason)
        add_dead_letter(
            self._connection, self._batch_id, self._partner, number, reason, line
        )
