"""The harness observes from outside: what a guest reaches, how it is held, what its answers may be."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reviewkit.guest.database import Connection
from reviewkit.guest.plain import NotPlainError, plain
from reviewkit.harness import HANG, Answer, Calls, HttpCall, LoadError, Reply, Stage, Tree, World
from reviewkit.harness.gate import STEP_SECONDS, Gate
from reviewkit.harness.local import LocalLauncher
from reviewkit.harness.standing import Standing

SHOP = """
import asyncio, httpx, sqlite3
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

async def ask(blocking):
    if blocking:
        return httpx.post("https://gateway.test/charge", json={"n": 1}).status_code
    async with httpx.AsyncClient() as client:
        return (await client.post("https://gateway.test/charge", json={"n": 1})).status_code
"""
DRIVER = """
import asyncio, httpx, sqlite3
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from shop import ask as charge

async def setup(env):
    env.state["engine"] = create_async_engine(env.database_url("main"))

async def ask(env, blocking): return await charge(blocking)
async def patient(env): return httpx.get("https://silent.test/", timeout=None).status_code
async def impatient(env): return httpx.get("https://silent.test/", timeout=3).status_code
async def nowhere(env):
    async with httpx.AsyncClient() as client: return (await client.get("https://nowhere.test/")).status_code
async def take(env):
    async with env.state["engine"].begin() as c:
        left = (await c.execute(text("SELECT qty FROM stock"))).scalar_one()
        await c.execute(text("UPDATE stock SET qty = :q"), {"q": left - 1})
async def sync_sum(env):
    engine = create_engine(env.sync_database_url("main"))
    with engine.connect() as c: return c.execute(text("SELECT sum(qty) FROM stock")).scalar_one()
async def enum_parameter(env):
    import enum
    class Sku(str, enum.Enum): A = "A"
    return sqlite3.connect("world:main").execute("SELECT qty FROM stock WHERE sku = ?", (Sku.A,)).fetchall()
async def flood(env):
    return sqlite3.connect("world:main").execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
        "SELECT replace(hex(i + 10000000) || printf('%090000d', i), '0', 'x') FROM n").fetchall()
async def attach(env):
    sqlite3.connect("world:main").execute("ATTACH '/tmp/x.db' AS other")
async def tell(env): env.emit("seen", {"n": 1}); env.log_processor
async def strange(env): return object()
async def subclass(env):
    class Yes(int): pass
    return Yes(1)
async def boom(env): raise KeyError("sku")
async def log(env):
    import structlog
    structlog.configure(processors=[env.log_processor])
    structlog.get_logger().info("order.paid", order="o-1")
"""
SCHEMA = "CREATE TABLE stock (sku TEXT, qty INTEGER)"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / "tree").mkdir()
    (tmp_path / "harness").mkdir()
    (tmp_path / "tree" / "shop.py").write_text(SHOP, "utf-8")
    (tmp_path / "harness" / "driver.py").write_text(DRIVER, "utf-8")
    return Stage(Tree(tmp_path / "tree"), tmp_path, ("shop",), (), LocalLauncher())


def world() -> World:
    made = World()
    made.database("main", SCHEMA, rows=[("INSERT INTO stock VALUES (?, ?)", ("A", 10))])

    async def silent(_call: HttpCall) -> Any:
        return HANG

    made.http("silent.test", silent)
    return made


def run(stage: Stage, made: World, work: Callable[[Calls], Coroutine[Any, Any, Any]]) -> Any:
    async def inside() -> Any:
        async with stage.open(made) as job:
            return await work(job)

    return asyncio.run(inside())


@pytest.mark.parametrize(("blocking", "together", "patience"), [(True, 1, 0.5), (False, 4, 60)])
def test_a_gate_counts_what_overlaps(stage: Stage, blocking: bool, together: int, patience: float) -> None:
    """A synchronous call holds the guest's loop: only one reaches the gateway while it waits."""
    made = world()
    gate = made.gate(4, patience)  # long where only a failure waits for it

    async def charge(_call: HttpCall) -> Reply:
        await gate.wait()
        return Reply(200, json={})

    made.http("gateway.test", charge)
    answers = run(stage, made, lambda job: job.gather([("ask", {"blocking": blocking})] * 4))
    assert [a.value for a in answers] == [200] * 4
    assert gate.arrived == together
    assert {c.sync for c in made.calls} == {blocking}


