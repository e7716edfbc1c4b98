"""Statements on the transactions table."""

from __future__ import annotations

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
""")


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


async def record(session: AsyncSession, payment: TransactionRequest) -> bool:
    """Record a payment; False when nothing was inserted."""
    values = payment.model_dump(exclude={"amount"})
    result = await session.execute(RECORD, values | {"amount_cents": payment.amount_cents})
    return result.rowcount > 0
