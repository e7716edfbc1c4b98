"""Holds."""

from __future__ import annotations

from tests.support import client, service

WANTED = {"customer_id": "c-1", "product_id": "p-1", "location": "north", "quantity": 3}


async def test_hold_and_release() -> None:
    async with client(await service()) as http:
        hold_id = (await http.post("/holds", json=WANTED)).json()["hold_id"]
        assert (await http.get("/shelves/north")).json()[0]["held"] == 3
        await http.post(f"/holds/{hold_id}/release")
        assert (await http.get("/shelves/north")).json()[0]["held"] == 0


async def test_limit_per_customer() -> None:
    async with client(await service()) as http:
        replies = [await http.post("/holds", json=WANTED) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [201, 201, 409]