def test_a_gate_does_not_count_while_others_have_the_processor() -> None:
    """Ten steps in which the guest had no processor, then patience of two steps: the gate opens after the twelfth."""
    looks: list[float] = []

    def waited() -> float:
        looks.append(min(len(looks), 20) * 0.04)  # looked at twice a step: at its begin and at its end
        return looks[-1]

    gate = Gate(2, patience=2 * STEP_SECONDS, waited=waited)
    asyncio.run(asyncio.wait_for(gate.wait(), 60))
    assert gate.arrived == 1
    assert len(looks) >= 2 * (10 + 2)


def test_a_world_asks_its_guests_launcher_how_long_it_waited() -> None:
    made = World()
    gate = made.gate(2, patience=2 * STEP_SECONDS)
    looks: list[int] = []
    made.guest_waited = lambda: float(looks.append(1) or 0)
    asyncio.run(asyncio.wait_for(gate.wait(), 60))
    assert looks


def test_a_held_select_forces_the_lost_update(stage: Stage) -> None:
    """Every reader is held until all have read: the race happens on each run."""
    made = world()
    db = made.db()
    db.hold(made.gate(3), lambda sql: sql.startswith("SELECT"))
    answers = run(stage, made, lambda job: job.gather([("take", {})] * 3))
    assert all(a.ok for a in answers)
    assert db.rows("SELECT qty FROM stock") == [(9,)]
    assert [s.sql for s in db.statements].count("COMMIT") == 3


def test_a_hanging_service_times_out_only_where_a_time_out_is_set(stage: Stage) -> None:
    async def work(job: Calls) -> list[Answer]:
        return [await job.call("impatient"), await job.call("patient", timeout=0.5)]

    fast, slow = run(stage, world(), work)
    assert (fast.error, slow.error) == ("ReadTimeout", "TimeLimit")


def test_an_unknown_host_refuses(stage: Stage) -> None:
    assert run(stage, world(), lambda job: job.call("nowhere")).error == "ConnectError"


def test_synchronous_engines_reach_the_same_database(stage: Stage) -> None:
    assert run(stage, world(), lambda job: job.call("sync_sum")).value == 10


def test_enum_members_are_bound_as_their_base_type(stage: Stage) -> None:
    assert run(stage, world(), lambda job: job.call("enum_parameter")).value == [(10,)]


