"""Runs the author's own test of a rush, on the service as it is and on one that takes nothing."""

from __future__ import annotations

import importlib
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def setup(env: Any) -> None:
    """Let the test's service use the world's database."""
    structlog.configure(processors=[env.log_processor])
    support = importlib.import_module("tests.support")
    support.fresh_database = lambda: env.database_url("main")  # type: ignore[attr-defined]
    env.state["url"] = env.database_url("main")


async def run_rush(env: Any, broken: bool) -> str:
    """Run the test; `broken` makes taking units succeed without taking any."""
    await _empty(env.state["url"])
    inventory = importlib.import_module("stock.inventory")
    original = inventory.take

    async def nothing(*_args: Any, **_options: Any) -> int:
        return 0

    inventory.take = nothing if broken else original  # type: ignore[attr-defined]
    try:
        await importlib.import_module("tests.test_orders").test_rush()
    except AssertionError:
        return "failed"
    else:
        return "passed"
    finally:
        inventory.take = original  # type: ignore[attr-defined]


async def _empty(url: str) -> None:
    """Drop the tables of the run before."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table in ("orders", "holds", "holders", "transfers", "levels", "products"):
            await connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    await engine.dispose()
