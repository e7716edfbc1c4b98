"""Cells of SQL: what they print, how they fail, sessions that meet, and that nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cells import GONE_SECONDS, Notebook, failing, stopped_when

from reviewkit import doctor
from reviewkit.runtimes import postgres
from reviewkit.runtimes.node import CellError, CellStopped
from reviewkit.runtimes.sqltext import MOST_CHARACTERS, statements, table


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    yield notebook
    notebook.magics.close()


@pytest.fixture(scope="module")
def server() -> None:
    """Skips what needs a PostgreSQL server; in CI that is a failure."""
    if postgres.find_binaries() is None:
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)("no PostgreSQL; pip install '.[test]'")


# --- text ---------------------------------------------------------------------------------------------------------------
def texts(sql: str) -> list[str]:
    return [statement.text for statement in statements(sql)]


def test_a_cell_is_split_where_a_statement_ends() -> None:
    assert texts("select 1; select 2") == ["select 1", "select 2"]
    assert texts(";;\n -- nothing; here\n /* nor; /* here; */ */ ;") == []
    assert texts("select 'a;b', \"c;d\", 'it''s; fine'; select 2") == ["select 'a;b', \"c;d\", 'it''s; fine'", "select 2"]
    assert texts(r"select E'it\'s; fine'; select 2") == [r"select E'it\'s; fine'", "select 2"]
    assert texts("do $$ begin; end $$; do $x$ $$; $x$; select $1") == ["do $$ begin; end $$", "do $x$ $$; $x$", "select $1"]
    trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END"
    assert texts(f"{trigger}; select 3") == [trigger, "select 3"]
    assert texts("begin; commit; end") == ["begin", "commit", "end"]
    assert texts("select 'open; ever") == ["select 'open; ever"]
    assert [(s.text, s.line) for s in statements("-- head\nselect 1;\n\n/* x\n */ select\n 2")] == [("select 1", 2), ("select\n 2", 5)]


@given(st.text(alphabet="ab;'\"$-/*\n\\eE01 ", max_size=40))
def test_nothing_of_a_cell_is_lost(sql: str) -> None:
    """Whatever is typed: the statements stand in it in order, each on the line it names."""
    at = 0
    for statement in statements(sql):
        at = sql.index(statement.text, at)
        assert statement.text
        assert sql.count("\n", 0, at) + 1 == statement.line
        at += len(statement.text)


def test_rows_stand_under_their_names() -> None:
    shown = table(["id", "price", "name"], [(1, Decimal("2.50"), "größe"), (20, None, "漢字"), (3, 0.5, "a\nb\x1b[31m")])
    assert shown.splitlines() == [
        "id | price | name",
        "---+-------+---------",
        " 1 |  2.50 | größe",
        "20 |  NULL | 漢字",
        " 3 |   0.5 | a b\ufffd[31m",
        "(3 rows)",
    ]
    assert table(["x"], [], more=False) == "x\n-\n(0 rows)\n"
    assert table(["x"], [(True,), (b"\x00\xff",)]).splitlines()[2:] == ["true", "\\x00ff", "(2 rows)"]
    assert "the first 1 rows; --rows shows more" in table(["x"], [("y" * 999,)], more=True)
    assert max(map(len, table(["x"], [("y" * 999,), (b"z" * 999,)]).splitlines())) <= MOST_CHARACTERS + 3


# --- SQLite ---------------------------------------------------------------------------------------------------------------
def test_statements_run_in_order_until_one_fails(notebook: Notebook) -> None:
    """Rows, words for what has none; the error names cell and line, in the database's words; what ran before stays."""
    said = notebook.sql("", "create table shelf (product text primary key, n int);\ninsert into shelf values ('bolt', 3), ('nut;', 0);\nselect * from shelf")
    assert said.splitlines() == ["done", "2 rows changed", "product | n", "--------+--", "bolt    | 3", "nut;    | 0", "(2 rows)"]
    assert failing(notebook.sql, "", "insert into shelf values ('cog', 1);\n\n-- now\nselect nope from shelf;\nselect 1") == "cell [7]:4: no such column: nope"
    assert notebook.sql("--rows 1", "select count(*) as n from shelf; select product from shelf").splitlines()[2:] == [
        "3", "(1 row)", "product", "-------", "bolt", "(the first 1 rows; --rows shows more)",
    ]  # fmt: skip
    assert "UNIQUE constraint failed" in failing(notebook.sql, "", "insert into shelf values ('cog', 1)")


def test_a_session_keeps_its_transaction_between_cells(notebook: Notebook) -> None:
    notebook.sql("", "create table if not exists t (a int); insert into t values (1)")
    notebook.sql("--session two", "begin immediate; update t set a = 2")
    assert notebook.sql("", "select a from t").splitlines()[2] == "1"
    assert failing(notebook.sql, "", "update t set a = 3") == "cell [7]:1: database is locked"
    notebook.sql("--session two", "commit")
    assert notebook.sql("", "select a from t").splitlines()[2] == "2"


