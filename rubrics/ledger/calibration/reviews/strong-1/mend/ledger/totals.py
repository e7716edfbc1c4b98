"""Control totals of a batch."""

from dataclasses import dataclass
from decimal import Context, Decimal

from ledger.records import Trailer

# 28 digits are not much for a sum of 12+8 digit values; do not let it round.
_EXACT = Context(prec=60)


@dataclass
class RunningTotal:
    """Count and plain sum of the records that arrived, whatever their currency."""

    count: int = 0
    amount: Decimal = Decimal(0)
    unreadable: int = 0

    def add(self, amount: Decimal | None) -> None:
        """Take one more record into account; None when its value could not be read."""
        self.count += 1
        if amount is None:
            self.unreadable += 1
        else:
            self.amount = _EXACT.add(self.amount, amount)


def agrees(trailer: Trailer | None, arrived: RunningTotal) -> bool:
    """Whether the partner's own figures are those of the lines that arrived."""
    return (
        trailer is not None
        and not arrived.unreadable
        and trailer.count == arrived.count
        and trailer.total == arrived.amount
    )
