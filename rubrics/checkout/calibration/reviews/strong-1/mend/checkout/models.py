"""Tables."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class OrderStatus(StrEnum):
    """Where an order stands; the values are shared with the orders team."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    CANCELLED = "cancelled"


class PaymentState(StrEnum):
    """How far a payment has got; `started` means that nobody knows yet."""

    STARTED = "started"
    PENDING = "pending"
    CAPTURED = "captured"


class Base(DeclarativeBase):
    """Base of all tables."""


class Order(Base):
    """One order; rows are created by the orders team's service."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    email: Mapped[str]
    status: Mapped[str]
    total_cents: Mapped[int]
    currency: Mapped[str]


class Payment(Base):
    """The one payment of an order; the row is stored before the bank is asked."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), unique=True)
    state: Mapped[str] = mapped_column(default=PaymentState.STARTED)
    charge_id: Mapped[str | None]
    amount_cents: Mapped[int]
    leased_until: Mapped[float]
    """Unix time until which one request has this payment to itself."""
