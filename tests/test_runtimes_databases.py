"""Databases of the kernel's own PostgreSQL server: by name, begun anew, as copies; for cells of each language and for probes."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from made_cells import Notebook, failing

from reviewkit import gate, proving, workbook
from reviewkit.bank import find_bank
from reviewkit.errors import UsageError
from reviewkit.guest.check import BlindStage
from reviewkit.harness.results import check
from reviewkit.runtimes import java as javahost
from reviewkit.runtimes import postgres
from reviewkit.runtimes.node import CellError, CellStopped
from reviewkit.runtimes.sqlserver import OwnServer
from reviewkit.workbook import Workbook

RUNS = 20
STOCK = "create table stock (product text primary key, n int); insert into stock values ('bolt', 10)"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    if postgres.find_binaries() is None:
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)("no PostgreSQL; pip install '.[test]'")
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    yield notebook
    notebook.magics.close()


@pytest.fixture
def shop(notebook: Notebook) -> Notebook:
    """With a database `shop` that holds ten bolts."""
    notebook.sql("--postgres --db shop --fresh", STOCK)
    return notebook


def values(notebook: Notebook, line: str, sql: str) -> list[str]:
    """Rows of one column, of a database of the own server."""
    return [row.strip() for row in notebook.sql(f"--postgres {line}", sql).splitlines()[2:-1]]


async def asked(url: str, *statements: str) -> Any:
    """The value that the last of these gives."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def test_a_database_by_name_is_one_of_its_own_and_begins_anew(shop: Notebook) -> None:
    """Apart from others, also where SQL has the name for something else; sessions of one that begins anew begin anew, others stay."""
    shop.sql("--postgres --db order --fresh", "create table stock (x int)")
    assert values(shop, "--db shop", "select n from stock") == ["10"]
    assert values(shop, "--db order", "select current_database()") == ["order"]
    before = values(shop, "--db order", "select pg_backend_pid()")
    shop.sql("--postgres --db shop --session two", "begin; update stock set n = 9")
    assert values(shop, "--db shop --fresh", "select count(*) from pg_tables where tablename = 'stock'") == ["0"]
    assert failing(shop.sql, "--postgres --db shop --session two", "select n from stock") == 'cell [7]:1: ERROR: relation "stock" does not exist'
    assert values(shop, "--db order", "select pg_backend_pid()") == before


def test_a_fresh_database_is_a_copy_of_another(shop: Notebook) -> None:
    """As often as it is asked for, also while somebody is connected with either."""
    held = asyncio.new_event_loop()
    connections = [held.run_until_complete(asyncpg.connect(shop.magics.sql_url(name))) for name in ("shop", "run --fresh --like shop")]
    for _ in range(2):
        assert values(shop, "--db run --fresh --like shop", "select n from stock") == ["10"]
        shop.sql("--postgres --db run", "update stock set n = 0")
    assert values(shop, "--db shop", "select n from stock") == ["10"]
    for connection in connections:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            held.run_until_complete(connection.fetchval("select 1"))
        connection.terminate()
    held.close()
    assert failing(shop.sql, "--postgres --db run --fresh --like nope", "select 1").startswith("There is no database nope to copy. Make it first: ")
    assert values(shop, "--db run", "select n from stock") == ["0"], "what cannot be replaced stays"


def test_what_is_replaced_goes_and_one_is_at_hand(notebook: Notebook) -> None:
    """However often a database begins anew, the server holds it, one to come and what is just being dropped."""

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)  # where the server's own user gets, too

    async def work() -> list[str]:
        server = OwnServer(folder / "server")
        try:
            for like in ("", "", "one", "one", "one"):
                await server.url("two" if like else "one", fresh=True, like=like)
            await server.url("two", fresh=True)  # waits for what is at hand, and that for what is dropped
            rows = await asyncpg.connect(await server.url("one"))
            names = [row["datname"] for row in await rows.fetch("SELECT datname FROM pg_database WHERE NOT datistemplate")]
            await rows.close()
            return [name.rstrip("0123456789") for name in sorted(names)]
        finally:
            server.end()

    names = asyncio.run(work())
    assert {"one", "two", "postgres"} <= set(names)
    assert len(names) <= 5, names
    folder.rmdir()  # with nothing left in it


