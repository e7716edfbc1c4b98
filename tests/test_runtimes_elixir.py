"""Cells of Elixir: what stays between them, what they print, how they fail, that the next one works, that nothing stays behind."""

from __future__ import annotations

import contextlib
import io
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_cells import GONE_SECONDS, Notebook, Shell, failing, is_gone, stopped_when

from reviewkit import doctor
from reviewkit.runtimes import elixirplace
from reviewkit.runtimes.magics import Magics
from reviewkit.runtimes.node import CellError, CellStopped

elixir = pytest.mark.elixir
LIMITER = "lib/shop/limiter.ex"
LOST = "Variables, tables and processes of earlier cells are gone."


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    yield notebook
    notebook.magics.close()


@pytest.fixture
def lives(notebook: Notebook) -> Iterator[None]:
    """Whatever a test's cells do, the same host answers the next one."""
    notebook.elixir("", "")
    before = notebook.magics.beam.pid
    yield
    assert notebook.elixir("", 'IO.puts("well")') == ("well\n", "")
    assert notebook.magics.beam.pid == before


TAKE = """defmodule Shop.Limiter do
  def take(n) when n > 5, do: raise(ArgumentError, "zu groß")
  def take(n), do: n
end
"""


@elixir
def test_a_file_is_written_by_a_cell_and_used_by_others(notebook: Notebook, lives: None) -> None:
    """Both streams, text outside ASCII both ways; a changed file is compiled again; errors name file, cell and line."""
    assert notebook.elixir(LIMITER, TAKE) == (f"{LIMITER}: written, 4 lines\n", "")
    said = 'IO.puts("größe \U0001f600 #{Shop.Limiter.take(5)}")\nIO.write(:stderr, "hm")'
    assert notebook.elixir("", said) == ("größe \U0001f600 5\n", "hm")
    text = failing(notebook.elixir, "", "go = fn n ->\n  Shop.Limiter.take(n) + 1\nend\n\ngo.(9)")
    assert text.splitlines() == ["** (ArgumentError) zu groß", f"    {LIMITER}:2: Shop.Limiter.take/1", "    cell [7]:5: (cell)"]
    again = notebook.elixir(f"./{LIMITER}", TAKE.replace("do: n", "do: -n"))[0]
    assert again == f"./{LIMITER}: written, 4 lines\n"
    assert notebook.elixir("", "IO.inspect(Shop.Limiter.take(5))") == ("-5\n", "")
    (notebook.root / LIMITER).unlink()
    assert "module Shop.Limiter is not available" in failing(notebook.elixir, "", "Shop.Limiter.take(5)")
    assert notebook.elixir("../out.ex", "1")[0].startswith("'../out.ex' is no file of the workspace.")
    assert "no cell sees this file" in notebook.elixir("out.ex", "1")[0]


@elixir
def test_what_a_cell_leaves_is_there_for_the_next(notebook: Notebook, lives: None) -> None:
    """Variables, aliases, modules, tables of ETS and processes, also after an error."""
    notebook.elixir("", "require Logger\nalias Enum, as: E\ncount = 5\ntable = :ets.new(:orders, [:set])\n:ets.insert(table, {:a, count})")
    notebook.elixir("", "{:ok, agent} = Agent.start_link(fn -> 40 end)\ndefmodule Twice do\n  def of(n), do: 2 * n\nend")
    assert failing(notebook.elixir, "", "count = 7\n1 + :a").splitlines()[-1] == "    cell [7]:2: (cell)"
    shown = notebook.elixir("", "IO.inspect({E.sum([count, 1]), :ets.lookup(table, :a), Agent.get(agent, & &1), Twice.of(4)})")
    assert shown == ("{6, [a: 5], 40, 8}\n", "")


@elixir
def test_what_is_wrong_with_a_cell_is_said_with_its_place(notebook: Notebook, lives: None) -> None:
    """Syntax, names, exits, throws, modules of the cell, files; logging; and an error that is expected is output."""
    assert failing(notebook.elixir, "", "x = 1\ny = 1 +* 2").startswith("** (SyntaxError) cell [7]:2:8: syntax error before: '*'")
    assert failing(notebook.elixir, "", "1\nnope()").startswith("** (CompileError) cell [7]:2: undefined function nope/0")
    assert failing(notebook.elixir, "", "exit(:bad)").splitlines() == ["** (exit) :bad", "    cell [7]:1: (cell)"]
    assert failing(notebook.elixir, "", "throw(:ball)").startswith("** (throw) :ball")
    inside = "defmodule Div do\n  def by(n), do: 1 / n\nend\n\nDiv.by(0)"
    assert failing(notebook.elixir, "", inside).splitlines()[1:] == ["    cell [7]:2: Div.by/1", "    cell [7]:5: (cell)"]
    broken = "lib/broken.ex"
    try:
        unknown = "defmodule Broken do\n  def x, do: nope(1)\nend"
        assert failing(notebook.elixir, f"{broken} --check", unknown).startswith(f"{broken}:2: undefined function nope/1")
        notebook.elixir(broken, "defmodule Broken do\n  def x, do: (\nend")
        assert failing(notebook.elixir, "", "1").startswith(f"{broken}:3:1: unexpected reserved word: end")
    finally:
        (notebook.root / broken).unlink()
    assert notebook.elixir("", 'require Logger\nLogger.warning("größer")')[1] == "[warning] größer\n"
    assert notebook.elixir("--expect-error", 'raise "meant"')[1].startswith("** (RuntimeError) meant")
    assert notebook.elixir("--nonsense", "1")[0].startswith("%%elixir: unrecognized arguments: --nonsense.")
    tests = "ExUnit.start(autorun: false, seed: 0, colors: [enabled: false])\ndefmodule T do\n  use ExUnit.Case\n  test(\"a\", do: assert(1 == 2))\nend\nExUnit.run()"
    assert "1 test, 1 failure" in notebook.elixir("", tests)[0]


