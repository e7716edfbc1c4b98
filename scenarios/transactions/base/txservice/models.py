"""What goes over the wire."""

from __future__ import annotations

from pydantic import BaseModel


class TransactionView(BaseModel):
    """A recorded transaction as clients see it."""

    merchant: str
    idempotency_key: str
    receipt: str
    amount_cents: int
    currency: str
    status: str