def test_no_statement_keeps_the_notebook_from_going_on(notebook: Notebook) -> None:
    """Endless, too large: each ends, the host goes on."""
    notebook.sql("", "select 1")
    before = notebook.magics.database.pid
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n"
    assert failing(notebook.sql, "--timeout 0.3", f"select 'first';\n{endless}").startswith("TimeLimit: cell [7] had not ended after 0.3 s")
    assert "MemoryError" in failing(notebook.sql, "", "select randomblob(900000000)")
    assert notebook.sql("", "select 1").splitlines()[2] == "1"
    assert notebook.magics.database.pid == before


def test_the_stop_button_stops_a_statement(notebook: Notebook) -> None:
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n"
    with stopped_when("on it"), pytest.raises(CellStopped):
        notebook.magics.sql("--timeout 300", f"select 'on it'; {endless}")
    assert notebook.sql("", "select 1").splitlines()[2] == "1"


def test_files_of_the_workspace(notebook: Notebook, tmp_path: Path) -> None:
    assert notebook.sql("sql/one.sql", "select 1;") == "sql/one.sql: written, 1 lines\n"
    assert (notebook.root / "sql" / "one.sql").read_text() == "select 1;\n"
    notebook.sql("--db shop.sqlite", "create table orders (id int)")
    assert (notebook.root / "shop.sqlite").is_file()
    assert failing(notebook.sql, "", "select * from orders") == "cell [7]:1: no such table: orders"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--db ../out.sqlite", "'../out.sqlite' is no file of the workspace."),
        ("--rows 0", "%%sql: --rows must be 1 or more."),
        ("--url sqlite:x", "%%sql: --url takes an address such as postgresql://"),
        ("--url postgresql://x --postgres", "%%sql: argument --postgres: not allowed with argument --url."),
        ("--url postgresql://x --db a", "%%sql: an address names its database;"),
        ("--db a --fresh", "%%sql: --fresh and --like go with --postgres --db NAME."),
        ("--postgres --fresh", "%%sql: --fresh goes with --db NAME, and --like with --fresh."),
        ("--postgres --db a --like b", "%%sql: --fresh goes with --db NAME, and --like with --fresh."),
        ("--postgres --db a --fresh --like a", "%%sql: --like names another database than the one that begins anew."),
        ("--postgres --db Shop;x", "%%sql: 'Shop;x' is no name for a database."),
        ("--postgres --db template1", "%%sql: 'template1' is kept for the server itself."),
        ("--postgres --db a --fresh --like made1", "%%sql: 'made1' is kept for the server itself."),
        (f"--postgres --db {'a' * 42}", f"%%sql: '{'a' * 42}' is no name for a database. Use small letters, digits and _, a letter first, at most 41 in all,"),
        ("--check", "%%sql: unrecognized arguments: --check."),
    ],
)
def test_wrong_use_is_one_line(notebook: Notebook, line: str, words: str) -> None:
    said = notebook.sql(line, "select 1")
    assert said.startswith(words)
    assert len(said.splitlines()) == 1


