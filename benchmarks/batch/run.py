"""Processor time of a scored submission: by a fresh kernel each, by our engine, and without any notebook.

Each round scores the same sample reviews in each way, one after another in turn; processor time is that of the whole process
tree. A round counts only when all three wrote the same scorecards. The floor does what the scoring notebook does
(`score_file`: matching, hidden checks in the sandbox, report, scorecard, row), one after another in one process.

    python benchmarks/batch/run.py [--rounds 3] [--scenario stock] [--submissions 8]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_OVER_FLOOR = 2.0
"""The goal: processor time of our engine, against the same scoring without a notebook."""
ROOT = Path(__file__).resolve().parents[2]
WAYS = ("kernel", "fork", "floor")


def submissions(folder: Path, slug: str, count: int) -> list[Path]:
    """Copies of a scenario's sample reviews, each of a candidate of its own."""
    samples = [path.read_text("utf-8") for path in sorted((ROOT / "rubrics" / slug / "calibration").glob("*.ipynb"))]
    paths = []
    for number in range(count):
        notebook = json.loads(samples[number % len(samples)])
        notebook["metadata"]["reviewkit"]["record"]["candidate"] = f"c-{number}"
        paths.append(folder / f"{number}.ipynb")
        paths[-1].write_text(json.dumps(notebook), "utf-8")
    return paths


def floor(out: str, *paths: str) -> None:
    """Score files without a notebook."""
    from reviewkit.assess import score_file
    from reviewkit.batch import Order, prepare, stage_file
    from reviewkit.outfolder import OutFolder
    from reviewkit.row import Row
    from reviewkit.sandbox import lend

    prepare(Path(out))
    lender = lend()
    order = Order(Path(out), ROOT, ROOT / "rubrics")
    for path in map(Path, paths):
        staged = stage_file(path, order.out)
        assert not isinstance(staged, Row), staged.sentence
        score_file(OutFolder(order.out).staged(staged.sha256), order.out, bank=order.bank, rubrics=order.rubrics)
    if lender is not None:
        lender.close()


def spent(way: str, paths: list[Path], out: Path) -> float:
    """Processor seconds of a batch, its children included."""
    score = ["-m", "reviewkit.cli", "score", *map(str, paths), "--out", str(out), "--jobs", "1", "--json", "--engine", way]
    command = [str(Path(__file__).resolve()), "--floor", str(out), *map(str, paths)] if way == "floor" else score
    before = os.times()
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def cards(out: Path) -> dict[str, bytes]:
    """The scorecards of a batch."""
    return {path.name: path.read_bytes() for path in (out / "scorecards").iterdir()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenario", default="stock")
    parser.add_argument("--submissions", type=int, default=8)
    parser.add_argument("--floor", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        floor(*options.floor)
        return
    each: dict[str, list[float]] = {way: [] for way in WAYS}
    print(f"{options.submissions} submissions of {options.scenario}, one at a time; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            paths = submissions(Path(folder), options.scenario, options.submissions)
            for way in WAYS[number % 3 :] + WAYS[: number % 3]:
                each[way].append(spent(way, paths, Path(folder) / way) / options.submissions)
            assert cards(Path(folder) / "kernel") == cards(Path(folder) / "fork") == cards(Path(folder) / "floor")
        print("  " + ", ".join(f"{way} {each[way][-1]:.2f} s" for way in WAYS), flush=True)
    kernel, over = (
        statistics.median(a / b for a, b in zip(each[one], each[other], strict=True)) for one, other in (("kernel", "fork"), ("fork", "floor"))
    )
    print(f"a fresh kernel takes {kernel:.2f} times the processor time of the engine")
    print(f"{'PASS' if over <= MOST_OVER_FLOOR else 'FAIL'}  the engine takes {over:.2f} times that of no notebook, goal at most {MOST_OVER_FLOOR:g}")
    sys.exit(0 if over <= MOST_OVER_FLOOR else 1)


if __name__ == "__main__":
    main()
