"""What the sandbox adds to a check, and how long a batch takes.

Two workers run the same hidden check of the scenario `transactions` in turn: one in the sandbox, one in a fork server
whose guests do not lock themselves down (a copy of the package, made here, from which the lock was cut; the package itself
has no such switch). The difference of each pair is what the sandbox costs.

    python benchmarks/sandbox/run.py [--pairs 60] [--submissions 100] [--level namespaces] [--scenario ledger]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import yaml

MOST_ADDED_MS, MOST_BATCH_SECONDS = 15.0, 30.0
"""The goals: median of what the sandbox adds to a check, and 100 submissions with eight checks each."""
FULL_BATCH = 100
ROOT = Path(__file__).resolve().parents[2]
CHECK = "merchants-do-not-meet"
SCENARIOS = ("till", "ledger", "transactions")
"""Of the batches: a module of the standard library, which is what a check was when the goal was set; two of the bank, a module over
SQLAlchemy's tables and a whole service with routes and models."""
OWN_BANK = Path(__file__).parent / "bank"
EIGHT = 8
GATED = frozenset({"together-is-settled-once", "trouble-is-sent-again"})
"""Checks whose length is that of a wait, not of work."""


def worker(level: str) -> None:
    """Work off standard input; answer each line with the time taken, in ms, and processor time, guests' and parent's."""
    from reviewkit.bank import find_bank
    from reviewkit.harness.job import Job, Load
    from reviewkit.harness.results import marked
    from reviewkit.harness.stage import Stage, Tree, load_module
    from reviewkit.harness.world import World
    from reviewkit.sandbox import Level, SandboxJob, open_launcher

    entry = find_bank(ROOT).entry("transactions")
    assert entry.rubric_folder is not None
    checks = marked(load_module(entry.rubric_folder / "checks.py"), "check")
    scenario = entry.scenario
    jobs: list[SandboxJob] = []
    with open_launcher(Level(level)) as launcher:

        class Kept:
            async def launch(self, load: Load, world: World) -> Job:
                jobs.append(await launcher.launch(load, world))
                return jobs[-1]

        tree = Tree(entry.rubric_folder / "reference")
        stage = Stage(tree, entry.folder, scenario.modules, scenario.packages, Kept(), entry.rubric_folder)

        async def once(seed: int) -> float:
            begun = time.perf_counter()
            verdict = await checks[CHECK][1](stage, Random(f"{CHECK}:{seed}"))
            assert verdict.passed, verdict
            return (time.perf_counter() - begun) * 1000

        for line in sys.stdin:
            jobs.clear()
            own = time.process_time()
            took = asyncio.run(once(int(line)))
            guests = sum(job.exit.cpu for job in jobs if job.exit is not None) * 1000
            print(took, guests, (time.process_time() - own) * 1000, flush=True)


def batch_worker(level: str, bank: str, slug: str, first: int, count: int) -> None:
    """Run the hidden checks of so many submissions, each with a mend of its own bytes, one after another.

    Prints the processor seconds of all guests, of the fork server and of this process.
    """
    from reviewkit.bank import find_bank
    from reviewkit.checks import run_hidden_checks
    from reviewkit.harness.job import Job, Load
    from reviewkit.harness.world import World
    from reviewkit.sandbox import Level, SandboxJob, open_launcher

    entry = find_bank(Path(bank)).entry(slug)
    assert entry.rubric_folder is not None
    (exercise,) = (item for item in entry.scenario.exercises if item.id in entry.rubric.exercises and item.kind == "mend")
    mended = {file: (entry.rubric_folder / "reference" / file).read_text("utf-8") for file in exercise.files}
    own = time.process_time()
    guests = 0.0
    with open_launcher(Level(level)) as launcher:
        jobs: list[SandboxJob] = []

        class Kept:
            async def launch(self, load: Load, world: World) -> Job:
                jobs.append(await launcher.launch(load, world))
                return jobs[-1]

        for number in range(first, first + count):
            edited = {file: f"{text}\n# {number}\n" for file, text in mended.items()}
            results = asyncio.run(run_hidden_checks(entry, exercise.id, edited, Kept(), 1))
            assert [result.outcome for result in results] == ["passed"] * EIGHT, results
            guests += sum(job.exit.cpu for job in jobs if job.exit is not None)
            jobs.clear()
        servers = sum(map(spent, below(os.getpid())))
    print(guests, servers, time.process_time() - own)


