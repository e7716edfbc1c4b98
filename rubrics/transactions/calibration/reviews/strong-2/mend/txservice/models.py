"""What goes over the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

MAX_AMOUNT = Decimal(10_000_000)
# PostgreSQL cannot store NUL in TEXT; refuse control characters here rather than fail in the driver.
Printable = StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$")


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

    merchant: Annotated[str, Printable, Field(max_length=40)]
    idempotency_key: Annotated[str, Printable, Field(min_length=8, max_length=64)]
    receipt: Annotated[str, Printable, Field(max_length=40)]
    amount: Decimal
    currency: Literal["EUR", "GBP", "USD"]

    @field_validator("amount")
    @classmethod
    def check_amount(cls, value: Decimal) -> Decimal:
        """Payments only (refunds have a route of their own), in whole cents, and within reason."""
        if not value.is_finite() or value <= 0:
            raise ValueError("amount must be positive")
        if value > MAX_AMOUNT:
            raise ValueError("amount is implausibly large")
        if value != value.quantize(Decimal("0.01")):
            raise ValueError("amount must not have fractions of a cent")
        return value

    @property
    def amount_cents(self) -> int:
        """The amount as the table keeps it."""
        return int(self.amount * 100)  # exact: a Decimal with at most two places
