"""Judges what a guest asks of the world before the world hears it: known operations, exact shapes, bounded amounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reviewkit.harness.world import World, weight
from reviewkit.sandbox.inner.codec import ProtocolError

MAX_CONNECTIONS = 256
MAX_LOGS = 50_000
NEWS = frozenset({"log", "emit"})
"""What a guest may say without being answered."""
RESERVED = frozenset({"TimeLimit", "GuestClosed"})

__all__ = ["answer", "examine", "examine_reply", "weight"]

Payload = dict[str, Any]
Shape = dict[str, Callable[[Any], bool]]


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _texts(value: Any) -> bool:
    return type(value) is dict and all(type(item) is str for item in value.values())


def _timeout(value: Any) -> bool:
    kinds = (int, float, type(None))
    return value is None or (type(value) is dict and all(type(item) in kinds for item in value.values()))


_STATEMENT: Shape = {"connection": _is(int), "sql": _is(str), "parameters": _is(list, dict)}
_ENDING: Shape = {"connection": _is(int)}
_SHAPES: dict[str, Shape] = {
    "http": {
        "method": _is(str), "url": _is(str), "headers": _texts, "body": _is(bytes), "timeout": _timeout, "sync": _is(bool),
    },
    "log": {"event": _is(dict)},
    "emit": {"kind": _is(str), "data": lambda _value: True},
    "db.connect": {"name": _is(str), "isolation_level": _is(str, type(None))},
    "db.execute": _STATEMENT,
    "db.executemany": _STATEMENT,
    "db.executescript": _STATEMENT,
    "db.commit": _ENDING,
    "db.rollback": _ENDING,
    "db.close": _ENDING,
    "db.isolation": {**_ENDING, "value": _is(str, type(None))},
    "stage": {"job": _is(int), "what": _is(str), "payload": _is(dict)},
}  # fmt: skip


def examine(op: Any, payload: Any) -> None:
    """Check a request.

    Raises:
        ProtocolError: If no honest guest sends it.
    """
    shape = _SHAPES.get(op) if type(op) is str else None
    if shape is None:
        raise ProtocolError("a request for something unknown")
    if type(payload) is not dict or payload.keys() != shape.keys():
        raise ProtocolError(f"a request {op!r} with strange parts")
    for name, fits in shape.items():
        if not fits(payload[name]):
            raise ProtocolError(f"a request {op!r} with a strange {name!r}")


async def answer(world: World, op: str, payload: Payload) -> Payload:
    """Let the world answer an examined request."""
    if op == "db.connect" and world.connections_open >= MAX_CONNECTIONS:
        return {"error": "OperationalError", "message": "unable to open database file"}
    if op in NEWS and len(world.logs) + len(world.facts) >= MAX_LOGS:
        raise ProtocolError("more log events and facts than any guest needs")
    return await world.handle(op, payload)


def examine_reply(op: str, reply: Any) -> Payload:
    """Check what a guest answers to `op`.

    Raises:
        ProtocolError: If it has not the shape of an answer.
    """
    if type(reply) is not dict:
        raise ProtocolError("a reply that is no dict")
    if reply.keys() == {"value"}:
        if op == "beats" and not (type(reply["value"]) is list and all(type(beat) is float for beat in reply["value"])):
            raise ProtocolError("beats that are no list of floats")
        return reply
    if reply.keys() != {"error", "message"} or type(reply["error"]) is not str or type(reply["message"]) is not str:
        raise ProtocolError("a reply without value and error")
    name = reply["error"][:80]
    if name in RESERVED:
        name = f"guest's {name}"  # these words say what the parent saw; a guest may not use them
    return {"error": name, "message": reply["message"][:500]}
