"""The store on PostgreSQL, and stores of other versions on both databases."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from made_intake import invite
from made_postgres import Server
from made_submissions import ROOT
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from test_decisions import ONE, TWO, WRITES, decision
from test_store import BROKEN, SCORED
from typer.testing import CliRunner

from reviewkit import decisions, hiring
from reviewkit.cli import app
from reviewkit.database import database_url
from reviewkit.errors import DataError, UsageError
from reviewkit.invite_store import InviteChange, InviteStore
from reviewkit.outfolder import OutFolder
from reviewkit.purge import purge_store
from reviewkit.row import Row
from reviewkit.runtimes.postgres import free_port
from reviewkit.store import every_table, open_engine, save_rows, stored
from reviewkit.storeplace import choose_store
from reviewkit.storeschema import VERSIONS, upgrade

ROWS = [SCORED, replace(BROKEN, file="n\0ul.ipynb"), replace(SCORED, file="b.ipynb", sha256=ONE, candidate="c-2", scorecard="")]


@pytest.fixture
def url(postgres_url: str) -> str:
    return database_url(postgres_url)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "scorecards").mkdir()
    (tmp_path / "scorecards" / "a.json").write_text('{"text": "\\u0000 \\udc80"}', "utf-8")
    return tmp_path


def within(url: str, work: Callable[[Connection], Any]) -> Any:
    async def run() -> Any:
        engine = open_engine(url, writes=True)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def test_a_store_on_a_server_does_what_one_in_a_file_does(url: str, out: Path) -> None:
    here = f"sqlite+aiosqlite:///{out / 'store.sqlite'}"
    for place in (here, url):
        asyncio.run(save_rows(place, ROWS, out))
        asyncio.run(save_rows(place, [replace(SCORED, total=70.0)], out))
        asyncio.run(decisions.add(place, ONE, [decision(), decision("r2")]))
        asyncio.run(hiring.add(place, ONE, hiring.HiringDecision(decision="yes", author="p", time="2026-03-02T10:00:00Z", reason="said")))
        asyncio.run(InviteStore(place).add([InviteChange(invite(2), "created", 1), InviteChange(invite(2), "revoked", 2)]))
    assert asyncio.run(stored(url)) == asyncio.run(stored(here))
    assert {row["file"] for row in asyncio.run(stored(url))} == {"a.ipynb", "b.ipynb", "n\\x00ul.ipynb"}
    assert asyncio.run(decisions.everything(url)) == {ONE: (decision(), decision("r2"))}
    for statement in ("UPDATE decisions SET outcome = 'fail'", "DELETE FROM decisions"):
        with pytest.raises(DBAPIError, match="only ever added"):
            within(url, lambda connection, said=statement: connection.exec_driver_sql(said))
    gone = [asyncio.run(purge_store(place, "c-2", ())) for place in (here, url)]
    assert gone[0] == gone[1]
    assert gone[1][0] == {"decisions": 2, "hiring_decisions": 1, "invite_changes": 2, "submissions": 1}
    asyncio.run(decisions.add(url, TWO, [decision()]))
    with pytest.raises(DBAPIError, match="only ever added"):
        within(url, lambda connection: connection.exec_driver_sql("DELETE FROM decisions"))


def _score(url: str, name: str, out: Path, gate: Barrier) -> None:
    gate.wait()  # both make the store, then write in turns; one file and one submission are both's
    for number in range(WRITES):
        asyncio.run(save_rows(url, [Row("both.ipynb", "3" * 64, unscored=name), Row(f"{name}-{number}.ipynb", f"{number:064x}")], out))
        asyncio.run(decisions.add(url, ONE, [decision(name, second=number), decision(name, "fail", second=number)]))


def test_two_processes_that_score_into_one_store_lose_nothing(url: str, out: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(2)
    writers = [spawn.Process(target=_score, args=(url, name, out, gate)) for name in ("p1", "p2")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    files = [row["file"] for row in asyncio.run(stored(url))]
    assert sorted(files) == sorted(["both.ipynb", *(f"{name}-{n}.ipynb" for name in ("p1", "p2") for n in range(WRITES))])
    said = asyncio.run(decisions.of(url, ONE))
    assert len(said) == 4 * WRITES
    for name in ("p1", "p2"):
        ours = [item for item in said if item.author == name]
        assert ours == [d for n in range(WRITES) for d in (decision(name, second=n), decision(name, "fail", second=n))]


def facts(connection: Connection) -> tuple[list[Any], list[str], str]:
    """What differs from the tables of the code; names of triggers; version."""
    context = MigrationContext.configure(connection, opts={"version_table": "store_version"})
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if connection.dialect.name == "sqlite" else (
        "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal"
    )  # fmt: skip
    triggers = sorted(connection.exec_driver_sql(query).scalars())
    return compare_metadata(context, every_table()), triggers, str(context.get_current_revision())


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_store_made_anew_is_what_the_migrations_make(kind: str, tmp_path: Path, postgres: Server) -> None:
    made = [f"sqlite+aiosqlite:///{tmp_path / name}" if kind == "file" else database_url(postgres.new_database()) for name in ("new", "old")]
    asyncio.run(save_rows(made[0], [], tmp_path))
    within(made[1], upgrade)
    new, old = (within(place, facts) for place in made)
    assert new == old == ([], new[1], VERSIONS[-1])
    assert len(new[1]) == 6
    script = ScriptDirectory(str(Path(__file__).parents[1] / "reviewkit" / "migrations"))
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == VERSIONS


def test_a_store_of_before_versions_keeps_everything_and_is_brought_up(tmp_path: Path, out: Path) -> None:
    """With two tables only, as scoring and adjudicating left it, made by the first release's statements."""
    file = tmp_path / "store.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(FIRST)
        connection.execute("INSERT INTO decisions (sha256, kind, item, outcome, author, time, reason) VALUES (?, 'gate', 'g1', 'pass', 'r1', '2026-03-02T10:00:00Z', 'said in the talk')", (ONE,))
        connection.execute(
            "INSERT INTO submissions (file, sha256, candidate, scenario, scenario_version, rubric_version, scorer_version, band, gates, flags, unscored, sentence)"
            " VALUES ('old.ipynb', ?, 'c-9', 'stock', '1.0.0', '1.0.0', '0.1.0', 'weak', '', 0, '', '')", (ONE,)
        )  # fmt: skip
    url = f"sqlite+aiosqlite:///{file}"
    assert asyncio.run(decisions.of(url, ONE)) == (decision(),), "read as it is"
    asyncio.run(save_rows(url, [SCORED], out))
    assert [row["file"] for row in asyncio.run(stored(url))] == ["old.ipynb", "a.ipynb"]
    assert asyncio.run(decisions.of(url, ONE)) == (decision(),)
    assert within(url, facts)[0::2] == ([], VERSIONS[-1])
    assert len(within(url, facts)[1]) == 6


