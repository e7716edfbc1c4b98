"""Gates in cells: in each language a lost update shows in 20 runs of 20 and a mended one does not; what does not come is told, errors pass.

The second call of each race begins when the first has ended or is held, so that without a gate nothing would be lost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_cells import Notebook, failing

from reviewkit import gate
from reviewkit.errors import UsageError
from reviewkit.runtimes import gates
from reviewkit.runtimes import java as javahost

RUNS = 20
OPENED = "gate: opened with 1 of 2 calls, no other came for 0.2 s\n"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Without Spring Boot's jars, which the compiler would look through."""
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(javahost, "libraries", list)
        yield notebook
    notebook.magics.close()


# --- TypeScript -----------------------------------------------------------------------------------------------------------
STOCK_TS = """
export class Stock {
  n = 10;
  #last: Promise<void> = Promise.resolve();
  async read(): Promise<number> { return this.n; }
  async take(): Promise<void> { const n = await this.read(); this.n = n - 1; }
  safe(): Promise<void> { return (this.#last = this.#last.then(() => this.take())); }
}
"""
RACE_TS = """
import { gate } from 'reviewkit';
import { Stock } from './src/stock';
const turn = async () => { for (let n = 0; n < 50; n++) await Promise.resolve(); };
async function left(way: 'take' | 'safe', patience: number): Promise<string> {
  const stock = new Stock(), together = gate(2, { patience });
  together.after(stock, 'read');
  const first = stock[way]();
  await turn();
  await Promise.all([first, stock[way]()]);
  return `${stock.n} left, ${together.arrived} came`;
}
"""


@pytest.mark.node
def test_a_lost_update_in_typescript(notebook: Notebook) -> None:
    assert notebook.ts("src/stock.ts", STOCK_TS)[1] == ""
    race = f"{RACE_TS}for (let run = 0; run < {RUNS}; run++) console.log(await left('take', 1));"
    assert notebook.ts("--check", race) == ("9 left, 2 came\n" * RUNS, "")
    assert notebook.ts("", f"{RACE_TS}console.log(await left('safe', 0.2));") == ("8 left, 1 came\n", OPENED)


@pytest.mark.node
def test_what_a_gate_does_in_typescript(notebook: Notebook) -> None:
    """Before a call, only some calls, an error of the call, sessions, and types for --check."""
    use = "import { gate } from 'reviewkit';\n"
    cell = f"""{use}
const said: string[] = [];
const door = {{ async go(who: string) {{ said.push(who); return who; }} }};
const two = gate(2);
two.before(door, 'go', (who) => who !== 'c');
const a = door.go('a');
await door.go('c');
said.push('held');
await Promise.all([a, door.go('b')]);
console.log(said.join(' '), two.isOpen);
const failing = gate(2).after(async (n: number): Promise<number> => {{ throw new RangeError(`own ${{n}}`); }});
await failing(5);"""
    assert failing(notebook.ts, "--check", cell).startswith("RangeError: own 5\n    at <anonymous> (cell [7]:12:")
    assert notebook.ts("", cell.replace("await failing(5)", ""))[0] == "c held a b true\n"
    notebook.ts("--session gates", f"{use}const one = gate(1);")
    assert notebook.ts("--session gates", "await one.arrive(); one.arrived") == ("1\n", "")
    wrong = f"{use}gate(2).after({{ n: 1 }}, 'n');\ngate('2');"
    assert [line.partition(" error")[0] for line in failing(notebook.ts, "--check", wrong).splitlines()] == ["cell-7.ts(2,25):", "cell-7.ts(3,6):"]
    assert failing(notebook.ts, "", f"{use}gate(0)").startswith("RangeError: gate: say how many calls open it, 1 or more")
    assert failing(notebook.ts, "", f"{use}gate(2, {{ patience: '3' as any }})").startswith("RangeError: gate: patience is a number of seconds")


