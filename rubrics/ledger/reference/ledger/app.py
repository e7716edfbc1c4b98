"""Puts the parts of the import together."""

from sqlalchemy import Engine

from ledger.bulkimport import BulkImporter
from ledger.csvimport import CsvImporter
from ledger.metrics import Metrics
from ledger.settings import Settings


def build_csv_importer(engine: Engine, settings: Settings | None = None) -> CsvImporter:
    """Build the importer of format 1; a worker keeps it for its whole life."""
    return CsvImporter(engine, settings or Settings())


def build_bulk_importer(
    engine: Engine,
    metrics: Metrics,
    settings: Settings | None = None,
) -> BulkImporter:
    """Build the importer of format 2; a worker keeps it for its whole life."""
    return BulkImporter(engine, settings or Settings(), metrics)
