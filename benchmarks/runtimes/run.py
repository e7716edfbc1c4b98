"""What a warm cell costs against a bare process of the same language: `python benchmarks/runtimes/run.py --pairs 20`; and how
long a PostgreSQL database takes to be ready, and to begin anew, and what a guest of a TypeScript tree costs.

Both cell and process run the same file of the workspace from the same few lines. Each pair is measured back to back, so that the ratio says
something on a busy machine, too; times are printed for orientation.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from reviewkit.harness import HttpCall, Reply, World
from reviewkit.harness.job import Calls, Load
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import elixirplace, javaplace, postgres
from reviewkit.runtimes.elixir import ElixirHost
from reviewkit.runtimes.elixirplace import require_elixir
from reviewkit.runtimes.java import JavaHost
from reviewkit.runtimes.node import NodeHost
from reviewkit.runtimes.nodeplace import lacking, require_node
from reviewkit.runtimes.sql import SqlHost

FILE = """
export interface Order { readonly id: string; readonly cents: number }
export const total = (orders: Order[]): number => orders.reduce((sum, order) => sum + order.cents, 0);
"""
CELL = "import { total } from './src/orders.ts';\nconsole.log(total([{ id: 'a', cents: 5 }, { id: 'b', cents: 6 }]));\n"
JAVA_FILE = "class Orders { static int total(java.util.List<Integer> cents) { return cents.stream().mapToInt(n -> n).sum(); } }\n"
JAVA_CELL = "class Cell { public static void main(String[] args) { System.out.println(Orders.total(java.util.List.of(5, 6))); } }\n"
ELIXIR_FILE = "defmodule Orders do\n  def total(cents), do: Enum.sum(cents)\nend\n"
ELIXIR_CELL = "IO.puts(Orders.total([5, 6]))\n"
GOAL_MS, GOAL_RATIO = 60.0, 1.0
JAVA_MS, ELIXIR_MS = 500.0, 50.0
READY_MS = 1500.0
FRESH_MS = 110.0


def quiet(_stream: str, _text: str) -> None:
    """Output is not what is measured."""


def compared(words: str, cell: Callable[[], None], bare: Sequence[str], root: Path, pairs: int, goal_ms: float) -> bool:
    """Whether a warm cell costs less than a bare process; the first cell starts the host."""
    first = timed(cell)
    warm, alone, used = [], [], []
    for _ in range(pairs):
        warm.append(timed(cell))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone.append(timed(lambda: subprocess.run(bare, cwd=root, check=True, capture_output=True)))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    ratio = statistics.median(a / b for a, b in zip(warm, alone, strict=True))
    print(f"{words}: first cell {first * 1000:.0f} ms; warm cell {statistics.median(warm) * 1000:.0f} ms (least {min(warm) * 1000:.0f});", end=" ")
    print(f"bare process {statistics.median(alone) * 1000:.0f} ms (least {min(alone) * 1000:.0f}), {statistics.median(used) * 1000:.0f} ms of processor time")
    at_rest(f"{words}: a warm cell takes", statistics.median(warm) * 1000, goal_ms)
    print(f"{'PASS' if ratio <= GOAL_RATIO else 'FAIL'}  {words}: ratio of warm cell to bare process {ratio:.2f}, at most {GOAL_RATIO:g}")
    return ratio <= GOAL_RATIO


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def typescript(pairs: int) -> bool:
    """A cell that imports a file, against node."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(NodeHost()) as host:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "src" / "orders.ts").write_text(FILE)
        (root / "cell.ts").write_text(CELL)
        bare = [require_node().binary, "--no-warnings", "cell.ts"]
        return compared("TypeScript", lambda: host.run(CELL, root, "cell", loader="ts", seconds=60, show=quiet), bare, root, pairs, GOAL_MS)


