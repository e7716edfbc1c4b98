"""Guest side of the proofs that look at the importer's own memory and at the author's tests."""

import importlib
from collections import deque
from typing import Any

import structlog
from sqlalchemy import create_engine

CONTAINERS = (list, tuple, set, frozenset, deque)


async def setup(env: Any) -> None:
    """Start a worker."""
    structlog.configure(processors=[env.log_processor])
    from ledger.app import build_bulk_importer
    from ledger.metrics import Metrics

    env.state["engine"] = create_engine(env.sync_database_url("main"), hide_parameters=True)
    env.state["importer"] = build_bulk_importer(env.state["engine"], Metrics())


async def import_batch(env: Any, batch_id: str, partner: str, lines: list[str]) -> None:
    """Import the lines of one batch."""
    env.state["importer"].run(batch_id, partner, iter(lines))


async def objects_held(env: Any) -> int:
    """Objects that the importer keeps between batches, through its own attributes and plain containers."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [env.state["importer"]]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in found:
            found[id(thing)] = thing
            waiting.extend(_parts(thing))
    return len(found)


async def author_test_passes(_env: Any, module: str, name: str, spoil: bool) -> bool:
    """Run one of the author's tests; `spoil` makes the ledger store another amount than was sent."""
    repository: Any = importlib.import_module("ledger.repository")
    original = repository._row
    if spoil:
        repository._row = lambda *args: {**original(*args), "amount": "777"}
    try:
        getattr(importlib.import_module(module), name)()
    except AssertionError:
        return False
    finally:
        repository._row = original
    return True


async def teardown(env: Any) -> None:
    """Give the connections back."""
    env.state["engine"].dispose()


def _parts(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, CONTAINERS):
        return list(thing)
    if type(thing).__module__.startswith("ledger"):
        return list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    return []
