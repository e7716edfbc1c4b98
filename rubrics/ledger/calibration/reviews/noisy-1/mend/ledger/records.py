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
AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,8})?")
SUM = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,8})?")


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


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that did not fit; `amount` is what it was worth, when that could be read."""

    line: int
    reason: str
    payload: str
    amount: Decimal | None = None
    is_record: bool = True


def read_feed(
    partner: str, lines: Iterable[str], currencies: frozenset[str]
) -> Iterator[FeedEntry | Refused | Trailer]:
    """Say of each line that is not empty what it is. Lines are numbered as an editor does."""
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if number == 1:
            text = text.removeprefix("\ufeff")
        if not text.strip():
            continue
        if text.startswith(TRAILER):
            try:
                yield to_trailer(text)
            except RecordError as error:
                yield Refused(number, error.reason, text, is_record=False)
            continue
        try:
            record = _object(text)
        except RecordError as error:
            yield Refused(number, error.reason, text)
            continue
        try:
            yield to_entry(partner, record, currencies)
        except RecordError as error:
            yield Refused(number, error.reason, text, _worth(record))


def to_entry(
    partner: str, record: dict[str, Any], currencies: frozenset[str]
) -> FeedEntry:
    """Check one record; RecordError when it does not fit the format."""
    currency = _text(record, "currency_code")
    if currency not in currencies:
        raise RecordError("currency_code unknown")
    booked_at = _moment(_text(record, "booked_at"))
    return FeedEntry(
        partner=partner,
        reference=_text(record, "transaction_id"),
        account=_text(record, "account"),
        holder=_text(record, "holder"),
        amount=_amount(_text(record, "value"), AMOUNT, "value"),
        currency=currency,
        booked_at=booked_at,
        business_day=_day(booked_at),
    )


def to_trailer(text: str) -> Trailer:
    """Read the trailer; RecordError when it does not fit the format."""
    trailer = _object(text).get("trailer")
    if not isinstance(trailer, dict):
        raise RecordError("trailer not an object")
    count = trailer.get("count")
    if type(count) is not int or count < 0:
        raise RecordError("trailer count not a number")
    return Trailer(count, _amount(_text(trailer, "total"), SUM, "trailer total"))


def _object(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise RecordError("not JSON") from None
    if not isinstance(record, dict):
        raise RecordError("not an object")
    return record


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RecordError(f"{name} missing or not text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair: no database takes that
        raise RecordError(f"{name} not valid text") from None
    return value


def _amount(text: str, form: re.Pattern[str], name: str) -> Decimal:
    if not form.fullmatch(text):
        raise RecordError(f"{name} not an amount")
    return Decimal(text)


def _worth(record: dict[str, Any]) -> Decimal | None:
    try:
        return _amount(_text(record, "value"), AMOUNT, "value")
    except RecordError:
        return None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordError("booked_at not a time") from None
    if moment.utcoffset() is None:
        raise RecordError("booked_at without offset")
    return moment


def _day(moment: datetime) -> date:
    try:
        return moment.astimezone(UTC).date()
    except OverflowError:
        raise RecordError("booked_at not a time") from None
