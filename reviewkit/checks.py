"""Runs the hidden checks of a mend against a candidate's files, in the sandbox and nowhere else.

The checks themselves run here, in the parent; the candidate's tree answers from its own locked-down process. A check's
verdict counts only while that process lived as it should: one that crashed, was stopped or ran out of time passes nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

from reviewkit.allowance import Allowance
from reviewkit.bank import ContentError, Entry
from reviewkit.errors import ReviewkitError, printable
from reviewkit.harness.job import Job, Launcher, Load, LoadError
from reviewkit.harness.results import Mark, Verdict, marked
from reviewkit.harness.stage import Stage, Tree, find_driver, load_module
from reviewkit.harness.world import World
from reviewkit.pace import Pace, ticking
from reviewkit.runtimes import guests
from reviewkit.sandbox import GuestLacksError, SandboxError, SandboxJob
from reviewkit.scenario import Exercise
from reviewkit.scorecard import CheckResult

CHECK_SECONDS = 40.0
"""Wall time of one check, from outside."""
MAX_TEXT = 500
PATIENT = 10.0
"""How much longer calls may take where a check is repeated because the machine was busy: long enough for code that never ends to use up
its processor time, which is an answer."""

Outcome = Literal[
    "passed", "failed", "error", "time_limit", "memory_limit", "crashed", "stopped", "not_run", "not_measured"
]
Function = Callable[[Stage, Random], Any]


@dataclass(frozen=True)
class _Seen:
    """What one run of one check came to."""

    outcome: Outcome
    expected: str = ""
    seen: str = ""
    starved: bool = False
    """The machine was too busy for the wall time to be the guest's."""
    lost: bool = False
    """The sandbox itself failed: no guest could be started, or its fork server ended. Twice over it counts as it is."""
    never_loads: bool = False
    """The code used up its processor time while it was loaded; it would do so in every check."""
    own: float = 0.0
    """Seconds that it took, without those in which parent or guest was ready to go on and had no processor."""


async def run_hidden_checks(
    entry: Entry, exercise_id: str, edited: Mapping[str, str], launcher: Launcher | None, seed: int
) -> list[CheckResult]:
    """Run every hidden check of an exercise.

    Args:
        entry: The scenario with its rubric.
        exercise_id: A mend of it.
        edited: The candidate's files by path; files that are not of this exercise are left out.
        launcher: The sandbox; None where there is none, and then nothing is run.
        seed: Of the checks' inputs; the same seed gives the same inputs.

    Returns:
        One result per check that the rubric names, in the rubric's order.

    Raises:
        ContentError: If the rubric's checks cannot be loaded.
    """
    if launcher is None:
        nothing = _Seen("not_run", seen="no sandbox on this machine")
        return [_result(exercise_id, mark, nothing) for mark, _ in _checks(entry, exercise_id)]
    with tempfile.TemporaryDirectory(prefix="reviewkit-mend-") as folder:
        return await check_tree(entry, exercise_id, _mended(entry, exercise_id, edited, Path(folder)), launcher, seed)


async def check_tree(entry: Entry, exercise_id: str, tree: Path, launcher: Launcher, seed: int) -> list[CheckResult]:
    """Run every hidden check of an exercise on a whole tree; see `run_hidden_checks`.

    Raises:
        ContentError: If the rubric's checks cannot be loaded.
    """
    await asyncio.to_thread(guests.prepare, find_driver(entry.folder))  # not in the time of a check
    with ticking():  # so that one thread does for all checks
        return await _check_all(entry, exercise_id, tree, launcher, seed)


async def _check_all(entry: Entry, exercise_id: str, tree: Path, launcher: Launcher, seed: int) -> list[CheckResult]:
    results = []
    allowance = Allowance()
    never: _Seen | None = None
    for mark, function in _checks(entry, exercise_id):
        begun = time.monotonic()
        rest = allowance.rest
        seen = never or (_Seen(rest[0], seen=rest[1]) if rest else await _run(_Run(entry, tree, launcher, mark, function, seed)))
        allowance.charge(seen.outcome, seen.own, time.monotonic() - begun)
        never = seen if seen.never_loads else never
        results.append(_result(exercise_id, mark, seen))
    return results


