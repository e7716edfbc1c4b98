"""Lines of a card file: id, amount in cents, currency, merchant."""

from dataclasses import dataclass

CELLS = 4


class LineError(ValueError):
    """A line that does not fit the format."""


@dataclass(frozen=True, slots=True)
class Record:
    """One card payment."""

    payment_id: str
    cents: int
    currency: str
    merchant: str


def parse(line: str) -> Record:
    """Read one line."""
    cells = line.split(";")
    if len(cells) != CELLS:
        raise LineError(f"{len(cells)} cells")
    payment_id, cents, currency, merchant = cells
    if not cents.isdecimal():
        raise LineError("amount is not in cents")
    return Record(payment_id, int(cents), currency, merchant)