# --- Java -----------------------------------------------------------------------------------------------------------------
STOCK_JAVA = """package shop;
public class Stock {
  public interface Shelf { int read() throws java.io.IOException; void write(int n); }
  private final Shelf shelf;
  public Stock(Shelf shelf) { this.shelf = shelf; }
  public void take() throws java.io.IOException { shelf.write(shelf.read() - 1); }
  public synchronized void safe() throws java.io.IOException { take(); }
}
"""
RACE_JAVA = """
import java.util.concurrent.*;
import reviewkit.Gate;
import shop.Stock;
class Row implements Stock.Shelf { volatile int n = 10; public int read() { return n; } public void write(int n) { this.n = n; } }
interface Way { void go(Stock stock) throws Exception; }
interface Race {
  static String left(Way way, double patience) throws Exception {
    var row = new Row();
    var together = new Gate(2, patience);
    var stock = new Stock(together.after(Stock.Shelf.class, row, "read"));
    Callable<Void> call = () -> { way.go(stock); return null; };
    FutureTask<Void> first = new FutureTask<>(call), second = new FutureTask<>(call);
    new Thread(first).start();
    while (!first.isDone() && together.arrived() == 0) Thread.onSpinWait();
    new Thread(second).start();
    first.get();
    second.get();
    return row.n + " left, " + together.arrived() + " came";
  }
}
"""


@pytest.mark.java
def test_a_lost_update_in_java(notebook: Notebook) -> None:
    assert notebook.java("src/main/java/shop/Stock.java", STOCK_JAVA)[1] == ""
    race = f"{RACE_JAVA}for (int run = 0; run < {RUNS}; run++) System.out.println(Race.left(Stock::take, 1));"
    assert notebook.java("", race) == ("9 left, 2 came\n" * RUNS, "")
    assert notebook.java("", f"{RACE_JAVA}System.out.println(Race.left(Stock::safe, .2));") == ("8 left, 1 came\n", OPENED)


@pytest.mark.java
def test_what_a_gate_does_in_java(notebook: Notebook) -> None:
    """Calls that are written out, before and after; errors that are checked; what is no interface; a cell that ends a held thread."""
    use = "import reviewkit.Gate;\n"
    assert notebook.java("", f"{use}var one = new Gate(1);\none.before(() -> {{ System.out.println(one.after(() -> 5) + one.arrived()); }});") == ("6\n", "")
    io = "throw new java.io.IOException"
    assert failing(notebook.java, "", f'{use}\nnew Gate(2).after(() -> {{ {io}("own"); }});').startswith("java.io.IOException: own\n    at cells.Cell.lambda$main$0 (cell [7]:3)")
    cell = f'{use}interface A {{ void go() throws Exception; }}\nnew Gate(2).after(A.class, () -> {{ {io}("own"); }}, "go").go();'
    assert failing(notebook.java, "", cell).splitlines()[-1] == "    at cells.Cell.main (cell [7]:3)"
    assert "gate: String is no interface; override length and call" in failing(notebook.java, "", f'{use}new Gate(2).before(String.class, "", "length");')
    assert "gate: Runnable has no method go" in failing(notebook.java, "", f'{use}new Gate(2).before(Runnable.class, () -> {{}}, "go");')
    notebook.java("", "")
    before = notebook.magics.jvm.pid
    held = "var t = new Thread(() -> gate.arrive()); t.setDaemon(true); t.start(); while (gate.arrived() == 0) Thread.onSpinWait();"
    notebook.java("", f"{use}var gate = new Gate(2, 600);\n{held}")
    assert notebook.java("", 'System.out.println("well");') == ("well\n", "")
    assert notebook.magics.jvm.pid == before
    cell = """var three = new Gate(3, .2);
var first = new Thread(three::arrive);
first.start();
while (three.arrived() < 1) Thread.onSpinWait();
var last = new Thread(three::arrive);
last.setUncaughtExceptionHandler((thread, error) -> System.out.println(error.getMessage()));
last.start();
while (three.arrived() < 2) Thread.onSpinWait();
last.interrupt();
first.join();"""
    opened = "gate: opened with 2 of 3 calls, no other came for 0.2 s\n"
    assert notebook.java("", use + cell) == ("interrupted at the gate\n", opened)
    assert "package reviewkit.host does not exist" in failing(notebook.java, "", "import reviewkit.host.Host;\nnew Object();")


# --- Elixir ---------------------------------------------------------------------------------------------------------------
STOCK_ELIXIR = """
defmodule Shop.Stock do
  def start, do: elem(Agent.start_link(fn -> 10 end), 1)
  def read(stock), do: Agent.get(stock, & &1)
  def take(stock, read \\\\ &read/1) do
    n = read.(stock)
    Reviewkit.Gate.arrive(:taking)
    Agent.update(stock, fn _ -> n - 1 end)
  end
  def safe(stock, read), do: :global.trans({stock, self()}, fn -> take(stock, read) end)
end
"""
RACE_ELIXIR = """
alias Reviewkit.Gate
alias Shop.Stock
turn = fn turn, task, gate ->
  if Process.alive?(task.pid) and Gate.arrived(gate) == 0, do: turn.(turn, task, gate)
end
race = fn gate, take ->
  stock = Stock.start()
  first = Task.async(fn -> take.(stock) end)
  turn.(turn, first, gate)
  Task.await_many([first, Task.async(fn -> take.(stock) end)])
  "#{Stock.read(stock)} left, #{Gate.arrived(gate)} came"
end
left = fn way, patience ->
  gate = Gate.new(2, patience: patience)
  read = Gate.after(gate, &Stock.read/1)
  race.(gate, &way.(&1, read))
end
"""


