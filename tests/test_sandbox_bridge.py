"""What a guest asks and answers is judged before anybody listens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reviewkit.harness.world import World
from reviewkit.sandbox import bridge
from reviewkit.sandbox.inner.codec import ProtocolError

HTTP: dict[str, Any] = {"method": "GET", "url": "https://a.test/", "headers": {}, "body": b"", "timeout": None, "sync": False}
SQL: dict[str, Any] = {"connection": 1, "sql": "SELECT 1", "parameters": []}


@pytest.mark.parametrize(
    ("op", "payload"),
    [
        ("http", HTTP), ("http", HTTP | {"timeout": {"read": 1.5, "pool": None}}), ("db.execute", SQL),
        ("db.connect", {"name": "main", "isolation_level": None}), ("db.isolation", {"connection": 1, "value": None}),
        ("log", {"event": {"event": "x"}}), ("emit", {"kind": "x", "data": [1]}), ("db.close", {"connection": 1}),
    ],
)  # fmt: skip
def test_what_an_honest_guest_asks_is_fine(op: str, payload: dict[str, Any]) -> None:
    bridge.examine(op, payload)


@pytest.mark.parametrize(
    ("op", "payload"),
    [
        ("os.system", {}), (None, {}), (["http"], HTTP), ("http", []), ("http", {}), ("http", HTTP | {"more": 1}),
        ("http", HTTP | {"body": "text"}), ("http", HTTP | {"headers": {"a": 1}}), ("http", HTTP | {"timeout": {"read": "1"}}),
        ("http", HTTP | {"sync": 1}), ("db.execute", SQL | {"connection": True}), ("db.execute", SQL | {"sql": b"SELECT 1"}),
        ("db.execute", SQL | {"parameters": "x"}), ("db.enable_load_extension", SQL), ("db.set_authorizer", SQL),
        ("db.__init__", SQL), ("db.", SQL), ("db.backup", {"connection": 1}), ("log", {"event": "x"}), ("emit", {"kind": 1, "data": 1}),
    ],
)  # fmt: skip
def test_what_no_honest_guest_asks_ends_the_job(op: Any, payload: Any) -> None:
    with pytest.raises(ProtocolError):
        bridge.examine(op, payload)


@pytest.mark.parametrize(
    ("op", "reply"),
    [
        ("call", None), ("call", {}), ("call", {"value": 1, "error": "x", "message": ""}), ("call", {"error": "x"}),
        ("call", {"error": 1, "message": ""}), ("call", {"passed": True}), ("beats", {"value": [1]}), ("beats", {"value": 1.0}),
    ],
)  # fmt: skip
def test_a_reply_of_another_shape_ends_the_job(op: str, reply: Any) -> None:
    with pytest.raises(ProtocolError):
        bridge.examine_reply(op, reply)


def test_a_guest_cannot_use_the_words_of_the_parent() -> None:
    reply = bridge.examine_reply("call", {"error": "TimeLimit", "message": "m" * 600})
    assert reply == {"error": "guest's TimeLimit", "message": "m" * 500}


def test_a_guest_gets_only_so_many_connections() -> None:
    async def connect_often() -> tuple[int, dict[str, Any]]:
        world = World()
        world.database("main", "CREATE TABLE t (n INTEGER)")
        ask = {"name": "main", "isolation_level": None}
        given = [await bridge.answer(world, "db.connect", ask) for _ in range(bridge.MAX_CONNECTIONS)]
        refused = await bridge.answer(world, "db.connect", ask)
        world.close()
        return len([reply for reply in given if "connection" in reply]), refused

    given, refused = asyncio.run(connect_often())
    assert given == bridge.MAX_CONNECTIONS
    assert refused == {"error": "OperationalError", "message": "unable to open database file"}
