"""Control totals of a batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ledger.records import FeedEntry, Trailer


@dataclass
class RunningTotal:
    """Count and plain sum of values, whatever the currency, as partners state them."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def add(self, entries: Iterable[FeedEntry]) -> None:
        """Take more entries into account."""
        for entry in entries:
            self.count += 1
            self.amount += entry.amount


def differs(stated: Trailer | None, read: RunningTotal) -> bool:
    """Whether what was read is not what the partner says it sent."""
    if stated is None:
        return True
    return stated.count != read.count
