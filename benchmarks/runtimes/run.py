"""What a warm cell costs against a bare process of the same language: `python benchmarks/runtimes/run.py --pairs 20`.

Both run the same file of the workspace from the same few lines. Each pair is measured back to back, so that the ratio says
something on a busy machine, too; times are printed for orientation.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reviewkit.runtimes.node import NodeHost
from reviewkit.runtimes.nodeplace import lacking, require_node

FILE = """
export interface Order { readonly id: string; readonly cents: number }
export const total = (orders: Order[]): number => orders.reduce((sum, order) => sum + order.cents, 0);
"""
CELL = "import { total } from './src/orders.ts';\nconsole.log(total([{ id: 'a', cents: 5 }, { id: 'b', cents: 6 }]));\n"
GOAL_MS, GOAL_RATIO = 60.0, 1.0


def quiet(_stream: str, _text: str) -> None:
    """Output is not what is measured."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Warm cells against bare processes.")
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    why = lacking()
    if why is not None:
        print(why, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "src" / "orders.ts").write_text(FILE)
        (root / "cell.ts").write_text(CELL)
        host, binary = NodeHost(), require_node().binary
        begun = time.perf_counter()
        host.run(CELL, root, "cell", loader="ts", seconds=60, show=quiet)
        first = time.perf_counter() - begun
        warm, bare, used = [], [], []
        for _ in range(pairs):
            begun = time.perf_counter()
            host.run(CELL, root, "cell", loader="ts", seconds=60, show=quiet)
            warm.append(time.perf_counter() - begun)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begun = time.perf_counter()
            subprocess.run([binary, "--no-warnings", "cell.ts"], cwd=root, check=True, capture_output=True)
            bare.append(time.perf_counter() - begun)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        host.close()
    ratio = statistics.median(a / b for a, b in zip(warm, bare, strict=True))
    print(f"first cell {first * 1000:.0f} ms; warm cell {statistics.median(warm) * 1000:.0f} ms (least {min(warm) * 1000:.0f});", end=" ")
    print(f"bare process {statistics.median(bare) * 1000:.0f} ms (least {min(bare) * 1000:.0f}), {statistics.median(used) * 1000:.0f} ms of processor time")
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1):
        print(f"----  a warm cell takes at most {GOAL_MS:.0f} ms: not judged at load {load:.0f}")
    else:
        print(f"{'PASS' if statistics.median(warm) * 1000 <= GOAL_MS else 'FAIL'}  a warm cell takes at most {GOAL_MS:.0f} ms")
    print(f"{'PASS' if ratio <= GOAL_RATIO else 'FAIL'}  ratio of warm cell to bare process {ratio:.2f}, at most {GOAL_RATIO:g}")
    return 0 if ratio <= GOAL_RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
