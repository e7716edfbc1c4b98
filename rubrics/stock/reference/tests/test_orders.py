"""Orders."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.support import client, service

if TYPE_CHECKING:
    import httpx


async def order(http: httpx.AsyncClient, request_id: str, quantity: int) -> int:
    """Order one product from the northern location and return the status."""
    lines = [{"product_id": "p-1", "quantity": quantity}]
    body = {"request_id": request_id, "location": "north", "lines": lines}
    return (await http.post("/orders", json=body)).status_code


async def on_hand(http: httpx.AsyncClient) -> int:
    """Return the units on the northern shelf."""
    return int((await http.get("/levels/p-1")).json()[0]["on_hand"])


async def test_order_takes_units() -> None:
    async with client(await service(on_hand=10)) as http:
        assert await order(http, "r-1", quantity=3) == 201
        assert await on_hand(http) == 7


async def test_short_order_is_refused() -> None:
    async with client(await service(on_hand=2)) as http:
        assert await order(http, "r-1", quantity=3) == 409
        assert await on_hand(http) == 2


async def test_rush() -> None:
    async with client(await service(on_hand=10)) as http:
        buyers = [order(http, f"r-{n}", quantity=1) for n in range(20)]
        statuses = await asyncio.gather(*buyers)
        assert sorted(statuses) == [201] * 10 + [409] * 10
        assert await on_hand(http) == 0


async def test_repeated_request() -> None:
    async with client(await service(on_hand=10)) as http:
        assert [await order(http, "r-1", quantity=3) for _ in range(2)] == [201, 201]
        assert await on_hand(http) == 7
