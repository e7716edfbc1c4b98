"""Processor time, wall time and memory of a scored submission: reviewkit beside nbgrader, otter-grader and plain papermill.

One command builds the workload (`work.py`), makes environments for the peers (`peers/`), and measures every system on the same
submissions, in turn within each round. A round counts only when all of them gave every submission the same points.

    python benchmarks/batch/run.py [--rounds 3] [--submissions 40] [--peer-submissions 40] [--systems reviewkit,floor,papermill,nbgrader,otter]
    python benchmarks/batch/run.py --growth 10,50,200,2000       # reviewkit alone: cost per submission as the batch grows
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tree import Spent, run
from work import BANK, CHECKTEXT, submissions, workbook, write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COMMON = ("sqlalchemy[asyncio]==2.1.9", "greenlet", "aiosqlite==0.22.1", "ipykernel==7.4.0")
PACKAGES = {
    "nbgrader": ("nbgrader==0.9.6", *COMMON),
    "otter": ("otter-grader==7.0.0", "papermill==2.7.0", *COMMON),
}
"""Environments of their own; JupyterLab, which nbgrader brings along, slows each start of the others."""
ENVIRONMENT = {"nbgrader": "nbgrader", "otter": "otter", "papermill": "otter"}
OWN = ("reviewkit", "kernel", "floor")
"""`kernel` is reviewkit with a fresh kernel for each submission."""
LEAST = {"nbgrader": 12.0, "otter": 12.0}
"""The goals: their processor time in ours."""
MOST_OVER_FLOOR, MOST_GROWTH, MOST_MEMORY = 2.0, 1.1, 600.0


def environment(name: str, folder: Path) -> Path:
    """Python of a peer's environment, made where it is missing."""
    home = folder / name
    python, stamp = home / "bin" / "python", home / "made.txt"
    wanted = "\n".join(PACKAGES[name])
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"making the environment of {name} in {home}", flush=True)
        venv.create(home, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES[name]], check=True)
        stamp.write_text(wanted)
    return python


