"""What a guest's statements and schema may cost the process that runs them; each of these cost it everything once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewkit.harness import bounds
from reviewkit.harness.database import Database

ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) AS amount FROM c"
FULL = ("out of memory", "database or disk is full")
_STEP = ", a{next} AS (SELECT p.x FROM a{last} p, a{last} q LIMIT 1)"
DOUBLING = "WITH a0 AS (SELECT 1 x){steps} SELECT * FROM a39".replace(
    "{steps}", "".join(_STEP.format(next=n, last=n - 1) for n in range(1, 40))
)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "kept.sqlite", "CREATE TABLE kept (amount INTEGER)", [("INSERT INTO kept VALUES (?)", (7,))])
    yield made
    made.close()


def said(kept: Database, *statements: str) -> dict[str, Any]:
    """What the last statement of a guest's connection came to."""

    async def ask() -> dict[str, Any]:
        number = kept.connect(None)
        reply: dict[str, Any] = {}
        for sql in statements:
            reply = await kept.ask(number, "execute", {"sql": sql, "parameters": []})
        await kept.ask(number, "close", {})
        return reply

    return asyncio.run(ask())


def test_a_view_in_place_of_a_table_ends(kept: Database) -> None:
    """The parent looks at what a guest made of a table, while it is open and afterwards."""
    assert "error" not in said(kept, "DROP TABLE kept", f"CREATE VIEW kept AS {ENDLESS}")
    for _ in range(2):
        kept._own_left = 0.1
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            kept.rows("SELECT amount FROM kept")
        kept.close()


def test_looking_has_one_time_for_all(kept: Database) -> None:
    """A check that looks again and again gets no new time for each look."""
    said(kept, f"CREATE VIEW other AS {ENDLESS}")
    kept._own_left = 0.1
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            kept.rows("SELECT amount FROM other")
    assert kept._own_left <= 0


def test_a_trigger_of_a_guest_ends(kept: Database) -> None:
    said(kept, f"CREATE TRIGGER t AFTER UPDATE ON kept BEGIN INSERT INTO kept {ENDLESS}; END")
    kept._own_left = 0.1
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        kept.run("UPDATE kept SET amount = 8")


def test_a_view_has_no_endless_rows(kept: Database) -> None:
    said(kept, "CREATE VIEW many AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c")
    with pytest.raises(sqlite3.DataError, match="more than 100000 rows"):
        kept.rows("SELECT n FROM many")


def test_subqueries_that_double_run_out_of_memory(kept: Database) -> None:
    """SQLite reads 2^39 of them before it looks at any clock."""
    assert said(kept, DOUBLING)["message"] == "out of memory"
    assert said(kept, "SELECT amount FROM kept")["rows"] == [(7,)]


def test_temporary_tables_stay_out_of_files(kept: Database) -> None:
    """They would fill the disk: nothing but the database itself counts their pages."""
    rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 60) SELECT printf('%.*c', 90000, 'x') AS x FROM c"

    async def ask() -> dict[str, Any]:
        number = kept.connect(None)
        return await kept.ask(number, "execute", {"sql": f"CREATE TEMP TABLE t AS {rows}", "parameters": []})

    assert "error" not in asyncio.run(ask())
    opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [path for path in opened if "etilqs" in path]
    assert said(kept, f"CREATE TEMP TABLE t AS {rows.replace('60', '6000')}")["message"] in FULL


@pytest.mark.parametrize("dear", ["instr(x, y)", "replace(x, y, 'z')", "x LIKE y", "trim(x, y)", "json_extract(x, y)"])
def test_dear_functions_are_counted(kept: Database, dear: str) -> None:
    """Between two looks at the clock SQLite may call as many functions as a statement names."""
    texts = "FROM (SELECT 'aa' AS x, 'a' AS y)"
    assert "not authorized" in said(kept, f"SELECT {', '.join([dear] * 30)} {texts}")["message"]
    assert "not authorized" not in said(kept, f"SELECT {', '.join([dear] * 10)} {texts}").get("message", "")


def test_a_text_has_a_length(kept: Database) -> None:
    assert said(kept, "SELECT length(printf('%.*c', 90000, 'x'))")["rows"] == [(90000,)]
    assert said(kept, "SELECT 'x' || printf('%.*c', 99000, 'x') || printf('%.*c', 99000, 'x')")["errorname"] == "SQLITE_TOOBIG"


@pytest.mark.parametrize(
    ("call", "trimmed"),
    [
        ("trim('xyaxy', 'yx')", "a"), ("ltrim('xyaxy', 'yx')", "axy"), ("rtrim('xyaxy', 'yx')", "xya"), ("trim('xx', 'x')", ""),
        ("trim(NULL, 'x')", None), ("trim('x', NULL)", None), ("trim(' a ')", "a"), ("trim(11211, 1)", "2"), ("trim('axa', '')", "axa"),
    ],
)  # fmt: skip
def test_trimming_is_as_in_sqlite(kept: Database, call: str, trimmed: str | None) -> None:
    assert said(kept, f"SELECT {call}")["rows"] == [(trimmed,)] == sqlite3.connect(":memory:").execute(f"SELECT {call}").fetchall()


def test_answers_that_nobody_takes_are_bounded(kept: Database) -> None:
    """While the loop does not run, threads go on reading rows for it."""
    rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 40) SELECT printf('%.*c', 99000, 'x') FROM c"

    async def ask() -> list[dict[str, Any]]:
        number = kept.connect(None)
        at_once = [kept.ask(number, "execute", {"sql": rows, "parameters": []}) for _ in range(3)]
        return [*await asyncio.gather(*at_once)]

    assert all("rows" in reply for reply in asyncio.run(ask()))
    assert kept._held._bytes == 0
    kept._held.add(bounds.MAX_HELD - 1000)
    assert all("at once" in reply["message"] for reply in asyncio.run(ask()))
    assert kept._held._bytes == bounds.MAX_HELD - 1000


def test_closing_waits_for_no_queue(kept: Database) -> None:
    """What was asked for and not begun is not begun any more."""

    async def ask() -> None:
        number = kept.connect(None)
        waiting = [
            asyncio.ensure_future(kept.ask(number, "execute", {"sql": ENDLESS, "parameters": []})) for _ in range(20)
        ]
        await asyncio.sleep(0)
        closing = threading.Thread(target=kept.close)
        closing.start()
        replies = await asyncio.gather(*waiting)
        closing.join()
        assert all("error" in reply for reply in replies)

    asyncio.run(asyncio.wait_for(ask(), bounds.STATEMENT_SECONDS))
