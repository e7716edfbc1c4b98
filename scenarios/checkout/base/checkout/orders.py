"""Reading and writing orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from checkout.models import Order

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class OrderNotFoundError(Exception):
    """There is no such order, or it belongs to somebody else."""


class OrderRepository:
    """Orders, within one session."""

    def __init__(self, session: AsyncSession) -> None:
        """Work in the given session; the caller commits."""
        self._session = session

    async def get(self, order_id: str, customer_id: str) -> Order:
        """Return an order of this customer."""
        query = select(Order).where(
            Order.id == order_id, Order.customer_id == customer_id
        )
        order = (await self._session.execute(query)).scalar_one_or_none()
        if order is None:
            raise OrderNotFoundError(order_id)
        return order
