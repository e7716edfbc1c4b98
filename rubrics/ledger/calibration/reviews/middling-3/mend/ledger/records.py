"""Format 2 of the partner feed: one JSON object on each line, then a trailer."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from ledger.errors import RecordError

TRAILER = '{"trailer":'


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One transaction of the feed."""

    partner: str
    reference: str
    account: str
    holder: str
    amount: float
    currency: str
    booked_at: datetime
    business_day: date


def data_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield number and text of all lines that are not empty."""
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("\ufeff")
        if text:
            yield number, text


def to_entry(partner: str, line: str, currencies: frozenset[str]) -> FeedEntry:
    """Read one line; RecordError when it does not fit the format."""
    try:
        record = json.loads(line)
        booked_at = datetime.fromisoformat(record["booked_at"])
        amount = float(record["value"])
        currency = record["currency_code"]
        entry = FeedEntry(
            partner=partner,
            reference=str(record["transaction_id"]),
            account=str(record["account"]),
            holder=str(record["holder"]),
            amount=amount,
            currency=currency,
            booked_at=booked_at,
            business_day=booked_at.date(),
        )
    except (ValueError, KeyError, TypeError):
        raise RecordError("line does not fit the format") from None
    if not math.isfinite(amount):
        raise RecordError("value not an amount")
    if currency not in currencies:
        raise RecordError("currency unknown")
    return entry
