"""Format 2 of the partner feed: one JSON object on each line, then a trailer."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal

from ledger.errors import RecordError

TRAILER = '{"trailer":'
VALUE = re.compile("-?[0-9]{1,12}([.][0-9]{1,8})?")
NAMES = ("transaction_id", "value", "currency_code", "booked_at", "account", "holder")


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


def data_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not empty, the trailer also."""
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("\ufeff")
        if text:
            yield number, text


def to_entry(partner: str, line: str, currencies: frozenset[str]) -> FeedEntry:
    """Read one line; RecordError tells the field which is wrong, never its content."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise RecordError("line is not JSON") from None
    if not isinstance(record, dict):
        raise RecordError("line is not an object")
    for name in NAMES:
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise RecordError(f"{name} is missing")
        if not record[name].isprintable() and _not_utf8(record[name]):
            raise RecordError(f"{name} is not UTF-8")
    if VALUE.fullmatch(record["value"]) is None:
        raise RecordError("value is not an amount")
    if record["currency_code"] not in currencies:
        raise RecordError("currency_code is unknown")
    booked_at = _moment(record["booked_at"])
    return FeedEntry(
        partner=partner,
        reference=record["transaction_id"],
        account=record["account"],
        holder=record["holder"],
        amount=Decimal(record["value"]),
        currency=record["currency_code"],
        booked_at=booked_at,
        business_day=booked_at.astimezone(timezone.utc).date(),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise RecordError("booked_at is not a time") from None
    if moment.tzinfo is None:
        raise RecordError("booked_at is without offset")
    return moment


def _not_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