STARTS = 'System.shell("setsid sleep 600 >&2 2> /dev/null < /dev/null & echo $! > pids")\n'
"""Leaves a program behind that has a session of its own and whose port is closed."""
APPLICATION = """defmodule Shop.Main do
  use Application
  def start(_, _), do: Agent.start_link(fn -> 1 end, name: :shop_main)
end
:ok = :application.load({:application, :shop, mod: {Shop.Main, []}, vsn: ~c"1", applications: [:kernel]})
:ok = Application.start(:shop)"""
pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")


def assert_all_gone(notebook: Notebook) -> None:
    pids = (notebook.root / "pids").read_text().split()
    assert pids and all(is_gone(int(pid)) for pid in pids)


@elixir
@pidfd
def test_no_cell_keeps_the_notebook_from_going_on(notebook: Notebook, lives: None) -> None:
    """An endless loop, one beside the cell, a full heap, a linked process that ends, a flood, the stop button."""
    notebook.elixir("", APPLICATION)
    assert notebook.elixir("", "IO.inspect(is_pid(Process.whereis(:shop_main)))") == ("true\n", "")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(CellError, match=r"TimeLimit: cell \[7\] had not ended after 0.5 s"):
        notebook.magics.elixir("--timeout 0.5", 'IO.puts("before")\nx = 1\nspawn(fn -> Process.register(self(), :endless) && Stream.run(Stream.cycle([1])) end)\nfor _ <- Stream.cycle([1]), do: 1')
    assert out.getvalue() == "before\n"
    assert notebook.elixir("", "IO.inspect(Process.whereis(:endless))") == ("nil\n", "")
    assert notebook.elixir("", "IO.inspect(Process.whereis(:shop_main))\n:ok = Application.start(:shop)\n:ok = Application.stop(:shop)")[0] == "nil\n"
    assert "undefined function x/0" in failing(notebook.elixir, "", "x")
    assert failing(notebook.elixir, "", "Enum.to_list(1..60_000_000)").startswith("MemoryLimit: cell [7] needed more than 256 MB in one process")
    assert failing(notebook.elixir, "", "spawn_link(fn -> exit(:bad) end)\nProcess.sleep(:infinity)") == "** (EXIT from the cell's process) :bad"
    shown, cut = notebook.elixir("", 'text = String.duplicate("x", 99_999)\nfor _ <- 1..20, do: IO.puts(text)')
    assert (len(shown), cut.strip()) == (1_000_000, "[output cut after 1000000 characters]")
    with stopped_when("on it"), pytest.raises(CellStopped):
        notebook.magics.elixir("", STARTS + 'System.shell("sleep 601 & echo $! >> pids; sleep 602 & echo $! >> pids; echo on it; wait", into: IO.stream())')
    assert_all_gone(notebook)


@elixir
@pidfd
def test_a_process_that_dies_is_replaced(notebook: Notebook) -> None:
    """By memory outside the heaps, by its own halt; forged events end nothing; standard input is empty."""
    assert notebook.elixir("", 'IO.write(:user, "\\n\\x1e{\\"id\\":99999,\\"end\\":true}\\nraw\\n")\nIO.inspect(IO.gets("name? "))') == (":eof\n", "raw\n")
    assert failing(notebook.elixir, "", ":binary.copy(<<1>>, 2_000_000_000)") == f"MemoryLimit: cell [7] needed more than 1024 MB. {LOST}"
    assert failing(notebook.elixir, "", STARTS + "System.halt(3)") == "The Elixir process has ended (status 3). The next cell starts a fresh one."
    assert_all_gone(notebook)
    assert notebook.elixir("", 'IO.puts("again")') == ("again\n", "")
    pid = notebook.magics.beam.pid
    assert pid is not None
    notebook.magics.beam.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


KERNEL = """
import sys
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.elixir("--timeout 600", '''port = Port.open({:spawn, "sleep 600"}, [])
IO.puts(System.pid())
IO.puts(Port.info(port)[:os_pid])
IO.write(elem(System.shell("sleep 600 > /dev/null & echo $!"), 0))
for _ <- Stream.cycle([1]), do: 1''')
"""


@elixir
@pidfd
def test_nothing_outlives_a_killed_kernel(tmp_path: Path) -> None:
    """Killed in the middle of an endless cell that had started programs, one of them behind a shell that has ended: all are gone."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        fds = [os.pidfd_open(int(kernel.stdout.readline())) for _ in range(3)]
        kernel.kill()
        for fd in fds:
            assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
            os.close(fd)


def test_a_missing_elixir_is_one_line_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In the cell, without a traceback; in doctor; files are written all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    magics = Magics(Shell(), lambda: tmp_path)
    magics.elixir("", "IO.puts(1)")
    magics.elixir("lib/a.ex", "1")
    line = f"Elixir is not on this machine. {elixirplace.INSTALL}"
    assert capsys.readouterr().out.splitlines() == [line, "lib/a.ex: written, 1 lines"]
    assert [str(part) for part in doctor.examine() if part.name == "Elixir"] == [f"missing  Elixir: {line}"]
