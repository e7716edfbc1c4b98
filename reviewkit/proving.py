"""Runs the code of a bank that is ours: probes, proofs, public checks, hidden checks and traces, on any tree.

Each suite runs in a process of its own, so that one tree's leftovers never meet another's. These processes are forks of a
server that has imported what trees usually need: most suites take less time than those imports.
A candidate's mended tree is not run here: see `reviewkit.sandbox`.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar

from reviewkit.bank import Entry
from reviewkit.errors import printable
from reviewkit.harness.job import LoadError
from reviewkit.harness.local import LocalLauncher
from reviewkit.harness.results import Mark, marked
from reviewkit.harness.stage import Stage, Tree, load_module
from reviewkit.harness.standing import Standing
from reviewkit.runtimes.sql import SqlHost

Item = TypeVar("Item")
Done = TypeVar("Done")
Suite = Literal["probes", "proofs", "public", "checks", "traces", "load"]
ITEM_SECONDS = 180.0
"""Ends what hangs; on a busy machine the longest take a minute."""
TICK_SECONDS = 0.05

_FRESH = multiprocessing.get_context("forkserver")
_FRESH.set_forkserver_preload([__name__, "reviewkit.cli", "reviewkit.provingwarm"])
_STARTING = threading.Lock()
AT_ONCE = 4
"""Trees that run at the same time: most of them mostly wait."""
_ROOM = threading.BoundedSemaphore(AT_ONCE)
_running: set[BaseProcess] = set()


class SuiteError(RuntimeError):
    """A suite gave no results: its file cannot be loaded, or its process ended or went on for too long."""


@dataclass(frozen=True)
class Result:
    """Outcome of one probe, proof, check or trace."""

    id: str
    outcome: str
    """probes and load: the verdict line; proofs: "shown" or "absent"; checks: "passed" or "failed"; traces: JSON; or "error"."""
    text: str
    """What was seen, or the error."""

    @property
    def error(self) -> bool:
        """Whether it could not be judged."""
        return self.outcome == "error"


def local_stage(entry: Entry, tree: Path, standing: Standing | None = None) -> Stage:
    """A stage that runs `tree` in a thread of this process."""
    s = entry.scenario
    return Stage(Tree(tree), entry.folder, s.modules, s.packages, LocalLauncher(), entry.rubric_folder, standing)


async def run_suite(entry: Entry, tree: Path, suite: Suite, seed: int = 1, only: str = "") -> list[Result]:
    """Run a suite of a scenario on a tree, one item after the other; of proofs and hidden checks `only` one where it is named."""
    database = SqlHost()
    try:
        async with Standing() as standing:
            stage = local_stage(entry, tree, standing)
            if suite != "checks":  # a candidate's code reaches none either
                stage = replace(stage, databases=partial(database.url, fresh=True))
            return await _suite(stage, entry, suite, seed, only)
    finally:
        database.close()


async def _suite(stage: Stage, entry: Entry, suite: Suite, seed: int, only: str) -> list[Result]:
    if suite == "probes":
        return [await _probe(stage, p.id, entry.folder / p.file) for p in entry.scenario.probes]
    if suite == "load":
        return [
            await _load(stage, e.id, entry.folder / e.run, seed) for e in entry.scenario.exercises if e.run is not None
        ]
    if suite == "public":
        return [
            result
            for exercise in entry.scenario.exercises
            if exercise.public_checks
            for result in await _checks(stage, entry.folder / exercise.public_checks, seed)
        ]
    if suite == "checks":
        return await _checks(stage, stage.rubric / "checks.py", seed, only)
    if suite == "proofs":
        return [await _proof(stage, mark, fn) for mark, fn in _load_marked(stage.rubric / "proofs.py", "proof", only)]
    return [await _trace(stage, mark, fn) for mark, fn in _load_marked(stage.rubric / "traces.py", "trace")]


def _load_marked(path: Path, kind: Literal["check", "proof", "trace"], only: str = "") -> list[tuple[Mark, Callable[..., Any]]]:
    found = list(marked(load_module(path), kind).values()) if path.is_file() else []
    return [(mark, function) for mark, function in found if only in ("", mark.id)]


async def _guarded(item_id: str, work: Awaitable[Any], tell: Callable[[Any], tuple[str, str]]) -> Result:
    limit = asyncio.timeout(ITEM_SECONDS)
    try:
        async with limit:
            outcome, text = tell(await work)
    except LoadError as error:
        return Result(item_id, "error", str(error))
    except Exception as error:  # a fault of the content is a finding about the content
        late = f"was not done within {ITEM_SECONDS:g} s"
        return Result(item_id, "error", late if limit.expired() else f"{type(error).__name__}: {error}")
    return Result(item_id, outcome, text)


async def _probe(stage: Stage, probe_id: str, path: Path) -> Result:
    return await _guarded(probe_id, load_module(path).run(stage), lambda r: (r.verdict, r.aside))


async def _load(stage: Stage, exercise_id: str, path: Path, seed: int) -> Result:
    def tell(recording: Any) -> tuple[str, str]:
        return recording.verdict, f"{len(recording.metrics)} metrics, {len(recording.events)} events"

    return await _guarded(exercise_id, load_module(path).run(stage, seed), tell)


async def _checks(stage: Stage, path: Path, seed: int, only: str = "") -> list[Result]:
    return [
        await _guarded(
            mark.id,
            function(stage, Random(f"{mark.id}:{seed}")),
            lambda v: ("passed" if v.passed else "failed", f"expected {v.expected}; saw {v.seen}"),
        )
        for mark, function in _load_marked(path, "check", only)
    ]


async def _proof(stage: Stage, mark: Mark, function: Callable[..., Any]) -> Result:
    return await _guarded(mark.id, function(stage), lambda s: ("shown" if s.shown else "absent", s.text))


async def _trace(stage: Stage, mark: Mark, function: Callable[..., Any]) -> Result:
    def tell(truth: Any) -> tuple[str, str]:
        return json.dumps({"order": list(truth.order), "marks": dict(truth.marks)}, sort_keys=True), ""

    return await _guarded(mark.id, function(stage), tell)


def run_in_process(
    entry: Entry, tree: Path, suite: Suite, seed: int = 1, seconds: float = 600, only: str = ""
) -> list[Result]:
    """Run a suite in a fresh process; of proofs and hidden checks `only` one where it is named.

    Raises:
        SuiteError: If that process fails or does not end in `seconds`.
    """
    receiver, sender = _FRESH.Pipe(duplex=False)
    with _ROOM, tempfile.NamedTemporaryFile() as said, receiver:
        process = _FRESH.Process(target=_run, args=(sender, said.name, entry.folder, entry.rubric_folder, tree, suite, seed, only))
        with _STARTING, sender:
            process.start()
            _running.add(process)
        try:
            if not receiver.poll(seconds):
                raise SuiteError(f"{suite} on {tree.name}/ did not end within {seconds:g} s")
            return list(receiver.recv())
        except EOFError:
            said_last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise SuiteError(f"{suite} on {tree.name}/ ended without results: {printable(said_last[0])[:300]}") from None
        finally:
            with _STARTING:
                _running.discard(process)
            process.kill()
            process.join()
            process.close()


def side_by_side(work: Callable[[Item], Done], items: Iterable[Item], at_once: int = AT_ONCE) -> list[Done]:
    """Do the same with each item, several at a time.

    Once one of them fails, or the user interrupts, nothing more is begun and every suite that runs is ended.
    """
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                _end_running()
                time.sleep(TICK_SECONDS)  # one that waited for room may begin in between
            raise


def _end_running() -> None:
    with _STARTING:
        for process in _running:
            process.kill()


def _run(
    sender: Connection, said: str, folder: Path, rubric: Path | None, tree: Path, suite: Suite, seed: int, only: str
) -> None:
    """What the fresh process does; what it prints goes to the file `said`."""
    with Path(said).open("wb", buffering=0) as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    sender.send(asyncio.run(run_suite(Entry(folder.name, folder, rubric), tree, suite, seed, only)))
