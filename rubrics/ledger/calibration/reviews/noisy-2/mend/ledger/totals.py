"""Control totals of a batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ledger.records import FeedEntry


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


def differs(sent: RunningTotal, posted: RunningTotal) -> bool:
    """Whether what was posted is not what was sent."""
    return sent.count != posted.count or sent.amount != posted.amount