class Systems:
    """Each system on a workload of one size."""

    def __init__(self, folder: Path, count: int, peers: int, jobs: int, environments: Path) -> None:
        self._folder, self._count, self._peers, self._jobs, self._environments = folder, count, peers, jobs, environments
        self._inbox = folder / "inbox"
        for done in submissions(count):
            write(self._inbox / f"{done.candidate}.ipynb", workbook(done))

    def measure(self, system: str, turn: int) -> tuple[Spent, dict[str, float]]:
        """Run one system over all submissions; what it took, and the points of each candidate."""
        out = self._folder / f"{system}-{turn}"
        return (self._own if system in OWN else self._peer)(system, out)

    def _own(self, system: str, out: Path) -> tuple[Spent, dict[str, float]]:
        env = {"PYTHONPATH": str(ROOT)}
        engine = "kernel" if system == "kernel" else "fork"
        score = ["-m", "reviewkit.cli", "score", str(self._inbox), "--bank", str(BANK), "--rubrics", str(BANK / "rubrics"), "--out", str(out)]
        command = [*score, "--jobs", str(self._jobs), "--json", "--engine", engine]
        floor = [str(HERE / "floor.py"), str(BANK), str(out), str(self._inbox)]
        spent = run([sys.executable, *(floor if system == "floor" else command)], env, ROOT)
        if system != "floor":
            assert len(list((out / "notebooks").glob("*.ipynb"))) == len(list((out / "reports").glob("*.html"))) == self._count
        return spent, dict(_points(path) for path in (out / "scorecards").iterdir())

    def _peer(self, system: str, out: Path) -> tuple[Spent, dict[str, float]]:
        python = environment(ENVIRONMENT[system], self._environments)
        env = {"PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE / "peers", CHECKTEXT.parent)))}
        script = str(HERE / "peers" / f"run_{system}.py")
        run([str(python), script, "prepare", str(out), str(self._peers)], env, self._folder)
        spent = run([str(python), script, "grade", str(out)], env, self._folder)
        return spent, json.loads((out / "points.json").read_text())


def _points(path: Path) -> tuple[str, float]:
    """Candidate and points of a scorecard, as the peers count them: one for each check, one for the flaw that was found."""
    card = json.loads(path.read_text("utf-8"))
    passed = sum(check["outcome"] == "passed" for exercise in card["exercises"] for check in exercise["checks"])
    return card["about"]["candidate"], passed + sum(defect["state"] == "credited" for defect in card["defects"])


def same_points(expected: dict[str, float], system: str, points: dict[str, float]) -> bool:
    """Whether a system gave what the work is worth; says where not."""
    wrong = {name: points.get(name) for name in expected if points.get(name) != expected[name]}
    if wrong:
        print(f"    {system} differs: {wrong}")
    return points == expected


def compare(options: argparse.Namespace) -> bool:
    """Rounds over all systems; whether every goal is met."""
    systems, most = options.systems.split(","), options.submissions
    counts = {system: most if system in OWN else min(most, options.peer_submissions or most) for system in systems}
    expected = [(done.candidate, float(done.points)) for done in submissions(most)]
    rounds: list[dict[str, Spent]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Systems(Path(folder), most, options.peer_submissions or most, options.jobs, options.environments)
        for turn in range(options.rounds):
            order = systems[turn % len(systems) :] + systems[: turn % len(systems)]
            spent, points = {}, {}
            for system in order:
                told, points[system] = work.measure(system, turn)
                spent[system] = replace(told, cpu=told.cpu / counts[system], wall=told.wall / counts[system])
                each = spent[system]
                print(f"  {system}: {each.cpu:.3f} CPU s, {each.wall:.3f} s a submission, {each.memory:.0f} MiB", flush=True)
            wrong = [system for system, found in points.items() if not same_points(dict(expected[: counts[system]]), system, found)]
            if not wrong:
                rounds.append(spent)
            else:
                print("  this round does not count")
    return bool(rounds) and verdicts(counts, rounds)


def ratio(rounds: list[dict[str, Spent]], one: str, other: str, part: Callable[[Spent], float]) -> float:
    """Median of the ratios within each round."""
    return statistics.median(part(each[one]) / part(each[other]) for each in rounds)


def verdicts(counts: dict[str, int], rounds: list[dict[str, Spent]]) -> bool:
    """Print medians and ratios; whether every goal is met."""
    met, systems = True, list(counts)
    print(f"{len(rounds)} rounds; a submission's share, medians")
    for system in systems:
        each = [spent[system] for spent in rounds]
        cpu, wall = (statistics.median(part) for part in ([s.cpu for s in each], [s.wall for s in each]))
        print(f"{system:10} n = {counts[system]:4} {cpu:7.3f} CPU s  {wall:7.3f} s  {max(s.memory for s in each):5.0f} MiB", end="")
        if "reviewkit" in systems and system != "reviewkit":
            by = ratio(rounds, system, "reviewkit", lambda s: s.cpu)
            print(f"  {by:5.1f} x reviewkit's CPU, {ratio(rounds, system, 'reviewkit', lambda s: s.wall):5.1f} x its time", end="")
            if system in LEAST:
                met &= by >= LEAST[system]
                print(f"  {'PASS' if by >= LEAST[system] else 'FAIL'} (goal {LEAST[system]:g})", end="")
            if system == "floor":
                met &= 1 / by <= MOST_OVER_FLOOR
                print(f"  reviewkit is {1 / by:.2f} x the floor: {'PASS' if 1 / by <= MOST_OVER_FLOOR else 'FAIL'} (goal {MOST_OVER_FLOOR:g})", end="")
        print()
    return met


def growth(options: argparse.Namespace) -> bool:
    """Cost per submission over sizes; whether it stays what it is at 50."""
    sizes = [int(size) for size in options.growth.split(",")]
    each: dict[int, float] = {}
    most = 0.0
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            spent, points = Systems(Path(folder), count, 0, options.jobs, options.environments).measure("reviewkit", 0)
        assert points == {done.candidate: float(done.points) for done in submissions(count)}
        each[count], most = spent.cpu / count, max(most, spent.memory)
        print(f"{count:6} submissions: {each[count]:.3f} CPU s, {spent.wall / count:.3f} s each, {spent.memory:.0f} MiB in all", flush=True)
    by = each[sizes[-1]] / each[50] if 50 in each else each[sizes[-1]] / each[sizes[0]]
    good = by <= MOST_GROWTH and most <= MOST_MEMORY
    print(f"{'PASS' if good else 'FAIL'}  {sizes[-1]} cost {by:.2f} times as much each (goal {MOST_GROWTH:g}), at most {most:.0f} MiB (goal {MOST_MEMORY:g})")
    return good


def main() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reviewkit-benchmark"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--peer-submissions", type=int, default=0, help="how many of them the peers get; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks that reviewkit scores at a time; the peers have no such option")
    parser.add_argument("--systems", default="nbgrader,otter,papermill,floor,reviewkit")
    parser.add_argument("--growth", help="sizes of batches for reviewkit alone")
    parser.add_argument("--environments", type=Path, default=cache, help="where the peers' environments lie or are made")
    options = parser.parse_args()
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {where}; load {os.getloadavg()[0]:.1f}")
    sys.exit(0 if (growth if options.growth else compare)(options) else 1)


if __name__ == "__main__":
    main()
