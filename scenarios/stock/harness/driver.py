"""How the stock service is called. Runs beside the code under review."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import importlib
import sys
import time
from collections.abc import MutableMapping
from itertools import pairwise
from types import ModuleType
from typing import Any

import httpx
import structlog
from sqlalchemy import event, select
from sqlalchemy.util import await_only

PACKAGE = "stock"
COPY = "__copy__"
REPLICAS = 2
POOL = {"pool_size": 40, "max_overflow": 0, "pool_timeout": 30}
SERVER_POOL = {**POOL, "pool_size": 15}
"""All replicas together stay below what the server lets in."""
PATIENCE = 2.0


class Copies:
    """Keeps a copy of the package per replica: replicas are processes and share nothing but the database.

    An import inside a function has to find the copy of the replica that runs it, so imports go by their importer.
    """

    def __init__(self) -> None:
        self._import = builtins.__import__
        self._copies: list[dict[str, ModuleType]] = []
        builtins.__import__ = self._find

    def close(self) -> None:
        """Leave the interpreter as it was."""
        builtins.__import__ = self._import

    def fresh(self) -> ModuleType:
        """Import the package anew, as one more replica; return its `stock.api`."""
        self._swap({})
        api = importlib.import_module("stock.api")
        importlib.import_module("stock.db")
        self._copies.append(self._label(len(self._copies)))
        return api

    def _find(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> ModuleType:
        copy = (globals or {}).get(COPY)
        if copy is None or not (level or name.split(".")[0] == PACKAGE):
            return self._import(name, globals, locals, fromlist, level)
        before = self._swap(self._copies[copy])
        try:
            return self._import(name, globals, locals, fromlist, level)
        finally:
            self._copies[copy] = self._label(copy)
            self._swap(before)

    def _label(self, copy: int) -> dict[str, ModuleType]:
        for module in (modules := loaded()).values():
            vars(module)[COPY] = copy
        return modules

    def _swap(self, modules: dict[str, ModuleType]) -> dict[str, ModuleType]:
        before = loaded()
        for name in before:
            del sys.modules[name]
        sys.modules.update(modules)
        return before


def loaded() -> dict[str, ModuleType]:
    """The package's modules as an import would find them now."""
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] == PACKAGE}


