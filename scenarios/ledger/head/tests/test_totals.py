"""Tests of the control totals."""

from ledger.totals import RunningTotal, differs


def test_equal_totals() -> None:
    """The same count and sum agree."""
    assert not differs(RunningTotal(2, 20.0), RunningTotal(2, 20.0))


def test_a_missing_entry() -> None:
    """One entry less is noticed."""
    assert differs(RunningTotal(2, 20.0), RunningTotal(1, 20.0))


def test_another_sum() -> None:
    """Another sum is noticed."""
    assert differs(RunningTotal(2, 20.0), RunningTotal(2, 19.0))
