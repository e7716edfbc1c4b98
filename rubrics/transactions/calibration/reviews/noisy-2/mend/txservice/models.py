"""What goes over the wire."""

from __future__ import annotations

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
    amount: float
    currency: Literal["EUR", "GBP", "USD"]

    @field_validator("amount")
    @classmethod
    def check_amount(cls, value: float) -> float:
        """Payments only; refunds have a route of their own."""
        if value <= 0:
            raise ValueError("amount must be positive")
        return value

    @property
    def amount_cents(self) -> int:
        """The amount as the table keeps it."""
        return round(self.amount * 100)
