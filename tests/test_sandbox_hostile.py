"""No hostile fix passes a check, leaks anything, leaves anything behind, or touches its neighbours; at every level."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sandbox_bank import CANARY, CHECK_IDS, MODULE, REFERENCE, make_bank
from sandbox_fixes import FIXES, source

from reviewkit.bank import Entry
from reviewkit.checks import run_hidden_checks
from reviewkit.harness.job import Job, Load
from reviewkit.harness.world import World
from reviewkit.sandbox import GuestLoadError, Level, SandboxJob, SandboxLauncher
from reviewkit.sandbox.levels import KERNEL_LEVELS, lacking
from reviewkit.scorecard import CheckResult

pytestmark = pytest.mark.sandbox
BUSY = os.getloadavg()[0] > 2 * (os.cpu_count() or 1) or "PYTEST_XDIST_WORKER" in os.environ
LATE = ("time_limit", "not_measured") if BUSY else ()
"""How a check may end besides, where other work keeps the machine from what it would do in time."""


@dataclass
class Kept:
    """A launcher that keeps its jobs, so that a test can see each of them gone."""

    launcher: SandboxLauncher
    jobs: list[SandboxJob] = field(default_factory=list)

    async def launch(self, load: Load, world: World) -> Job:
        job = await self.launcher.launch(load, world)
        self.jobs.append(job)
        return job


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    return make_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module", params=KERNEL_LEVELS)
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    reason = lacking(request.param)
    if reason is not None:
        pytest.skip(reason)
    launcher = SandboxLauncher(request.param)
    yield Kept(launcher)
    launcher.close()


def run(entry: Entry, kept: Kept, text: str) -> dict[str, CheckResult]:
    results = asyncio.run(run_hidden_checks(entry, "mend", {MODULE: text}, kept, 1))
    return {result.check: result for result in results}


SHARES = {Level.LANDLOCK: 0, Level.SECCOMP: 1}
"""Which sixth of the corpus a lower level meets without --full; the whole of it meets the highest level always."""


@pytest.mark.parametrize("name", FIXES)
def test_a_hostile_fix_gets_nothing(
    name: str, entry: Entry, kept: Kept, outside: Path, request: pytest.FixtureRequest
) -> None:
    """Its checks end as they should, nothing leaks into a result, no file and no process is left."""
    assert entry.rubric_folder is not None
    share = SHARES.get(kept.launcher.level)
    if share is not None and list(FIXES).index(name) % 6 != share and not request.config.getoption("--full"):
        pytest.skip("with --full")
    results = run(entry, kept, source(name, str(entry.rubric_folder), str(outside)))
    assert set(results) == set(CHECK_IDS)
    assert all(result.outcome not in ("passed", "error", "not_run") for result in results.values()), results
    assert results["adds-up"].outcome in (*FIXES[name][1], *LATE), results["adds-up"]
    for result in results.values():
        assert CANARY not in result.seen and "root:" not in result.seen and "DONE" not in result.seen, result
        assert len(result.seen) <= 500 and result.seen.isprintable(), result
    assert list(outside.iterdir()) == []
    assert all(job.exit is not None for job in kept.jobs)
    kept.jobs.clear()


def test_neighbours_are_untouched(entry: Entry, kept: Kept, outside: Path) -> None:
    """An honest fix gets the same results before and after the worst ones, from the same fork server."""
    before = run(entry, kept, REFERENCE)
    assert all(result.outcome == "passed" for result in before.values()), before
    for name in ("patched-builtins", "memory-list", "exit-at-import", "json-deep", "kill-others", "thread-after-reply"):
        run(entry, kept, source(name, "/", str(outside)))
    assert run(entry, kept, REFERENCE) == before


def test_processes_share_nothing(entry: Entry, kept: Kept, tmp_path: Path) -> None:
    """Two jobs open at once see neither each other's tree nor each other's files."""

    async def both() -> list[object]:
        (tmp_path / "a" / "m").mkdir(parents=True)
        (tmp_path / "a" / "m" / "__init__.py").write_text("here = __file__")
        driver = tmp_path / "driver.py"
        driver.write_text(
            "import os, m\n"
            "async def where(env): return m.here\n"
            "async def mark(env):\n"
            "    try: open('/tmp/mark', 'x').close()\n"
            "    except OSError as error: return type(error).__name__\n"
            "async def look(env, path):\n"
            "    try: return open(path).read()\n"
            "    except OSError as error: return type(error).__name__\n"
        )
        (tmp_path / "b" / "m").mkdir(parents=True)
        (tmp_path / "b" / "m" / "__init__.py").write_text("here = __file__\nsecret = 1")
        one = await kept.launcher.launch(Load(tmp_path / "a", ("m",), (), driver), World())
        two = await kept.launcher.launch(Load(tmp_path / "b", ("m",), (), driver), World())
        folder = kept.launcher._trees[tmp_path / "b"][1]
        said = [
            (await one.ask("call", {"name": "mark", "kwargs": {}}, 5))["value"],
            (await two.ask("call", {"name": "mark", "kwargs": {}}, 5))["value"],
            (await one.ask("call", {"name": "look", "kwargs": {"path": f"{folder}/m/__init__.py"}}, 5))["value"],
            (await one.ask("call", {"name": "look", "kwargs": {"path": f"/stage/{folder.name}/m/__init__.py"}}, 5))["value"],
        ]
        await one.close()
        await two.close()
        return said

    first, second, foreign, staged = asyncio.run(both())
    assert first == second  # both may write to a file system of their own, or neither may
    assert foreign in ("PermissionError", "FileNotFoundError")
    assert staged in ("PermissionError", "FileNotFoundError")


THREADS = """
import asyncio, threading, time
async def many(env):
    try:
        for count in range(1000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: return count
    return 1000
async def one(env):
    return await asyncio.to_thread(lambda: 7)
"""


def test_a_guest_takes_no_threads_of_those_beside_it(kept: Kept, tmp_path: Path) -> None:
    """Guests of one fork server have one user, and may belong to several candidates."""
    if lacking(Level.NAMESPACES) is not None:
        pytest.skip("threads are counted per guest where user namespaces are allowed")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "__init__.py").write_text("")
    driver = tmp_path / "driver.py"
    driver.write_text(THREADS)

    async def beside() -> list[object]:
        load = Load(tmp_path, ("m",), (), driver)
        jobs = [await kept.launcher.launch(load, World()) for _ in range(2)]
        said = [(await jobs[0].ask("call", {"name": "many", "kwargs": {}}, 20))["value"] < 300]
        jobs.append(await kept.launcher.launch(load, World()))
        said += [(await job.ask("call", {"name": "one", "kwargs": {}}, 20)).get("value") for job in jobs[1:]]
        for job in jobs:
            await job.close()
        return said

    assert asyncio.run(beside()) == [True, 7, 7]


def test_what_cannot_be_loaded_says_so(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "__init__.py").write_text("raise ValueError('not today')")
    driver = tmp_path / "driver.py"
    driver.write_text("import m\n")
    with pytest.raises(GuestLoadError, match="ValueError while loading: not today") as caught:
        asyncio.run(kept.launcher.launch(Load(tmp_path, ("m",), (), driver), World()))
    assert caught.value.ending is None
