"""Control totals of a batch."""

import json
from dataclasses import dataclass
from decimal import Decimal, localcontext

DIGITS = 60  # more than a sum of twelve and eight digits will ever have


@dataclass
class RunningTotal:
    """Count and plain sum of values, whatever the currency, as partners state them."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        """Take one more record into account."""
        with localcontext() as context:
            context.prec = DIGITS
            self.count += 1
            self.amount += amount


def read_trailer(text: str) -> RunningTotal | None:
    """What the partner states, or None when one cannot read it."""
    try:
        stated = json.loads(text)["trailer"]
        total = RunningTotal(int(stated["count"]), Decimal(str(stated["total"])))
    except (ValueError, ArithmeticError, KeyError, TypeError):
        return None
    return total if total.amount.is_finite() else None


def differs(stated: RunningTotal | None, arrived: RunningTotal) -> bool:
    """Whether what arrived is not what the partner states. Without trailer we do not know, so yes."""
    return stated is None or stated != arrived
