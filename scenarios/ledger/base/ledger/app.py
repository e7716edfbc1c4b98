"""Puts the parts of the import together."""

from sqlalchemy import Engine

from ledger.csvimport import CsvImporter
from ledger.settings import Settings


def build_csv_importer(engine: Engine, settings: Settings | None = None) -> CsvImporter:
    """Build the importer of format 1; a worker keeps it for its whole life."""
    return CsvImporter(engine, settings or Settings())