def test_who_is_stopped_while_the_server_starts_finds_it_with_the_next_cell(notebook: Notebook) -> None:
    """One start for all who ask, which nobody's stop ends; one that is closed meanwhile leaves nothing."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    place = folder / "server"

    async def begun(server: OwnServer) -> None:
        asking = asyncio.create_task(server.url("one"))
        while not (place / "data").exists():  # noqa: ASYNC110 - a folder tells nobody
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    async def next_asks() -> str:
        server = OwnServer(place)
        try:
            await begun(server)
            return str(await asked(await server.url("one"), "select 1", "select current_database()"))
        finally:
            await server.close()

    async def closes() -> None:
        server = OwnServer(place)
        await begun(server)
        await server.close()

    assert asyncio.run(next_asks()) == "one"
    asyncio.run(closes())
    folder.rmdir()  # with nothing left in it


@pytest.mark.parametrize("said", ["PGSSLMODE=require", "PGSSLMODE=verify-full", "PGTARGETSESSIONATTRS=standby"])
def test_what_an_environment_says_of_other_servers_is_not_about_ours(notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Of the one that setup tries out, and of the kernel's."""
    monkeypatch.setenv(*said.split("="))
    found = postgres.find_binaries()
    assert found is not None
    postgres.try_out(found)
    own = Notebook(tmp_path)
    try:
        assert values(own, "--db shop --fresh", "select current_database()") == ["shop"]
    finally:
        own.magics.close()


def test_cells_of_python_get_its_address(shop: Notebook) -> None:
    """On this machine alone; a lost update of two transactions, by a gate, shows in 20 runs of 20, and one statement loses none."""
    lost, kept = "update stock set n = $1", "update stock set n = n - 1"

    url = shop.magics.sql_url("run --fresh --like shop")

    async def left(statement: str) -> int:
        await asked(url, "update stock set n = 10", "select 1")
        together = gate(2, patience=60)

        async def take() -> None:
            connection = await asyncpg.connect(url)
            async with connection.transaction():
                n = await connection.fetchval("select n from stock")
                await together.arrive_async()
                await connection.execute(statement, *([n - 1] if "$1" in statement else []))
            await connection.close()

        await asyncio.gather(take(), take())
        return int(await asked(url, "select n from stock"))

    assert {asyncio.run(left(lost)) for _ in range(RUNS)} == {9}
    assert asyncio.run(left(kept)) == 8
    assert urlsplit(shop.magics.sql_url("shop")).hostname == "127.0.0.1"
    for line in ("", "Shop", "shop --like run", "shop --nope"):
        with pytest.raises(CellError, match=r"^%sql_url: [^\n]+$"):
            shop.magics.sql_url(line)


def test_a_stopped_cell_of_python_says_so_in_a_line(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(notebook.magics.database, "url", interrupted)
    with pytest.raises(CellStopped):
        notebook.magics.sql_url("shop")


@pytest.mark.java
def test_cells_of_java_reach_it_by_jdbc(shop: Notebook) -> None:
    """By a property, which is the cell's alone; the driver is among the jars of Spring Boot."""
    if not javahost.libraries():
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)("no Spring Boot; reviewkit setup java")
    cell = """import java.sql.*;
try (var c = DriverManager.getConnection(System.getProperty("DATABASE_URL")); var s = c.createStatement()) {
  s.executeUpdate("update stock set n = n - 3");
  var rows = s.executeQuery("select current_database() || n from stock");
  rows.next();
  System.out.println(rows.getString(1));
}"""
    assert shop.java("--db shop", cell) == ("shop7\n", "")
    assert shop.java("--db run --fresh --like shop", cell) == ("run4\n", "")
    assert shop.java("", 'System.out.println(System.getProperty("DATABASE_URL"));') == ("null\n", "")
    assert values(shop, "--db shop", "select n from stock") == ["7"]


ASKS_TS = """
import { connect } from 'node:net';
const { hostname, port, pathname } = new URL(process.env.DATABASE_URL!);
const socket = connect(Number(port), hostname).on('data', (said) => { console.log(pathname, said.toString()); socket.end(); });
socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
"""
ASKS_ELIXIR = """
url = URI.parse(System.get_env("DATABASE_URL"))
{:ok, socket} = :gen_tcp.connect(String.to_charlist(url.host), url.port, [:binary, active: false])
:ok = :gen_tcp.send(socket, <<8::32, 80877103::32>>)
{:ok, said} = :gen_tcp.recv(socket, 1)
IO.puts(url.path <> " " <> said)
"""


@pytest.mark.node
def test_cells_of_typescript_get_its_address(shop: Notebook) -> None:
    """No driver is among the packages: the server is asked whether it wants TLS, and answers as PostgreSQL does that wants none."""
    assert shop.ts("--db shop", ASKS_TS) == ("/shop N\n", "")
    shop.ts("--session s --db run --fresh", "const first = 1;")
    assert shop.ts("--session s", "new URL(process.env.DATABASE_URL!).pathname") == ("'/run'\n", "")
    assert shop.ts("src/x.ts --db shop", "1")[0] == "%%ts: --db goes with a cell that runs.\n"


@pytest.mark.elixir
def test_cells_of_elixir_get_its_address(shop: Notebook) -> None:
    assert shop.elixir("--db shop", ASKS_ELIXIR) == ("/shop N\n", "")
    assert shop.elixir("", 'IO.puts(URI.parse(System.get_env("DATABASE_URL")).path)') == ("/shop\n", "")


