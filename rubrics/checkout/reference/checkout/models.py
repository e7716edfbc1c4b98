"""Tables."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class OrderStatus(StrEnum):
    """Where an order stands; the values are shared with the orders team."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    CANCELLED = "cancelled"


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


class PaymentStatus(StrEnum):
    """What is known about a payment."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"


class Payment(Base):
    """An attempt to take the money, written before the gateway is asked."""

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    status: Mapped[str]
    charge_id: Mapped[str | None]
    amount_cents: Mapped[int]

    __table_args__ = (
        Index(
            "one_live_payment",
            "order_id",
            unique=True,
            sqlite_where=text("status != 'declined'"),
            postgresql_where=text("status != 'declined'"),
        ),
    )
