"""Tables of the stock service."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Holds the metadata that `create_schema` works from."""


class Product(Base):
    """A part that is sold."""

    __tablename__ = "products"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))


class Level(Base):
    """Units of one product on the shelf of one location."""

    __tablename__ = "levels"

    product_id: Mapped[str] = mapped_column(ForeignKey("products.id"), primary_key=True)
    location: Mapped[str] = mapped_column(String(20), primary_key=True)
    on_hand: Mapped[int]


class Order(Base):
    """An order whose units have left the shelves."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(64), unique=True)
    location: Mapped[str] = mapped_column(String(20))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class Hold(Base):
    """Units set aside for a customer; they are off the shelf until released."""

    __tablename__ = "holds"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(40))
    product_id: Mapped[str] = mapped_column(ForeignKey("products.id"))
    location: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]
    status: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class Transfer(Base):
    """Units on their way from one location to another."""

    __tablename__ = "transfers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product_id: Mapped[str] = mapped_column(ForeignKey("products.id"))
    source: Mapped[str] = mapped_column(String(20))
    destination: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]
    pickup: Mapped[str] = mapped_column(String(40))
