"""Tests of the control totals."""

from decimal import Decimal

from ledger.records import Trailer
from ledger.totals import RunningTotal, differs

READ = RunningTotal(2, Decimal("20.00"))


def test_equal_totals() -> None:
    """The same count and sum agree, however many zeros were written."""
    assert not differs(Trailer(2, Decimal(20)), READ)


def test_a_missing_entry() -> None:
    """One entry less is noticed."""
    assert differs(Trailer(3, Decimal("20.00")), READ)


def test_another_sum() -> None:
    """The smallest other sum is noticed."""
    assert differs(Trailer(2, Decimal("20.00000001")), READ)


def test_no_trailer() -> None:
    """A file without its end is noticed."""
    assert differs(None, READ)
