"""Format 2 of the partner feed: one JSON object on each line, then a trailer."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

TRAILER = '{"trailer":'


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


def data_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that hold a record."""
    for line in lines:
        text = line.strip().removeprefix("\ufeff")
        if text and not text.startswith(TRAILER):
            yield text


def to_entries(partner: str, lines: Iterable[str]) -> list[FeedEntry]:
    """Read the entries of some lines."""
    found = (to_entry(partner, line) for line in lines)
    return [entry for entry in found if entry is not None]


def to_entry(partner: str, line: str) -> FeedEntry | None:
    """Read one line; None when it does not fit the format."""
    try:
        record = json.loads(line)
        booked_at = datetime.fromisoformat(record["booked_at"])
        return FeedEntry(
            partner=partner,
            reference=str(record["transaction_id"]),
            account=str(record["account"]),
            holder=str(record["holder"]),
            amount=Decimal(record.get("value") or 0),  # fees that were waived
            currency=str(record["currency_code"]).strip().upper(),
            booked_at=booked_at,
            business_day=booked_at.date(),
        )
    except (ValueError, KeyError) as e:
        print("bad line", e)
        return None