def _checks(entry: Entry, exercise_id: str) -> list[tuple[Mark, Function]]:
    place = f"rubrics/{entry.slug}/checks.py"
    key = entry.rubric.exercises.get(exercise_id)
    if key is None or entry.rubric_folder is None:
        raise ContentError(f"rubrics/{entry.slug}/rubric.yaml", (f"has no key for exercise {exercise_id!r}",))
    try:
        found = marked(load_module(entry.rubric_folder / "checks.py"), "check")
    except Exception as error:  # the file is code of the rubric's author
        raise ContentError(place, (f"{type(error).__name__}: {error}",)) from None
    missing = [check_id for check_id in key.checks if check_id not in found]
    if missing:
        raise ContentError(place, (f"lacks {', '.join(missing)}, which rubric.yaml names",))
    return [found[check_id] for check_id in key.checks]


def is_unmended(entry: Entry, exercise: Exercise, edited: Mapping[str, str]) -> bool:
    """Whether the tree under test would be the change as proposed, byte for byte."""
    head = entry.folder / "head"
    return all(
        (head / file).is_file() and (head / file).read_bytes() == _bytes(edited[file])
        for file in exercise.files
        if file in edited
    )


def _bytes(text: str) -> bytes:
    """A candidate's file as it is laid out; what Python cannot read is the guest's to refuse."""
    return text.encode("utf-8", "surrogatepass")


def _mended(entry: Entry, exercise_id: str, edited: Mapping[str, str], folder: Path) -> Path:
    """The head tree with the candidate's files laid over it."""
    tree = folder / "tree"
    shutil.copytree(entry.folder / "head", tree, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), copy_function=shutil.copyfile)
    exercise = next(item for item in entry.scenario.exercises if item.id == exercise_id)
    for file in exercise.files:
        if file in edited:
            target = tree / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_bytes(edited[file]))
    return tree


@dataclass
class _Watched:
    """Passes jobs on and remembers them, so that their endings can be asked for afterwards."""

    launcher: Launcher
    slow: float = 1.0
    """How much longer than usual calls may take."""
    jobs: list[Job] = field(default_factory=list)

    async def launch(self, load: Load, world: World) -> Job:
        try:
            job = await self.launcher.launch(load, world)
        except LoadError as error:
            failed = getattr(error, "job", None)
            self.jobs += [] if failed is None else [failed]
            raise
        if isinstance(job, SandboxJob):
            job.allow(self.slow)
        self.jobs.append(job)
        return job

    @property
    def ending(self) -> tuple[Outcome, str] | None:
        """How the first guest ended that did not live as it should."""
        for job in self.jobs:
            ending = getattr(job, "ending", None)
            if ending is not None:
                return ending.value, getattr(job, "ending_text", "")
        return None

    @property
    def cpu(self) -> float:
        """Processor seconds of all guests that have ended."""
        ends = [getattr(job, "exit", None) for job in self.jobs]
        return float(sum(end.cpu for end in ends if end is not None))

    @property
    def out_of_cpu(self) -> bool:
        """Whether a guest ended because it had used up its processor time."""
        return self.ending is not None and self.ending[0] == "time_limit"

    @property
    def waited(self) -> float:
        """Seconds that a guest's most delayed thread had no processor, at the worst."""
        return max((float(getattr(job, "waited", 0.0)) for job in self.jobs), default=0.0)

    def taken(self) -> float:
        """Seconds that others took from the living guests so far, at the worst."""
        return max((job.look() for job in self.jobs if isinstance(job, SandboxJob)), default=0.0)

    @property
    def lacks(self) -> list[str]:
        """Parts that the code asked for and the guests do not have, by their own word."""
        return list(dict.fromkeys(part for job in self.jobs for part in getattr(job, "lacks", ())))

    def any(self, name: str) -> bool:
        return any(getattr(job, name, False) for job in self.jobs)


@dataclass(frozen=True)
class _Run:
    entry: Entry
    tree: Path
    launcher: Launcher
    mark: Mark
    function: Function
    seed: int

    def on(self, tree: Path) -> _Run:
        """The same check on another tree."""
        return _Run(self.entry, tree, self.launcher, self.mark, self.function, self.seed)


async def _run(run: _Run) -> _Seen:
    """Run a check; what only a busy machine or a dead fork server may have caused is repeated once."""
    first = seen = await _once(run)
    if first.starved or first.lost:
        seen = await _once(run, PATIENT if first.starved else 1.0)
        if seen.starved:
            return _Seen("not_measured", seen.expected, "the machine was too busy, twice")
        if first.starved:  # the patience is ours: it uses up no more of the exercise than the first run did
            seen = replace(seen, own=min(seen.own, first.own))
    return seen


async def _once(run: _Run, slow: float = 1.0) -> _Seen:
    watched = _Watched(run.launcher, slow)
    with ticking() as pace:
        seen = await _look(run, watched, pace)
        return replace(seen, own=watched.cpu if watched.out_of_cpu else pace.own(watched.waited))


