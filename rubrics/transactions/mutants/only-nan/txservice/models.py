"""What goes over the wire."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, Field, field_validator


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
    amount: float = Field(gt=0)
    currency: Literal["EUR", "GBP", "USD"]

    @field_validator("amount")
    @classmethod
    def check_amount(cls, value: float) -> float:
        """Not a number is no payment."""
        if math.isnan(value):
            raise ValueError("amount must be a number")
        return value

    @property
    def amount_cents(self) -> int:
        """The amount as the table keeps it; exact, as two decimals are the most."""
        return round(self.amount * 100)

    def equals(self, kept: TransactionView) -> bool:
        """Tell whether this report says the same as the one that was recorded."""
        return (self.receipt, self.amount_cents, self.currency) == (
            kept.receipt,
            kept.amount_cents,
            kept.currency,
        )
