"""What goes over the wire."""

from __future__ import annotations

from decimal import Decimal
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
    amount: Decimal = Field(gt=0, le=1_000_000, decimal_places=2)
    currency: Literal["EUR", "GBP", "USD"]

    @field_validator("amount", mode="before")
    @classmethod
    def check_amount(cls, value: object) -> object:
        """Only a JSON number is an amount; a string or a boolean is a mistake of the sender."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("amount must be a number")
        return value

    @property
    def amount_cents(self) -> int:
        """The amount as the table keeps it."""
        return int(self.amount * 100)
