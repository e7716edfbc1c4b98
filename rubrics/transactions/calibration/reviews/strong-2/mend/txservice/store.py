"""Statements on the transactions table."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import text

from txservice.models import TransactionRequest, TransactionView

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

FIND = text("""
    SELECT merchant, idempotency_key, receipt, amount_cents, currency, status
    FROM transactions
    WHERE merchant = :merchant AND idempotency_key = :key
""")
FIND_MERCHANT = text("SELECT id FROM merchants WHERE id = :merchant")
RECORD = text("""
    INSERT INTO transactions
        (merchant, idempotency_key, receipt, amount_cents, currency, status)
    VALUES
        (:merchant, :idempotency_key, :receipt, :amount_cents, :currency, 'completed')
    ON CONFLICT DO NOTHING
    RETURNING idempotency_key
""")


class Outcome(Enum):
    """What became of a report."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    KEY_REUSED = "key was used for a different payment"
    RECEIPT_REUSED = "receipt number is taken by another payment"


async def find(
    session: AsyncSession, merchant: str, key: str
) -> TransactionView | None:
    """Look up one transaction of a merchant."""
    rows = await session.execute(FIND, {"merchant": merchant, "key": key})
    row = rows.mappings().first()
    return None if row is None else TransactionView.model_validate(dict(row))


async def merchant_exists(session: AsyncSession, merchant: str) -> bool:
    """Tell whether payments may be recorded for this merchant."""
    rows = await session.execute(FIND_MERCHANT, {"merchant": merchant})
    return rows.first() is not None


async def record(session: AsyncSession, payment: TransactionRequest) -> Outcome:
    """Insert the payment, or find out why it was not inserted."""
    values = payment.model_dump(exclude={"amount"})
    values["amount_cents"] = payment.amount_cents
    inserted = await session.execute(RECORD, values)
    if inserted.first() is not None:
        return Outcome.RECORDED
    # The insert waited for whoever holds the conflicting row, so a fresh statement sees it.
    earlier = await find(session, payment.merchant, payment.idempotency_key)
    if earlier is None:
        return Outcome.RECEIPT_REUSED
    same = (
        earlier.receipt == payment.receipt
        and earlier.amount_cents == payment.amount_cents
        and earlier.currency == payment.currency
    )
    return Outcome.REPEATED if same else Outcome.KEY_REUSED
