"""Import of a batch in format 2."""

import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Engine

from ledger.metrics import Metrics
from ledger.records import FeedEntry, Refused, Trailer, read_feed
from ledger.report import ImportReport
from ledger.repository import BulkWriter
from ledger.settings import Settings
from ledger.totals import RunningTotal, agrees

logger = structlog.get_logger()


class BulkImporter:
    """Posts batches to the ledger, chunk by chunk. Keeps nothing from one batch to the next."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        """Use one engine for all batches."""
        self._writer = BulkWriter(engine)
        self._settings = settings
        self._metrics = metrics

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch in one transaction."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        started = time.monotonic()
        arrived = RunningTotal()
        trailer: Trailer | None = None
        imported = repeated = refused = 0
        feed = read_feed(partner, lines, self._settings.currencies)
        with self._writer.batch(batch_id, partner) as writer:
            while chunk := list(islice(feed, self._settings.chunk_size)):
                entries = [item for item in chunk if isinstance(item, FeedEntry)]
                letters = [item for item in chunk if isinstance(item, Refused)]
                for item in chunk:
                    if isinstance(item, Trailer):
                        trailer = item
                    elif isinstance(item, FeedEntry) or item.is_record:
                        arrived.add(item.amount)
                new = writer.post(entries)
                imported += new
                repeated += len(entries) - new
                writer.refuse(letters)
                refused += len(letters)
                for letter in letters:
                    log.warning("line refused", line=letter.line, reason=letter.reason)
            status = "complete" if agrees(trailer, arrived) else "held"
            writer.close(status=status, total=format(arrived.amount, "f"))
        # Only what was committed is counted.
        self._metrics.count("imported", imported)
        self._metrics.count("repeated", repeated)
        self._metrics.count("refused", refused)
        self._metrics.count(f"batches_{status}")
        report = log.info if status == "complete" else log.warning
        report(
            "batch loaded",
            status=status,
            trailer="missing" if trailer is None else "read",
            arrived=arrived.count,
            imported=imported,
            repeated=repeated,
            refused=refused,
            seconds=time.monotonic() - started,
        )
        return ImportReport(batch_id=batch_id, status=status, imported=imported)