def bare_worker(bank: str, slug: str, count: int) -> None:
    """Run the same checks in this one process, which is warm: no guest, no fork, no lock. Prints processor seconds of a check."""
    from reviewkit.bank import find_bank
    from reviewkit.checks import run_hidden_checks
    from reviewkit.harness.local import LocalLauncher

    entry = find_bank(Path(bank)).entry(slug)
    assert entry.rubric_folder is not None
    (exercise,) = (item for item in entry.scenario.exercises if item.id in entry.rubric.exercises and item.kind == "mend")
    mended = {file: (entry.rubric_folder / "reference" / file).read_text("utf-8") for file in exercise.files}
    own = 0.0
    for number in range(1 + count):
        results = asyncio.run(run_hidden_checks(entry, exercise.id, mended, LocalLauncher(), 1))
        assert [result.outcome for result in results] == ["passed"] * EIGHT, results
        own = own if number else time.process_time()  # the first imports everything
    print((time.process_time() - own) / count / EIGHT)


def below(pid: int) -> list[int]:
    """Processes that descend from this one."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [further for child in found for further in below(child)]


def spent(pid: int) -> float:
    """Processor seconds of a process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def goal(words: str, seen: float, most: float, unit: str) -> bool:
    """Say whether a goal is met; in so many words."""
    met = seen <= most
    print(f"{'PASS' if met else 'FAIL'}  {words}: {seen:.1f} {unit}, goal at most {most:g} {unit}", flush=True)
    return met


