"""Tables of the stock service."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
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