@pytest.mark.elixir
def test_a_lost_update_in_elixir(notebook: Notebook) -> None:
    """By a function that is handed over, and by a name that the file itself asks for."""
    assert notebook.elixir("lib/shop/stock.ex", STOCK_ELIXIR)[1] == ""
    assert notebook.elixir("", f"{RACE_ELIXIR}for _ <- 1..{RUNS}, do: IO.puts(left.(&Stock.take/2, 1))") == ("9 left, 2 came\n" * RUNS, "")
    assert notebook.elixir("", "IO.puts(left.(&Stock.safe/2, 0.2))") == ("8 left, 1 came\n", OPENED)
    named = "for _ <- 1..2, do: Gate.new(2, name: :taking) |> race.(&Stock.take/1) |> IO.puts()"
    assert notebook.elixir("", named) == ("9 left, 2 came\n" * 2, "")


@pytest.mark.elixir
def test_what_a_gate_does_in_elixir(notebook: Notebook) -> None:
    """Before a call, an error of the call, and that a gate goes with the cells that made it."""
    assert notebook.elixir("", "alias Reviewkit.Gate\none = Gate.new(1)\nIO.puts(Gate.before(one, fn a, b -> a + b + Gate.arrived(one) end).(1, 2))") == ("4\n", "")
    said = failing(notebook.elixir, "", 'alias Reviewkit.Gate\nGate.after(Gate.new(2), fn -> raise "own" end).()')
    assert said.splitlines() == ["** (RuntimeError) own", "    cell [7]:2: (cell)"]
    assert "gate: say how many calls open it" in failing(notebook.elixir, "", "Reviewkit.Gate.new(0)")
    assert "gate: patience is a number of seconds" in failing(notebook.elixir, "", 'Reviewkit.Gate.new(2, patience: "3")')
    assert "gate: a name is an atom" in failing(notebook.elixir, "", 'Reviewkit.Gate.new(2, name: "taking")')
    notebook.elixir("", "own = elem(Agent.start_link(fn -> 10 end, name: :shelf), 1)")
    assert "gate: :shelf is the name of another process" in failing(notebook.elixir, "", "Reviewkit.Gate.new(2, name: :shelf)")
    assert notebook.elixir("", "IO.puts(Agent.get(:shelf, & &1))")[0] == "10\n"
    assert failing(notebook.elixir, "--timeout 0.5", "g = Reviewkit.Gate.new(2, patience: 600, name: :mine)\nReviewkit.Gate.arrive(g)").startswith("TimeLimit")
    assert notebook.elixir("", "IO.inspect(Process.whereis(:mine))") == ("nil\n", "")


# --- Python ---------------------------------------------------------------------------------------------------------------
class Shelf:
    """A stock that threads and coroutines take from."""

    def __init__(self) -> None:
        self.n = 10
        self.lock, self.turns = threading.Lock(), asyncio.Lock()

    def read(self) -> int:
        return self.n

    def take(self) -> None:
        n = self.read()
        self.n = n - 1

    def safe(self) -> None:
        with self.lock:
            self.take()

    async def aread(self) -> int:
        return self.n

    async def atake(self) -> None:
        n = await self.aread()
        self.n = n - 1

    async def asafe(self) -> None:
        async with self.turns:
            await self.atake()


def left_by_threads(way: str, patience: float) -> str:
    shelf, together = Shelf(), gate(2, patience=patience)
    together.after(shelf, "read")
    first, second = (threading.Thread(target=getattr(shelf, way)) for _ in range(2))
    first.start()
    while first.is_alive() and together.arrived == 0:
        first.join(0.001)
    second.start()
    first.join()
    second.join()
    return f"{shelf.n} left, {together.arrived} came"


