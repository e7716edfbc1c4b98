"""Control totals of a batch."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from typing import Self


@dataclass
class ControlTotal:
    """Count of records and plain sum of values, whatever the currency, as partners state them."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        """Take one record into account."""
        with localcontext(prec=50):
            self.amount += amount
        self.count += 1

    @classmethod
    def stated(cls, line: str) -> Self | None:
        """Read a trailer; None when it makes no sense, so that nothing can agree with it."""
        try:
            trailer = json.loads(line)["trailer"]
            total = Decimal(trailer["total"])
            count = trailer["count"]
        except (ValueError, KeyError, TypeError, InvalidOperation):
            return None
        return cls(count, total) if total.is_finite() else None