class Answering:
    """A channel that notes what is asked, and answers or refuses as it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.replies: list[dict[str, Any] | None] = []

    def request_sync(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(op)
        reply = self.replies.pop(0) if self.replies else {}
        if reply is None:
            raise RuntimeError("refused")
        return {"connection": 1, "columns": [], "rows": [], "rowcount": -1, "lastrowid": None, "in_transaction": False, **reply}


def test_the_end_of_a_transaction_is_asked_for_unless_there_certainly_is_none() -> None:
    channel: Any = Answering()
    connection = Connection(channel, "main", {})
    connection.rollback()
    channel.replies = [{"in_transaction": True}]
    connection.execute("INSERT INTO stock VALUES ('A', 1)")
    connection.rollback()
    connection.commit()
    channel.replies = [None]
    with pytest.raises(RuntimeError):
        connection.execute("INSERT INTO stock VALUES ('A', 1)")
    connection.rollback()  # whether the transaction began, nobody said
    assert channel.asked == ["db.connect", "db.execute", "db.rollback", "db.execute", "db.rollback"]
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.rollback()


def test_a_flood_of_rows_is_refused(stage: Stage) -> None:
    assert run(stage, world(), lambda job: job.call("flood")).error == "DataError"


def test_the_guests_sql_cannot_leave_its_database(stage: Stage) -> None:
    assert run(stage, world(), lambda job: job.call("attach")).error == "DatabaseError"


def test_facts_and_log_events_come_out(stage: Stage) -> None:
    made = world()

    async def work(job: Calls) -> None:
        await job.call("tell")
        await job.call("log")

    run(stage, made, work)
    assert made.facts == [("seen", {"n": 1})]
    assert made.logs == [{"event": "order.paid", "order": "o-1"}]


@pytest.mark.parametrize(
    ("name", "error"),
    [("strange", "NotPlainError"), ("subclass", "NotPlainError"), ("boom", "KeyError"), ("setup_", "LookupError")],
)
def test_errors_come_back_as_data(stage: Stage, name: str, error: str) -> None:
    assert run(stage, world(), lambda job: job.call(name)).error == error


def test_a_tree_that_does_not_import_is_a_load_error(stage: Stage) -> None:
    (stage.tree.root / "shop.py").write_text("import nothing_of_this_name", "utf-8")
    with pytest.raises(LoadError, match="ModuleNotFoundError"):
        run(stage, world(), lambda job: job.call("ask", blocking=False))


def test_the_process_is_left_as_it_was(stage: Stage) -> None:
    """Modules, path, sqlite3 and bytecode flag are the caller's again, and no cache lies in the tree."""
    before = (list(sys.path), sqlite3.connect, sys.dont_write_bytecode)
    run(stage, world(), lambda job: job.call("sync_sum"))
    assert (list(sys.path), sqlite3.connect, sys.dont_write_bytecode) == before
    assert "shop" not in sys.modules
    assert stage.tree.files() == ("shop.py",)


def test_plain_refuses_depth_and_keys() -> None:
    nested: Any = []
    for _ in range(60):
        nested = [nested]
    for value in (nested, {1: 2}, {"a": {3}}):
        with pytest.raises(NotPlainError):
            plain(value)
    assert plain({"a": [1, 2.5, None, b"x", (True,)]}) == {"a": [1, 2.5, None, b"x", (True,)]}


def test_a_connection_that_a_guest_left_open_says_nothing_when_it_is_collected(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else fails while it is collected is still said."""
    said: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(str(unraisable.exc_value)))
    run(stage, world(), lambda job: job.call("subclass"))
    for module in ("sqlalchemy.pool.base", "shop"):
        names: dict[str, Any] = {"__name__": module}
        exec(f"class Left:\n    def __del__(self):\n        raise RuntimeError({module!r})", names)  # noqa: S102 - ours
        names.pop("Left")()
    assert said == ["shop"]


@dataclass(frozen=True)
class Kit:
    world: World


def test_items_of_a_suite_share_a_guest_where_one_is_kept(stage: Stage) -> None:
    """Without a place to keep them each has its own, as hidden checks have; a driver's error ends no guest."""
    made: list[World] = []

    def make() -> Kit:
        made.append(world())
        return Kit(made[-1])

    async def items(on: Stage) -> list[tuple[Kit, Any, int]]:
        found = []
        for name in ("take", "boom", "take"):
            async with on.common(make) as (job, kit):
                found.append((kit, (await job.call(name)).error, kit.world.db().rows("SELECT qty FROM stock")[0][0]))
        return found

    async def kept() -> list[tuple[Kit, Any, int]]:
        async with Standing() as standing:
            return await items(replace(stage, standing=standing))

    together = asyncio.run(kept())
    assert [item[1:] for item in together] == [(None, 9), ("KeyError", 9), (None, 8)]
    assert len({id(item[0]) for item in together}) == 1 == len(made)
    apart = asyncio.run(items(stage))
    assert [item[1:] for item in apart] == [(None, 9), ("KeyError", 10), (None, 9)]
