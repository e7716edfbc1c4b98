"""Tests of format 2."""

from decimal import Decimal

from ledger.app import build_bulk_importer
from ledger.metrics import Metrics
from ledger.settings import Settings
from tests.feed import line, memory_engine, stored, trailer


def test_lines_become_entries() -> None:
    """Every line of a batch is posted, also those after the last full chunk."""
    engine = memory_engine()
    importer = build_bulk_importer(engine, Metrics(), Settings(chunk_size=2))
    report = importer.run(
        "b-1", "north", [line("T-1"), line("T-2"), line("T-3"), trailer(3, "31.50")]
    )
    assert [row.reference for row in stored(engine)] == ["T-1", "T-2", "T-3"]
    assert (report.status, report.imported) == ("complete", 3)


def test_amounts_are_stored_as_sent() -> None:
    """Amounts keep their value on the way to the ledger."""
    sent = {"T-1": Decimal("10.50"), "T-2": Decimal("0.10"), "T-3": Decimal("-7.00")}
    engine = memory_engine()
    importer = build_bulk_importer(engine, Metrics())
    importer.run(
        "b-2",
        "north",
        [line(reference, str(value)) for reference, value in sent.items()],
    )
    for row in stored(engine):
        assert Decimal(row.amount) == sent[row.reference]


def test_a_batch_can_run_again() -> None:
    """The second run of a batch posts nothing."""
    engine = memory_engine()
    importer = build_bulk_importer(engine, Metrics())
    importer.run("b-1", "north", [line("T-1"), line("T-2")])
    report = importer.run("b-1", "north", [line("T-1"), line("T-2")])
    assert report.imported == 0
    assert [row.reference for row in stored(engine)] == ["T-1", "T-2"]


def test_a_broken_line_does_not_stop_a_batch() -> None:
    """The lines around a broken one are posted."""
    engine = memory_engine()
    metrics = Metrics()
    importer = build_bulk_importer(engine, metrics)
    importer.run("b-1", "north", [line("T-1"), '{"transaction_id": "T-2"', line("T-3")])
    assert [row.reference for row in stored(engine)] == ["T-1", "T-3"]
    assert metrics.snapshot()["batches_complete"] == 1