def batch(level: str, slug: str, submissions: int) -> bool:
    """Whether the goal is met, which fewer submissions say nothing about. Two workers, as `reviewkit score --jobs 2` has them; what is included is said with the numbers."""
    with tempfile.TemporaryDirectory() as folder:
        bank = eight_checks(Path(folder), slug)
        half = submissions // 2
        sides = [(0, half), (half, submissions - half)]
        begun = time.perf_counter()
        workers = [
            subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), "--batch-worker", level, str(bank), slug, *map(str, side)],
                stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for side in sides
        ]  # fmt: skip
        said = [list(map(float, worker.communicate()[0].split())) for worker in workers]
        wall = time.perf_counter() - begun
        command = [sys.executable, str(Path(__file__).resolve()), "--bare-worker", str(bank), slug, str(max(1, submissions // 10))]
        bare = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout)
    checks = submissions * EIGHT
    guests, servers, own = (1000 * sum(part[place] for part in said) / checks for place in range(3))
    print(f"{submissions} submissions of {slug} with {EIGHT} checks each at {level}: {wall:.1f} s with two workers, which includes")
    print("  their start, a fork server each, laying the mend over the change, worlds and verdicts; not papermill or reports")
    print(f"  processor time of a check: {guests:.1f} ms in the guest, {servers:.1f} ms in the fork server, {own:.1f} ms in the parent")
    print(f"  and {1000 * bare:.1f} ms for a check in one warm process without any sandbox, right after: the code's own work, world, check")
    if submissions < FULL_BATCH:
        print(f"the goal, at most {MOST_BATCH_SECONDS:g} s, is for {FULL_BATCH} submissions: not judged")
        return True
    most = MOST_BATCH_SECONDS * submissions / FULL_BATCH
    return goal(f"{submissions} submissions of {slug} with {EIGHT} checks each", wall, most, "s")


def eight_checks(folder: Path, slug: str) -> Path:
    """A copy of a scenario of the bank, of whose hidden checks the first eight are left that wait for nothing."""
    bank = OWN_BANK if (OWN_BANK / "scenarios" / slug).is_dir() else ROOT
    for part in ("scenarios", "rubrics"):
        shutil.copytree(bank / part / slug, folder / part / slug, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "rubrics" / slug / "rubric.yaml"
    rubric = yaml.safe_load(path.read_text("utf-8"))
    (key,) = (key for key in rubric["exercises"].values() if "checks" in key)
    key["checks"] = [name for name in key["checks"] if name not in GATED][:EIGHT]
    path.write_text(yaml.safe_dump(rubric), "utf-8")
    return folder


def without_lock(folder: Path) -> Path:
    """A copy of the package whose guests stay as free as any process."""
    package = folder / "reviewkit"
    shutil.copytree(ROOT / "reviewkit", package, ignore=shutil.ignore_patterns("__pycache__", "labextension", "frontend"))
    lockdown = package / "sandbox" / "inner" / "lockdown.py"
    source = lockdown.read_text("utf-8")
    mark = "    kernel.prctl(kernel.PR_SET_PDEATHSIG"
    assert mark in source
    lockdown.write_text(source.replace(mark, "    return folder\n" + mark), "utf-8")
    zygote = package / "sandbox" / "zygote.py"
    source = zygote.read_text("utf-8")
    mark = '"files": level is not Level.SECCOMP'  # the bare guest reads its tree from files, as at the full level
    assert mark in source
    zygote.write_text(source.replace(mark, '"files": True'), "utf-8")
    return folder


class Worker:
    """One of the two sides."""

    def __init__(self, path: Path, level: str) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", level]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(path)}
        )

    def ask(self, number: int) -> tuple[float, float, float]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        took, guest, parent = map(float, self.process.stdout.readline().split())
        return took, guest, parent

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def pairs(level: str, count: int, copy: Path) -> bool:
    """Whether the goal is met: the median of the differences in wall time."""
    held, bare = Worker(ROOT, level), Worker(copy, "seccomp")
    for side in (held, bare):  # the first check starts the fork server
        for number in range(3):
            side.ask(number)
    measured: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for number in range(count):
        first, second = (held, bare) if number % 2 else (bare, held)
        times = {first: first.ask(number)}
        times[second] = second.ask(number)
        measured.append((times[held], times[bare]))
    held.close()
    bare.close()
    print(f"{level}: {count} pairs; median in the sandbox, in a bare fork, of the differences (quartiles)")
    medians = []
    for place, name in enumerate(("wall time", "processor time of the guest", "processor time of the parent")):
        both = [(a[place], b[place]) for a, b in measured]
        added = sorted(a - b for a, b in both)
        middle = [statistics.median(column) for column in zip(*both, strict=True)]
        medians.append(statistics.median(added))
        spread = f"({added[count // 4]:.1f} to {added[3 * count // 4]:.1f})"
        print(f"  {name:30} {middle[0]:6.1f} {middle[1]:6.1f} {medians[-1]:+6.1f} ms {spread}", flush=True)
    return goal(f"added per check at {level}, median", medians[0], MOST_ADDED_MS, "ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--level", action="append")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="of the batches; both without it")
    parser.add_argument("--batch-worker", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--bare-worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    if options.batch_worker:
        level, bank, slug, first, count = options.batch_worker
        batch_worker(level, bank, slug, int(first), int(count))
        return
    if options.bare_worker:
        bank, slug, count = options.bare_worker
        bare_worker(bank, slug, int(count))
        return
    from reviewkit.sandbox.levels import KERNEL_LEVELS, lacking

    levels = options.level or [level.value for level in KERNEL_LEVELS if lacking(level) is None]
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; the goals are for an idle one")
    met = []
    with tempfile.TemporaryDirectory() as folder:
        copy = without_lock(Path(folder))
        met += [pairs(level, options.pairs, copy) for level in levels if options.pairs]
    if options.submissions:
        met += [batch(levels[0], slug, options.submissions) for slug in options.scenario or SCENARIOS]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