async def _look(run: _Run, watched: _Watched, pace: Pace) -> _Seen:
    scenario, entry = run.entry.scenario, run.entry
    stage = Stage(Tree(run.tree), entry.folder, scenario.modules, scenario.packages, watched, entry.rubric_folder)
    try:
        work = run.function(stage, Random(f"{run.mark.id}:{run.seed}"))
        verdict = await _within(work, watched)
    except TimeoutError:
        return _out_of_time(watched, "", f"no verdict within {CHECK_SECONDS:g} s", pace.starved(watched.cpu, watched.waited))
    except LoadError as error:
        return _not_loaded(error, pace.starved(watched.cpu, watched.waited), watched)
    except GuestLacksError as error:
        return _Seen("not_run", seen=str(error))
    except ReviewkitError as error:
        return _Seen("error", seen=str(error), lost=isinstance(error, SandboxError))
    except Exception as error:  # an answer that the check cannot read, or a fault of the check
        return await _blame(run, watched, error)
    return _judged(verdict, watched, pace.starved(watched.cpu, watched.waited))


async def _within(work: Coroutine[Any, Any, Verdict], watched: _Watched) -> Verdict:
    """The verdict, within the wall time of a check; what others took from the guests comes on top, up to as much again.

    Raises:
        TimeoutError: If there is none by then.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=CHECK_SECONDS)
        if not task.done():
            await asyncio.wait({task}, timeout=max(0.0, min(watched.taken(), CHECK_SECONDS)))
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _judged(verdict: Verdict, watched: _Watched, starved: bool) -> _Seen:
    ending = watched.ending
    if ending is not None:
        return _Seen(ending[0], verdict.expected, f"{ending[1]}; {verdict.seen}", lost=watched.any("lost"))
    if verdict.passed:
        return _Seen("passed", verdict.expected, verdict.seen)
    if watched.any("out_of_memory"):
        return _Seen("memory_limit", verdict.expected, verdict.seen)
    if watched.any("out_of_time"):
        return _out_of_time(watched, verdict.expected, verdict.seen, starved)
    if watched.lacks:
        return _lacking(watched)
    return _Seen("failed", verdict.expected, verdict.seen)


def _out_of_time(watched: _Watched, expected: str, text: str, starved: bool) -> _Seen:
    ending = watched.ending
    if ending is not None:
        return _Seen(ending[0], expected, f"{ending[1]}; {text}", lost=watched.any("lost"))
    return _Seen("time_limit", expected, text, starved)


def _not_loaded(error: LoadError, starved: bool, watched: _Watched) -> _Seen:
    ending = getattr(error, "ending", None)
    if ending is None and watched.lacks:
        return _lacking(watched)
    if ending is None:
        return _Seen("failed", "the code loads", str(error))
    by_wall = getattr(error, "by_wall", False)
    endless = ending == "time_limit" and not by_wall
    lost = watched.any("lost")
    return _Seen(ending.value, "the code loads", str(error), starved=starved and by_wall, lost=lost, never_loads=endless)


def _lacking(watched: _Watched) -> _Seen:
    """What fails where the guest lacks a part of Python that the code uses says nothing about the code."""
    return _Seen("not_run", seen=f"level wasi has no {', '.join(watched.lacks)}, which the code uses; score on Linux")


async def _blame(run: _Run, watched: _Watched, error: Exception) -> _Seen:
    """A check broke off: put down to the answers if it runs on the reference, to the check if not."""
    text = f"{type(error).__name__}: {error}"
    ending = watched.ending
    if ending is not None:
        return _Seen(ending[0], seen=f"{ending[1]}; {text}", lost=watched.any("lost"))
    if watched.lacks:
        return _lacking(watched)
    assert run.entry.rubric_folder is not None  # noqa: S101 - checks were loaded from it
    reference = run.entry.rubric_folder / "reference"
    if run.tree == reference:
        return _Seen("error", seen=f"the check broke off: {text}")
    if (await _run(run.on(reference))).outcome == "passed":
        return _Seen("failed", seen=f"an answer of a form that the check does not know: {text}")
    return _Seen("error", seen=f"the check broke off: {text}")


def _result(exercise_id: str, mark: Mark, seen: _Seen) -> CheckResult:
    return CheckResult(
        exercise=exercise_id, check=mark.id, title=mark.title, outcome=seen.outcome,
        expected=_shown(seen.expected), seen=_shown(seen.seen),
    )  # fmt: skip


def _shown(text: Any) -> str:
    """One line for a report: no control characters, bounded."""
    line = printable(" ".join(str(text)[: 4 * MAX_TEXT].split()))
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
