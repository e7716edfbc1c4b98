"""Format 1 of the partner feed: six cells a line, split by semicolons."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from ledger.errors import RecordError

COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction as the ledger keeps it."""

    partner: str
    reference: str
    account: str
    holder: str
    amount: Decimal
    currency: str
    booked_at: datetime


def to_entry(partner: str, line: str, currencies: frozenset[str]) -> Entry:
    """Read one line; a line that does not fit the format raises RecordError."""
    cells = [cell.strip() for cell in line.split(";")]
    if len(cells) != COLUMNS or not all(cells):
        raise RecordError("wrong number of columns")
    reference, value, currency, booked_at, account, holder = cells
    if currency not in currencies:
        raise RecordError("currency unknown")
    return Entry(
        partner,
        reference,
        account,
        holder,
        parse_amount(value),
        currency,
        _moment(booked_at),
    )


def parse_amount(text: str) -> Decimal:
    """Read an amount as it was sent."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise RecordError("value not an amount") from None
    if not amount.is_finite():
        raise RecordError("value not an amount")
    return amount


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise RecordError("booked_at not a time") from None