async def left_by_coroutines(way: str, patience: float) -> str:
    shelf, together = Shelf(), gate(2, patience=patience)
    together.after(shelf, "aread")
    first = asyncio.create_task(getattr(shelf, way)())
    while not first.done() and together.arrived == 0:  # noqa: ASYNC110 - a gate without a loop of its own tells nobody
        await asyncio.sleep(0)
    await asyncio.gather(first, getattr(shelf, way)())
    return f"{shelf.n} left, {together.arrived} came"


def test_a_lost_update_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    """Of threads and of coroutines."""
    assert {left_by_threads("take", 1) for _ in range(RUNS)} == {"9 left, 2 came"}
    assert {asyncio.run(left_by_coroutines("atake", 1)) for _ in range(RUNS)} == {"9 left, 2 came"}
    assert capsys.readouterr().err == ""
    assert left_by_threads("safe", 0.2) == "8 left, 1 came"
    assert asyncio.run(left_by_coroutines("asafe", 0.2)) == "8 left, 1 came"
    assert capsys.readouterr().err == OPENED * 2


def test_threads_and_coroutines_meet_at_one_gate() -> None:
    both = gate(2, patience=600)
    thread = threading.Thread(target=both.arrive)
    thread.start()
    asyncio.run(asyncio.wait_for(both.arrive_async(), 60))
    thread.join()
    assert (both.arrived, both.is_open) == (2, True)


def test_who_is_cancelled_leaves_the_counting_to_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Else nobody would count any more, and those who came before would be held for ever."""

    async def held() -> None:
        three = gate(3, patience=0.2)
        first = asyncio.create_task(three.arrive_async())
        await asyncio.sleep(0)
        last = asyncio.create_task(three.arrive_async())
        await asyncio.sleep(0)
        assert three.arrived == 2
        last.cancel()
        await asyncio.wait_for(first, 60)

    asyncio.run(held())
    assert capsys.readouterr().err == "gate: opened with 2 of 3 calls, no other came for 0.2 s\n"


def test_a_function_that_hands_on_a_coroutine_is_held_with_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    """As drivers of databases have them: held when it has given the coroutine, its loop would stand still, and nothing would have been read."""
    shelf = Shelf()
    shelf.read = lambda: shelf.aread()  # type: ignore[method-assign, assignment, return-value]

    async def left() -> tuple[int, int]:
        both = gate(2)
        both.after(shelf, "read")

        async def take() -> None:
            n = await shelf.read()  # type: ignore[misc]
            shelf.n = n - 1

        await asyncio.gather(take(), take())
        return shelf.n, both.arrived

    assert asyncio.run(asyncio.wait_for(left(), 60)) == (9, 2)
    assert capsys.readouterr().err == ""


def test_methods_are_put_back_and_errors_pass() -> None:
    """Of an object, a class, a module; only some calls; what raises goes on at once and is not counted."""

    class Door:
        @staticmethod
        def still(n: int) -> int:
            return n

        def go(self, n: int) -> int:
            if n == 5:
                raise ValueError("own")
            return n

    door, kept = Door(), Door.go
    with gate(2, patience=600) as two:
        two.after(door, "go")
        two.before(Door, "still")
        two.before(gates, "gate", when=lambda n: n == 7)
        with pytest.raises(ValueError, match="own"):
            door.go(5)
        assert gates.gate(8).n == 8
        assert two.arrived == 0
        two.open()
        assert (door.go(1), door.still(2), gates.gate(7).n) == (1, 2, 7)
        assert "go" in vars(door)
    assert (vars(door), Door.go, gates.gate) == ({}, kept, gate)
    assert isinstance(vars(Door)["still"], staticmethod)


def test_wrong_use_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"gate: it opens after 1 call or more"):
        gate(0)
    with pytest.raises(UsageError, match=r"gate: it opens after 1 call or more"):
        gate("2")  # type: ignore[arg-type]
    for wrong in (-1, "2", float("nan")):
        with pytest.raises(UsageError, match=r"gate: patience is a number of seconds, 0 or more"):
            gate(2, patience=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"gate: nope is no function"):
        gate(2).before(Shelf(), "nope")
    with pytest.raises(UsageError, match=r"gate: append of list cannot be replaced"):
        gate(2).after([], "append")


def test_the_package_is_imported_without_it() -> None:
    """`import reviewkit` stays cheap: the gate comes with its first use."""
    code = "import sys, reviewkit; print('reviewkit.runtimes.gates' in sys.modules, reviewkit.gate(1).n)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    assert done.stdout == "False 1\n"
