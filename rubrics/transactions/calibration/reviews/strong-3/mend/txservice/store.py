"""Statements on the transactions table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from txservice.models import TransactionRequest, TransactionView

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

class Conflict(Exception):
    """The key or the receipt number is already used by a different payment."""


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


async def record(session: AsyncSession, payment: TransactionRequest) -> None:
    """Record a payment once and commit it; raise `Conflict` when another payment is in its place.

    The constraints of the table decide who is first. The loser waits in the database until the winner has committed,
    gets the error, and then looks whether the winner was the same payment.
    """
    values = payment.model_dump(exclude={"amount"}) | {"amount_cents": payment.amount_cents}
    try:
        await session.execute(RECORD, values)
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        kept = await find(session, payment.merchant, payment.idempotency_key)
        if kept is None or kept.model_dump(exclude={"status"}) != values:
            raise Conflict from error
