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
    """Money taken for an order."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), unique=True)
    # Empty until the gateway has told us. The row is written before the call, so a
    # crash after the call leaves a trace that the next request (or a script) follows.
    charge_id: Mapped[str | None] = mapped_column(default=None)
    amount_cents: Mapped[int]
    captured: Mapped[bool] = mapped_column(default=False)
    busy_until: Mapped[float] = mapped_column(default=0.0)