def java(pairs: int) -> bool:
    """A cell that uses a file, against java with both in one file, which it compiles in memory."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(JavaHost()) as host:
        root = Path(folder)
        (root / "src/main/java/shop").mkdir(parents=True)
        (root / "src/main/java/shop/Orders.java").write_text("package shop;\npublic " + JAVA_FILE)
        (root / "Cell.java").write_text(JAVA_CELL + JAVA_FILE)
        bare = [javaplace.require_jdk().java, "Cell.java"]
        cell = "package shop;\n" + JAVA_CELL
        return compared("Java", lambda: host.run(cell, root, "cell", seconds=60, show=quiet), bare, root, pairs, JAVA_MS)


DRIVER = """
import { total, type Order } from './src/orders';
export async function answer(): Promise<number> {
  const orders: Order[] = await (await fetch('http://shop.test/orders')).json();
  return total(orders);
}
"""
GUEST_RATIO = 2.5


async def one_guest(root: Path) -> None:
    async def orders(_call: HttpCall) -> Reply:
        return Reply(json=[{"id": "a", "cents": 5}, {"id": "b", "cents": 6}])

    world = World()
    world.http("shop.test", orders)
    job = await LocalLauncher().launch(Load(root, ("src",), (), root / "driver.ts"), world)
    answer = await Calls(job, world).call("answer")
    await job.close()
    assert answer.value == 11, answer


def processor_time() -> float:
    """Seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def guest(rounds: int) -> bool:
    """Whether a guest costs no more than some bare processes."""
    binary = require_node().binary
    guests, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "src" / "orders.ts").write_text(FILE)
        (root / "driver.ts").write_text(DRIVER)
        asyncio.run(one_guest(root))  # which strips the types for the others
        for _ in range(rounds):
            begun = processor_time()
            asyncio.run(one_guest(root))
            between = processor_time()
            subprocess.run([binary, "-e", "0"], check=True)
            guests.append(between - begun)
            bare.append(processor_time() - between)
    ratio = statistics.median(a / b for a, b in zip(guests, bare, strict=True))
    print(f"guest of a TypeScript tree {statistics.median(guests) * 1000:.0f} ms of processor time (least {min(guests) * 1000:.0f}),", end=" ")
    print(f"`node -e 0` {statistics.median(bare) * 1000:.0f} ms (least {min(bare) * 1000:.0f})")
    print(f"{'PASS' if ratio <= GUEST_RATIO else 'FAIL'}  ratio of a guest to a bare process {ratio:.2f}, at most {GUEST_RATIO:g}")
    return ratio <= GUEST_RATIO


def beam(pairs: int) -> bool:
    """A cell that uses a file, against elixir with both in one script."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(ElixirHost()) as host:
        root = Path(folder)
        (root / "lib").mkdir()
        (root / "lib/orders.ex").write_text(ELIXIR_FILE)
        (root / "cell.exs").write_text(ELIXIR_FILE + ELIXIR_CELL)
        bare = [require_elixir().binary, "cell.exs"]
        return compared("Elixir", lambda: host.run(ELIXIR_CELL, root, "cell", seconds=60, show=quiet), bare, root, pairs, ELIXIR_MS)


def database(rounds: int) -> bool:
    """Whether a first cell of SQL on PostgreSQL, host and server not yet there, is answered in time."""
    ready, bare = [], []
    for _ in range(rounds):
        host = SqlHost()
        begun = time.perf_counter()
        host.run("select 1", "postgres", "main", "cell", rows=1, seconds=60, show=quiet)
        ready.append(time.perf_counter() - begun)
        host.close()
        begun = time.perf_counter()
        postgres.Server(postgres.require_binaries()).close()
        bare.append(time.perf_counter() - begun)
    ratio = statistics.median(a / b for a, b in zip(ready, bare, strict=True))
    print(f"PostgreSQL from nothing to the first answer {statistics.median(ready) * 1000:.0f} ms (least {min(ready) * 1000:.0f}),", end=" ")
    print(f"a server set up, started and ended {statistics.median(bare) * 1000:.0f} ms (ratio {ratio:.2f})")
    return at_rest("a PostgreSQL database is ready in", statistics.median(ready) * 1000, READY_MS)


def fresh(pairs: int) -> bool:
    """Whether a database of that server begins anew in time, empty or as a copy, one right after the other."""
    with contextlib.closing(SqlHost()) as host:
        host.run("create table stock (n int); insert into stock values (10)", "postgres/shop", "main", "cell", rows=1, seconds=60, show=quiet)
        empty = [timed(lambda: host.url("run", fresh=True)) for _ in range(pairs)]
        copies = [timed(lambda: host.url("run", fresh=True, like="shop")) for _ in range(pairs)]
    seen = [(words, statistics.median(times) * 1000, min(times) * 1000) for words, times in (("fresh database", empty), ("copy of a database", copies))]
    for words, median, least in seen:
        print(f"{words} {median:.0f} ms (least {least:.0f})")
    judged = [at_rest(f"a {words} is ready in", median, FRESH_MS) for words, median, _ in seen]
    return all(judged)


def at_rest(words: str, seen: float, most: float) -> bool:
    """Judge a time where the machine has nothing else to do; whether it is not missed."""
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1):
        print(f"----  {words} at most {most:.0f} ms: not judged at load {load:.0f}")
        return True
    print(f"{'PASS' if seen <= most else 'FAIL'}  {words} at most {most:.0f} ms: {seen:.0f}")
    return seen <= most


def main() -> int:
    parser = argparse.ArgumentParser(description="Warm cells against bare processes.")
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    why = lacking() or javaplace.lacking() or elixirplace.lacking() or postgres.lacking()
    if why is not None:
        print(why, file=sys.stderr)
        return 2
    return 0 if all([typescript(pairs), guest(pairs), java(pairs), beam(pairs), database(max(1, pairs // 5)), fresh(pairs)]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
