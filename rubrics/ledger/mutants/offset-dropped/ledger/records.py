"""Format 2 of the partner feed: one JSON object on each line, then a trailer."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ledger.errors import RecordError

TRAILER = '{"trailer":'
FIELDS = (
    "transaction_id",
    "value",
    "currency_code",
    "booked_at",
    "account",
    "holder",
)
AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,8})?", re.ASCII)


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


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the partner says it sent."""

    count: int
    total: Decimal


class Feed:
    """The lines of one file; the trailer is known once all of them were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Read nothing yet."""
        self._lines = lines
        self.trailer: Trailer | None = None

    def data_lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that hold a record, with their numbers in the file."""
        for number, line in enumerate(self._lines, start=1):
            text = line.strip().removeprefix("\ufeff")
            if text.startswith(TRAILER):
                self.trailer = to_trailer(text)
            elif text:
                yield number, text


def to_entry(partner: str, line: str, currencies: frozenset[str]) -> FeedEntry:
    """Read one line; a line that does not fit the format raises RecordError."""
    record = _fields(line)
    if record["currency_code"] not in currencies:
        raise RecordError("currency_code unknown")
    booked_at = _moment(record["booked_at"])
    return FeedEntry(
        partner=partner,
        reference=record["transaction_id"],
        account=record["account"],
        holder=record["holder"],
        amount=_amount(record["value"]),
        currency=record["currency_code"],
        booked_at=booked_at,
        business_day=booked_at.replace(tzinfo=UTC).date(),
    )


def to_trailer(line: str) -> Trailer | None:
    """Read the trailer; None when it cannot be relied on."""
    try:
        stated: Any = json.loads(line)["trailer"]
        return Trailer(int(stated["count"]), _amount(stated["total"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _fields(line: str) -> dict[str, str]:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise RecordError("not JSON") from None
    if not isinstance(record, dict):
        raise RecordError("not an object")
    for name in FIELDS:
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise RecordError(f"{name} missing")
    return record


def _amount(text: str) -> Decimal:
    if AMOUNT.fullmatch(text) is None:
        raise RecordError("value not an amount")
    return Decimal(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError("booked_at not a time") from None
    if moment.utcoffset() is None:
        raise RecordError("booked_at without offset")
    return moment
