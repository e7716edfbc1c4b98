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
    charge_id: Mapped[str]
    amount_cents: Mapped[int]


class Attempt(Base):
    """A payment whose outcome is not stored yet; the key is the lock on the order."""

    __tablename__ = "payment_attempts"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    running_until: Mapped[float]
