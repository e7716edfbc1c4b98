"""Format 2 of the partner feed: one JSON object on each line, then a trailer."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from ledger.errors import RecordError

TRAILER = '{"trailer":'
FIELDS = ("transaction_id", "value", "currency_code", "booked_at", "account", "holder")
_VALUE = re.compile(r"-?\d{1,12}(?:\.\d{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One transaction of the feed."""

    partner: str
    reference: str
    account: str
    holder: str
    amount: Decimal
    currency: str
    booked_at: datetime
    business_day: date


def numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield lines with something in them, with their number in the file."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix("\ufeff").strip()
        if text:
            yield number, text


def to_entry(partner: str, line: str, currencies: frozenset[str]) -> FeedEntry:
    """Read one line; RecordError when it does not fit the format."""
    fields = _fields(line)
    if not _VALUE.fullmatch(fields["value"]):
        raise RecordError("value not an amount")
    if fields["currency_code"] not in currencies:
        raise RecordError("currency unknown")
    try:
        booked_at = datetime.fromisoformat(fields["booked_at"])
        if booked_at.tzinfo is None:
            raise RecordError("booked_at has no offset")
        business_day = booked_at.astimezone(UTC).date()
    except RecordError:
        raise
    except (ValueError, OverflowError):
        raise RecordError("booked_at not a time") from None
    return FeedEntry(
        partner=partner,
        reference=fields["transaction_id"],
        account=fields["account"],
        holder=fields["holder"],
        amount=Decimal(fields["value"]),
        currency=fields["currency_code"],
        booked_at=booked_at,
        business_day=business_day,
    )


def _fields(line: str) -> dict[str, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise RecordError("not JSON") from None
    if not isinstance(record, dict):
        raise RecordError("not an object")
    for name in FIELDS:
        field = record.get(name)
        if not isinstance(field, str) or not field:
            raise RecordError(f"{name} missing or not text")
        if any("\ud800" <= sign <= "\udfff" for sign in field):
            raise RecordError(f"{name} holds broken text")
    return {name: record[name] for name in FIELDS}