def test_a_probe_gets_a_fresh_database_that_cells_find_afterwards(notebook: Notebook) -> None:
    """In a workbook it is one of the kernel's server; evidence, which runs again in a sandbox, has none."""
    book = Workbook()
    book.start("checkout")
    with pytest.raises(LookupError, match="has no PostgreSQL"):
        asyncio.run(book.stage().postgres())
    book.cells = notebook.magics
    stage = book.stage("head")
    for _ in range(2):
        assert asyncio.run(asked(asyncio.run(stage.postgres("orders")), "create table paid (id int)", "select count(*) from paid")) == 0
    assert values(notebook, "--db orders", "select tablename from pg_tables where schemaname = 'public'") == ["paid"]
    for wrong in ("Orders", "", "template1", "a" * 64):  # a cell could not look at these, or they are the server's
        with pytest.raises(UsageError, match=r"PostgreSQL: '.*' is (no name for a database|kept for the server itself)"):
            asyncio.run(stage.postgres(wrong))
    blind = BlindStage(stage.tree, stage.scenario, stage.modules, stage.packages, stage.launcher)
    with pytest.raises(LookupError):
        asyncio.run(blind.postgres())


def test_the_proof_of_a_bank_has_a_server_that_goes_with_it(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all but hidden checks, whose code reaches none in the sandbox."""
    entry = find_bank().entry("checkout")

    async def suite(stage: Any, *_rest: Any) -> Any:
        url = await stage.postgres("orders")
        return url, await asked(url, "select current_database()")

    monkeypatch.setattr(proving, "_suite", suite)
    url, name = asyncio.run(proving.run_suite(entry, entry.folder / "head", "probes"))
    assert name == "orders"
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asked(url, "select 1"))
    with pytest.raises(LookupError):
        asyncio.run(proving.run_suite(entry, entry.folder / "head", "checks"))


def test_without_postgresql_a_cell_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_PG_BIN", str(tmp_path))
    notebook = Notebook(tmp_path)
    said = f"{tmp_path}: there is no PostgreSQL (REVIEWKIT_PG_BIN). Name its folder of binaries, with initdb in it."
    try:
        with pytest.raises(CellError) as caught:
            notebook.magics.sql_url("shop")
        assert str(caught.value) == said
        assert notebook.java("--db shop", "") == (f"{said}\n", "")
    finally:
        notebook.magics.close()


def test_a_probe_without_postgresql_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REVIEWKIT_PG_BIN", str(tmp_path))
    book, notebook = Workbook(), Notebook(tmp_path)
    book.start("checkout")
    book.cells = notebook.magics
    monkeypatch.setattr(book, "_form", lambda *_: None)
    monkeypatch.setattr(workbook, "load_module", lambda _file: SimpleNamespace(run=lambda stage: stage.postgres("orders")))
    capsys.readouterr()
    try:
        asyncio.run(book.probe(book.entry.scenario.probes[0].id))
    finally:
        notebook.magics.close()
    assert capsys.readouterr().out == f"{tmp_path}: there is no PostgreSQL (REVIEWKIT_PG_BIN). Name its folder of binaries, with initdb in it.\n"


def test_public_checks_without_postgresql_say_so_and_fail_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What this machine lacks is recorded as no outcome of the candidate's code."""
    monkeypatch.setenv("REVIEWKIT_PG_BIN", str(tmp_path))
    book, notebook = Workbook(), Notebook(tmp_path)
    book.start("checkout")
    book.cells = notebook.magics
    recorded: list[str] = []
    monkeypatch.setattr(book, "_form", lambda *_: None)
    monkeypatch.setattr(book, "record", lambda kind, _data: recorded.append(kind))

    @check("asks-for-one", "Asks for a database")
    async def asks(stage: Any, _rng: Any) -> Any:
        return await stage.postgres("orders")

    monkeypatch.setattr(workbook, "load_module", lambda _file: SimpleNamespace(asks=asks))
    exercise = next(item for item in book.entry.scenario.exercises if item.public_checks)
    capsys.readouterr()
    try:
        asyncio.run(book.check(exercise.id))
    finally:
        notebook.magics.close()
    assert capsys.readouterr().out == f"{tmp_path}: there is no PostgreSQL (REVIEWKIT_PG_BIN). Name its folder of binaries, with initdb in it.\n"
    assert recorded == []


def test_a_second_start_keeps_what_cells_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hosts of a kernel, and with them its databases; another kernel's shell has its own."""
    shells = [SimpleNamespace(register_magic_function=lambda *_: None) for _ in range(2)]
    monkeypatch.setattr(workbook.rk, "cells", None)
    seen = []
    for shell in (shells[0], shells[0], shells[1]):
        monkeypatch.setattr("IPython.get_ipython", lambda shell=shell: shell)
        workbook.register_magics()
        seen.append(workbook.rk.cells)
    assert seen[0] is seen[1]
    assert seen[0] is not seen[2]
