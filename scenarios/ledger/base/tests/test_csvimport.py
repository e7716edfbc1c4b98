"""Tests of format 1 on a database in memory."""

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.pool import StaticPool

from ledger import tables
from ledger.app import build_csv_importer

GOOD = "T-1;10.50;EUR;2026-03-02T09:30:00+00:00;DE02120300000000202051;A. Example"
SHORT = "T-2;10.50;EUR"


def memory_engine() -> Engine:
    """Build an empty ledger in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
    tables.metadata.create_all(engine)
    return engine


def test_lines_become_entries() -> None:
    """A line that arrives twice is one entry."""
    engine = memory_engine()
    report = build_csv_importer(engine).run("b-1", "north", [GOOD, GOOD])
    with engine.connect() as connection:
        stored = connection.execute(select(tables.entries.c.reference)).scalars().all()
    assert stored == ["T-1"]
    assert report.imported == 1


def test_refused_lines_are_kept() -> None:
    """A short line is kept for the partner desk."""
    engine = memory_engine()
    build_csv_importer(engine).run("b-1", "north", [SHORT, GOOD])
    with engine.connect() as connection:
        kept = connection.execute(select(tables.dead_letters.c.payload)).scalars().all()
    assert kept == [SHORT]