def test_a_store_of_a_later_version_is_refused_and_left_alone(tmp_path: Path, url: str) -> None:
    for place in (f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}", url):
        asyncio.run(save_rows(place, [], tmp_path))
        within(place, lambda connection: connection.execute(text("UPDATE store_version SET version_num = '9999'")))
        tables = within(place, lambda connection: inspect(connection).get_table_names())
        for work in (save_rows(place, [BROKEN], tmp_path), decisions.of(place, ONE), InviteStore(place).all(), stored(place)):
            with pytest.raises(DataError, match=r"was written by a later reviewkit \(version 9999 .* Nothing was changed"):
                asyncio.run(work)
        assert within(place, lambda connection: inspect(connection).get_table_names()) == tables


def test_a_server_that_cannot_be_used_is_one_sentence_without_the_url(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "never-shown"
    nowhere = f"postgresql+asyncpg://{secret}:{secret}@127.0.0.1:{free_port()}/x"
    for place in (nowhere, f"{url}-no-such"):
        with pytest.raises(DataError, match="the store on PostgreSQL: the store cannot be used") as caught:
            asyncio.run(stored(place))
        assert secret not in str(caught.value) and "no-such" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(UsageError, match=r"needs asyncpg\. .*'reviewkit\[postgres\]'"):
        asyncio.run(stored(url))


def test_an_output_folder_remembers_its_store_without_the_password(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    given = url.replace("rk@", "rk:never-kept@").replace("postgresql+asyncpg", "postgresql")
    choose_store(out, given)
    assert "never-kept" not in "".join(path.read_text() for path in out.iterdir())
    assert OutFolder(out).store_url == url
    monkeypatch.setenv("REVIEWKIT_STORE", given)
    assert OutFolder(out).store_url == url.replace("rk@", "rk:never-kept@"), "the password of the same store, from the environment"
    choose_store(out, given)
    with pytest.raises(UsageError, match="keeps its rows in another store"):
        choose_store(out, f"{url}2")
    (tmp_path / "x.ipynb").write_text("{")
    done = CliRunner().invoke(app, ["score", str(tmp_path / "x.ipynb"), "--out", str(out), "--store", given, "--bank", str(ROOT)])
    assert (done.exit_code, [row["file"] for row in asyncio.run(stored(url))]) == (1, ["x.ipynb"]), done.output
    assert not (out / "store.sqlite").exists()
    assert "never-kept" not in "".join(path.read_text() for path in out.rglob("*") if path.is_file())
    old = tmp_path / "old"
    old.mkdir()
    asyncio.run(save_rows(OutFolder(old).store_url, [BROKEN], old))
    with pytest.raises(UsageError, match=r"keeps its rows in store\.sqlite"):
        choose_store(old, given)


FIRST = """
CREATE TABLE decisions (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, sha256 VARCHAR(64) NOT NULL, kind TEXT NOT NULL, finding TEXT, defect TEXT, item TEXT,
	outcome TEXT NOT NULL, author TEXT NOT NULL, time TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX ix_decisions_sha256 ON decisions (sha256);
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TABLE submissions (
	id INTEGER NOT NULL, file TEXT NOT NULL, sha256 VARCHAR(64) NOT NULL, candidate TEXT NOT NULL, scenario TEXT NOT NULL, scenario_version TEXT NOT NULL,
	rubric_version TEXT NOT NULL, scorer_version TEXT NOT NULL, total FLOAT, over FLOAT, low FLOAT, high FLOAT, band TEXT NOT NULL, gates TEXT NOT NULL,
	waiting INTEGER, flags INTEGER NOT NULL, unscored TEXT NOT NULL, sentence TEXT NOT NULL, scorecard JSON, PRIMARY KEY (id),
	CONSTRAINT one_row_per_scoring UNIQUE (file, sha256, rubric_version, scorer_version)
);
"""