# --- PostgreSQL -----------------------------------------------------------------------------------------------------------
def test_a_real_server_with_sessions_that_meet(notebook: Notebook, server: None) -> None:
    """Types, notices, places of errors; a lock that another session holds; a lost update refused at a higher level."""
    said = notebook.sql("--postgres", "create table t (a int primary key, b numeric(8,2));\ninsert into t values (1, 2.50);\nselect t.*, array[1,2] as l from t")
    assert said.splitlines() == ["CREATE TABLE", "INSERT 0 1", "a |    b | l", "--+------+-------", "1 | 2.50 | [1, 2]", "(1 row)"]
    assert failing(notebook.sql, "--postgres", "select 1;\nselect\n  nope from t") == 'cell [7]:3: ERROR: column "nope" does not exist'
    assert failing(notebook.sql, "--postgres", "insert into t values (1, 0)").splitlines()[1] == "DETAIL: Key (a)=(1) already exists."
    level = "begin isolation level repeatable read; select b from t"
    notebook.sql("--postgres --session two", level)
    notebook.sql("--postgres --session three", level)
    notebook.sql("--postgres --session two", "update t set b = b + 1")
    assert failing(notebook.sql, "--postgres --session three --timeout 0.3", "update t set b = b + 1").startswith("TimeLimit")
    notebook.sql("--postgres --session two", "commit")
    notebook.sql("--postgres --session three", "rollback; " + level)
    notebook.sql("--postgres", "update t set b = 9")
    assert "could not serialize access" in failing(notebook.sql, "--postgres --session three", "update t set b = b + 1")
    notebook.sql("--postgres --session three", "rollback")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_a_connection_or_a_server_that_has_ended_is_replaced_with_the_next_cell(notebook: Notebook, server: None) -> None:
    said = failing(notebook.sql, "--postgres", "select pg_terminate_backend(pg_backend_pid())")
    assert said.startswith("cell [7]:1: ")
    assert said.endswith(". The next cell opens a fresh connection."), said
    backend = int(notebook.sql("--postgres", "select pg_backend_pid() as pid").splitlines()[2])
    gone = os.pidfd_open(backend)
    os.kill(int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
    assert select.select([gone], [], [], 60)[0]
    os.close(gone)
    with contextlib.suppress(CellError):  # whether the host has heard of it yet
        notebook.sql("--postgres", "select 1 as one")
    assert notebook.sql("--postgres", "select 2 as two").splitlines()[2].strip() == "2"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_a_host_that_died_between_two_cells_leaves_no_server(notebook: Notebook, server: None) -> None:
    """The next cell ends what it had started, and removes its folder."""
    backend = int(notebook.sql("--postgres", "select pg_backend_pid() as pid").splitlines()[2])
    postmaster = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    folder = Path(f"/proc/{postmaster}/cwd").readlink().parents[1]
    host, there = notebook.magics.database.pid, os.pidfd_open(postmaster)
    assert host is not None
    ended = os.pidfd_open(host)
    os.kill(host, signal.SIGKILL)
    assert select.select([ended], [], [], 60)[0]
    assert notebook.sql("", "select 2 as two").splitlines()[2].strip() == "2"
    assert select.select([there], [], [], GONE_SECONDS)[0], "the server is still there"
    assert folder.name.startswith("reviewkit-sql-")
    assert not folder.exists()
    os.close(ended)
    os.close(there)


def test_a_server_that_is_not_there_is_one_line(notebook: Notebook) -> None:
    said = failing(notebook.sql, "--url postgresql://nobody@127.0.0.1:1/nothing", "select 1")
    assert said.startswith("PostgreSQL cannot be reached (")
    assert len(said.splitlines()) == 1


KERNEL = """
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.sql("--postgres", "select pg_backend_pid() as pid")
print(magics.database.pid, flush=True)
magics.sql("--postgres --timeout 600", "select pg_sleep(600)")
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_nothing_outlives_a_killed_kernel(server: None) -> None:
    """Killed while a statement runs: the host, the server and their folder are gone."""
    environment = {**os.environ, "TMPDIR": "/tmp"}  # where the server's own user gets, too
    with subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        lines = [kernel.stdout.readline() for _ in range(5)]
        fds = [os.pidfd_open(int(lines[2])), os.pidfd_open(int(lines[4]))]
        (folder,) = Path("/tmp").glob(f"reviewkit-sql-{kernel.pid}-*")
        kernel.kill()
        for fd in fds:
            assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
            os.close(fd)
    assert not folder.exists()


FORKING = """
import os, signal
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.sql("--postgres", "select pg_backend_pid() as pid")
child = os.fork()
if child == 0:
    signal.pause()
print(magics.database.pid, child, flush=True)
signal.pause()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_a_process_forked_off_the_kernel_keeps_no_host(server: None) -> None:
    """As `multiprocessing` leaves them behind; it has the pipe that the host reads from."""
    environment = {**os.environ, "TMPDIR": "/tmp"}
    with subprocess.Popen([sys.executable, "-c", FORKING], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        host, child = map(int, [kernel.stdout.readline() for _ in range(5)][4].split())
        gone = os.pidfd_open(host)
        (folder,) = Path("/tmp").glob(f"reviewkit-sql-{kernel.pid}-*")
        kernel.kill()
        try:
            assert select.select([gone], [], [], GONE_SECONDS)[0], "still there"
        finally:
            os.kill(child, signal.SIGKILL)
            os.close(gone)
    assert not folder.exists()


STARTING = """
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.sql("", "create table t (a int)")
print(magics.database.pid, flush=True)
magics.sql("--postgres", "select 1")
"""


def processes_in(folder: Path) -> list[str]:
    """Processes whose working folder lies, or lay, below one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((process / "cwd").readlink()).startswith(str(folder)):
                found.append(process.name)
    return found


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_nothing_outlives_a_kernel_that_is_killed_while_the_server_starts(server: None) -> None:
    environment = {**os.environ, "TMPDIR": "/tmp"}
    with subprocess.Popen([sys.executable, "-c", STARTING], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        host = os.pidfd_open(int([kernel.stdout.readline() for _ in range(2)][1]))
        (folder,) = Path("/tmp").glob(f"reviewkit-sql-{kernel.pid}-*")
        while not (folder / "postgres" / "data").exists():
            assert kernel.poll() is None
        kernel.kill()
        assert select.select([host], [], [], 60)[0], "still there"
        os.close(host)
    assert not folder.exists()
    assert processes_in(folder) == []


def test_without_postgresql_the_cell_and_doctor_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_PG_BIN", str(tmp_path))
    notebook = Notebook(tmp_path)
    try:
        said = notebook.sql("--postgres", "select 1")
        assert notebook.sql("", "select 1").splitlines()[2] == "1"
    finally:
        notebook.magics.close()
    assert said == f"{tmp_path}: there is no PostgreSQL (REVIEWKIT_PG_BIN). Name its folder of binaries, with initdb in it.\n"
    (line,) = [str(part) for part in doctor.examine() if part.name == "SQL cells"]
    assert str(tmp_path) in line
