"""Reading levels."""

from __future__ import annotations

from tests.support import client, service


async def test_levels_of_a_product() -> None:
    async with client(await service(on_hand=4)) as http:
        reply = await http.get("/levels/p-1")
    assert [level["location"] for level in reply.json()] == ["north", "south"]
    assert [level["on_hand"] for level in reply.json()] == [4, 4]


async def test_unknown_product() -> None:
    async with client(await service()) as http:
        reply = await http.get("/levels/p-9")
    assert reply.status_code == 404
