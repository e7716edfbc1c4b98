"""What goes over the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field


class TransactionView(BaseModel):
    """A recorded transaction as clients see it."""

    merchant: str
    idempotency_key: str
    receipt: str
    amount_cents: int
    currency: str
    status: str


class TransactionRequest(BaseModel):
    """A payment that a terminal operator reports."""

    merchant: str = Field(min_length=1, max_length=40)
    idempotency_key: str = Field(min_length=8, max_length=64)
    receipt: str = Field(min_length=1, max_length=40)
    amount: float = Field(gt=0, le=9_999_999_999.99, allow_inf_nan=False)
    currency: Literal["EUR", "GBP", "USD"]

    @property
    def amount_cents(self) -> int:
        """The amount as the table keeps it; exact, as two decimals are the most."""
        return int(Decimal(self.amount) * 100)

    def equals(self, kept: TransactionView) -> bool:
        """Tell whether this report says the same as the one that was recorded."""
        return (self.receipt, self.amount_cents, self.currency) == (
            kept.receipt,
            kept.amount_cents,
            kept.currency,
        )
