"""What the sandbox adds to a check, and how long a batch takes.

Two workers run the same hidden check of the scenario `transactions` in turn: one in the sandbox, one in a fork server
whose guests do not lock themselves down (a copy of the package, made here, from which the lock was cut; the package itself
has no such switch). The difference of each pair is what the sandbox costs.

    python benchmarks/sandbox/run.py [--pairs 60] [--submissions 100] [--level namespaces]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
CHECK = "merchants-do-not-meet"
UNGATED = (
    "cents-are-exact", "odd-amounts-are-refused", "unknown-merchant-is-refused", "key-with-other-amount",
    "key-with-other-receipt", "settled-means-kept", "repeat-is-settled", "merchants-do-not-meet",
)  # fmt: skip


def worker(level: str) -> None:
    """Work off standard input; answer with the time taken and each check's processor time, guest and parent, in ms."""
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

        async def once(check_id: str, seed: int) -> float:
            begun = time.perf_counter()
            verdict = await checks[check_id][1](stage, Random(f"{check_id}:{seed}"))
            assert verdict.passed, verdict
            return (time.perf_counter() - begun) * 1000

        for line in sys.stdin:
            command, number = line.split()
            jobs.clear()
            own = time.process_time()
            work = once(CHECK, int(number)) if command == "once" else batch(once, int(number))
            took = asyncio.run(work)
            guests = sum(job.exit.cpu for job in jobs if job.exit is not None) * 1000
            print(took, guests / len(jobs), (time.process_time() - own) * 1000 / len(jobs), flush=True)


async def batch(once, submissions: int) -> float:  # type: ignore[no-untyped-def]
    """Seconds for all checks of so many submissions, two at a time."""
    begun = time.perf_counter()
    free = asyncio.Semaphore(2)

    async def submission(number: int) -> None:
        async with free:
            for check_id in UNGATED:
                await once(check_id, number)

    await asyncio.gather(*(submission(number) for number in range(submissions)))
    return time.perf_counter() - begun


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

    def ask(self, command: str, number: int) -> tuple[float, float, float]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{command} {number}\n")
        self.process.stdin.flush()
        took, guest, parent = map(float, self.process.stdout.readline().split())
        return took, guest, parent

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def pairs(level: str, count: int, copy: Path) -> None:
    held, bare = Worker(ROOT, level), Worker(copy, "seccomp")
    for side in (held, bare):  # the first check starts the fork server
        for number in range(3):
            side.ask("once", number)
    measured: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for number in range(count):
        first, second = (held, bare) if number % 2 else (bare, held)
        times = {first: first.ask("once", number)}
        times[second] = second.ask("once", number)
        measured.append((times[held], times[bare]))
    held.close()
    bare.close()
    print(f"{level}: {count} pairs; median in the sandbox, in a bare fork, of the differences (quartiles)")
    for place, name in enumerate(("wall time", "processor time of the guest", "processor time of the parent")):
        both = [(a[place], b[place]) for a, b in measured]
        added = sorted(a - b for a, b in both)
        middle = [statistics.median(column) for column in zip(*both, strict=True)]
        spread = f"({added[count // 4]:.1f} to {added[3 * count // 4]:.1f})"
        print(f"  {name:30} {middle[0]:6.1f} {middle[1]:6.1f} {statistics.median(added):+6.1f} ms {spread}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--level", action="append")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    from reviewkit.sandbox import Level
    from reviewkit.sandbox.levels import lacking

    levels = options.level or [level.value for level in Level if lacking(level) is None]
    with tempfile.TemporaryDirectory() as folder:
        copy = without_lock(Path(folder))
        for level in levels:
            pairs(level, options.pairs, copy)
    if options.submissions:
        side = Worker(ROOT, levels[0])
        side.ask("once", 0)
        seconds, guest, parent = side.ask("batch", options.submissions)
        side.close()
        print(f"{options.submissions} submissions with {len(UNGATED)} checks each at {levels[0]}: {seconds:.1f} s, two at a time;")
        print(f"  processor time of a check: {guest:.1f} ms in the guest, {parent:.1f} ms in the parent")


if __name__ == "__main__":
    main()
