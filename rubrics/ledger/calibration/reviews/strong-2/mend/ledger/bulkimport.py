"""Import of a batch in format 2."""

import time
from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy import Engine

from ledger.errors import RecordError
from ledger.metrics import Metrics
from ledger.records import TRAILER, FeedEntry, numbered, to_entry
from ledger.report import ImportReport
from ledger.repository import BulkWriter
from ledger.settings import Settings
from ledger.totals import ControlTotal

logger = structlog.get_logger()


class BulkImporter:
    """Posts batches to the ledger. Holds no state of its own: the primary key knows what is posted."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        """Use one engine for all batches."""
        self._engine = engine
        self._settings = settings
        self._metrics = metrics

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import one batch, all of it or, when something raises, nothing."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        started = time.monotonic()
        read, stated = ControlTotal(), None
        new = refusals = 0
        data = numbered(lines)
        with self._engine.begin() as connection:
            writer = BulkWriter(connection, batch_id, partner)
            writer.forget_refusals()
            while chunk := list(islice(data, self._settings.chunk_size)):
                entries: list[FeedEntry] = []
                refused: list[tuple[int, str, str]] = []
                for number, text in chunk:
                    if text.startswith(TRAILER):
                        stated = ControlTotal.stated(text)
                        continue
                    try:
                        entry = to_entry(partner, text, self._settings.currencies)
                    except RecordError as error:
                        refused.append((number, error.reason, text))
                        continue
                    entries.append(entry)
                    read.add(entry.amount)
                new += writer.post(entries)
                writer.refuse(refused)
                refusals += len(refused)
            # A refused line is missing from `read`, so a batch that lacks one stays held.
            status = "complete" if read == stated else "held"
            writer.close(status=status, total=format(read.amount, "f"))
        self._metrics.count("imported", new)
        self._metrics.count("refused", refusals)
        self._metrics.count("repeated", read.count - new)
        self._metrics.count(f"batches_{status}")
        if refusals:
            log.warning("lines refused", refused=refusals)
        if status == "held":
            log.warning("totals differ", stated=stated is not None)
        log.info(
            "batch loaded",
            status=status,
            imported=new,
            repeated=read.count - new,
            seconds=round(time.monotonic() - started, 3),
        )
        return ImportReport(batch_id=batch_id, status=status, imported=new)