class Barrier:
    """Lets parties go on together once each has come or ended without coming, or once neither happened for a while."""

    def __init__(self, parties: int) -> None:
        self._missing = parties
        self._open = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Arrive, and stay until the others are there."""
        self.count()
        await self._open.wait()

    def count(self) -> None:
        """Expect one less."""
        if self._open.is_set():
            return
        self._missing -= 1
        if self._timer is not None:
            self._timer.cancel()
        if self._missing <= 0:
            self._open.set()
            return
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._open.set)


# -- building the service ---------------------------------------------------------------------------------------------


async def setup(env: Any) -> None:
    """Start the service on the world's database; its log goes to the world, stamped with seconds since the start."""
    env.state["began"] = time.monotonic()
    env.state["copies"] = Copies()

    def stamp(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> dict[str, Any]:
        return {"t": round(clock(env), 3), **entry}

    structlog.configure(processors=[structlog.processors.add_log_level, stamp, env.log_processor])
    try:
        await _start(env, env.database_url("main"), dict(POOL))
    except BaseException:
        env.state["copies"].close()
        raise


async def teardown(env: Any) -> None:
    """Give connections back."""
    env.state["copies"].close()
    await _stop(env)


async def resize(env: Any, pool_size: int, pool_timeout: float) -> None:
    """Start the service again with a connection pool of another size."""
    await _stop(env)
    await _start(env, env.database_url("main"), {**POOL, "pool_size": pool_size, "pool_timeout": pool_timeout})


async def use_server(env: Any, url: str) -> None:
    """Move to an empty database of a PostgreSQL server, with connections open that nobody then waits for."""
    await _stop(env)
    await _start(env, url.replace("postgresql:", "postgresql+asyncpg:", 1), dict(SERVER_POOL))
    async with contextlib.AsyncExitStack() as opened:
        for app in env.state["apps"]:
            for _ in range(SERVER_POOL["pool_size"]):
                await opened.enter_async_context(app.state.engine.connect())


async def _stop(env: Any) -> None:
    for app in env.state.pop("apps", []):
        await app.state.engine.dispose()


async def _start(env: Any, url: str, options: dict[str, Any]) -> None:
    env.state["apps"] = [_replica(env, url, options) for _ in range(REPLICAS)]
    engine = env.state["apps"][0].state.engine
    await importlib.import_module("stock.db").create_schema(engine)


def _replica(env: Any, url: str, options: dict[str, Any]) -> Any:
    app = env.state["copies"].fresh().build_app(url, **options)
    if url.startswith("sqlite"):
        event.listen(app.state.engine.sync_engine, "before_cursor_execute", _lock_rows)
        event.listen(app.state.engine.sync_engine, "savepoint", _begin_before_savepoint)
    return app


def _lock_rows(_conn: Any, cursor: Any, _sql: str, _parameters: Any, context: Any, _many: bool) -> None:
    """Begin a writing transaction before a SELECT ... FOR UPDATE, which SQLite does not know and would just read."""
    statement = getattr(getattr(context, "compiled", None), "statement", None)
    if getattr(statement, "_for_update_arg", None) is not None:
        _begin(cursor, "BEGIN IMMEDIATE")


def _begin_before_savepoint(conn: Any, _name: str) -> None:
    """SQLite's driver begins before a write only: a savepoint that comes first would commit when it is released."""
    _begin(conn.connection.cursor(), "BEGIN")


def _begin(cursor: Any, how: str) -> None:
    try:
        cursor.execute(how)
    except Exception as error:
        # A transaction that has begun already serves as well.
        if "within a transaction" not in str(error):
            raise


# -- what the outside may ask -----------------------------------------------------------------------------------------


async def fill(env: Any, levels: list[list[Any]]) -> None:
    """Put units on shelves: (product, location, units)."""
    models = importlib.import_module("stock.models")
    async with _app(env, REPLICAS - 1).state.sessions.begin() as session:
        known = set(await session.scalars(select(models.Product.id)))
        for product in dict.fromkeys(level[0] for level in levels):
            if product not in known:
                session.add(models.Product(id=product, name=f"Part {product}"))
        await session.flush()
        for product, location, units in levels:
            session.add(models.Level(product_id=product, location=location, on_hand=units))


async def order(env: Any, request_id: str, lines: list[list[Any]], location: str = "north", replica: int = 0) -> Any:
    """Order units: lines of (product, quantity)."""
    wanted = [{"product_id": product, "quantity": quantity} for product, quantity in lines]
    body = {"request_id": request_id, "location": location, "lines": wanted}
    return await _send(env, "POST", "/orders", body, replica)


async def restock(env: Any, product: str, quantity: int, location: str = "north", replica: int = 0) -> Any:
    """Put a delivery on a shelf."""
    body = {"product_id": product, "location": location, "quantity": quantity}
    return await _send(env, "POST", "/restocks", body, replica)


async def hold(env: Any, customer: str, product: str, quantity: int, location: str = "north", replica: int = 0) -> Any:
    """Set units aside."""
    body = {"customer_id": customer, "product_id": product, "location": location, "quantity": quantity}
    return await _send(env, "POST", "/holds", body, replica)


async def release(env: Any, hold_id: str, replica: int = 0) -> Any:
    """Give a hold back."""
    return await _send(env, "POST", f"/holds/{hold_id}/release", None, replica)


async def sweep(env: Any, replica: int = 0) -> Any:
    """Do what the scheduler does once a minute."""
    return await _send(env, "POST", "/holds/expired", None, replica)


async def transfer(env: Any, product: str, source: str, destination: str, quantity: int, replica: int = 0) -> Any:
    """Send units to another location."""
    body = {"product_id": product, "source": source, "destination": destination, "quantity": quantity}
    return await _send(env, "POST", "/transfers", body, replica)


async def shelves(env: Any, location: str = "north", query: str = "", replica: int = 0) -> Any:
    """Read the shelves of a location."""
    return await _send(env, "GET", f"/shelves/{location}{query}", None, replica)


async def levels(env: Any, product: str, replica: int = 0) -> Any:
    """Read the levels of a product."""
    return await _send(env, "GET", f"/levels/{product}", None, replica)


async def take_and_leave(env: Any, product: str, quantity: int, keep: bool, location: str = "north") -> None:
    """Take units as the returns service does: in a session of its own, which it commits or rolls back itself."""
    inventory = importlib.import_module("stock.inventory")
    async with _app(env, REPLICAS - 1).state.sessions() as session:
        await inventory.take(session, product, location, quantity)
        await (session.commit() if keep else session.rollback())


def clock(env: Any) -> float:
    """Seconds since the start, as in the log."""
    return float(time.monotonic() - env.state["began"])


async def in_use(env: Any, replica: int = 0) -> int:
    """Connections that are out of the pool now."""
    return int(_app(env, replica).state.engine.pool.checkedout())


async def meet_after_reading(env: Any, table: str, parties: int) -> None:
    """On a server: let as many readers of a table go on together; a request that ends without reading is not waited for."""
    env.state["barrier"] = barrier = Barrier(parties)

    def after(_conn: Any, _cursor: Any, sql: str, _parameters: Any, _context: Any, _many: bool) -> None:
        words = sql.lower().split()
        if words[:1] == ["select"] and ("from", table) in pairwise(words):
            await_only(barrier.wait())

    for app in env.state["apps"]:
        event.listen(app.state.engine.sync_engine, "after_cursor_execute", after)


def _app(env: Any, replica: int) -> Any:
    return env.state["apps"][replica % REPLICAS]


async def _send(env: Any, method: str, path: str, body: dict[str, Any] | None, replica: int) -> dict[str, Any]:
    transport = httpx.ASGITransport(app=_app(env, replica), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://stock") as client:
        reply = await client.request(method, path, json=body)
    if "barrier" in env.state:
        env.state["barrier"].count()
    with contextlib.suppress(ValueError):
        return {"status": reply.status_code, "body": reply.json()}
    return {"status": reply.status_code, "body": reply.text}
