"""Import of a batch in format 1."""

from collections.abc import Iterable

import structlog
from sqlalchemy import Engine

from ledger.csvfeed import to_entry
from ledger.deadletters import add_dead_letter
from ledger.errors import RecordError
from ledger.report import ImportReport
from ledger.repository import add_entry, save_batch
from ledger.settings import Settings

logger = structlog.get_logger()


class CsvImporter:
    """Posts batches to the ledger, record by record."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Use one engine for all batches."""
        self._engine = engine
        self._settings = settings

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch in one transaction."""
        log = logger.bind(batch_id=batch_id, partner=partner)
        imported = 0
        with self._engine.begin() as connection:
            for number, line in enumerate(lines, start=1):
                try:
                    entry = to_entry(partner, line, self._settings.currencies)
                except RecordError as error:
                    log.warning("line refused", line=number, reason=error.reason)
                    add_dead_letter(
                        connection, batch_id, partner, number, error.reason, line
                    )
                    continue
                if add_entry(connection, batch_id, entry):
                    imported += 1
            save_batch(
                connection, batch_id, partner, status="complete", imported=imported
            )
        log.info("batch loaded", imported=imported)
        return ImportReport(batch_id=batch_id, status="complete", imported=imported)
