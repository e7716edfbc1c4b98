"""Statements on the transactions table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from txservice.models import TransactionView

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

FIND = text("""
    SELECT merchant, idempotency_key, receipt, amount_cents, currency, status
    FROM transactions
    WHERE merchant = :merchant AND idempotency_key = :key
""")


async def find(
    session: AsyncSession, merchant: str, key: str
) -> TransactionView | None:
    """Look up one transaction of a merchant."""
    rows = await session.execute(FIND, {"merchant": merchant, "key": key})
    row = rows.mappings().first()
    return None if row is None else TransactionView.model_validate(dict(row))
