"""The sandbox's life: levels, launching, endings, and that nothing outlives the parent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewkit.errors import ReviewkitError
from reviewkit.harness import Calls, Gate, Reply, World
from reviewkit.harness.job import Load
from reviewkit.sandbox import (
    Ending,
    Level,
    SandboxError,
    SandboxJob,
    SandboxLauncher,
    SandboxUnavailableError,
    bubblewrap,
    levels,
    open_launcher,
    probe_level,
)  # fmt: skip
from reviewkit.sandbox.levels import KERNEL_LEVELS
from reviewkit.sandbox.reach import package_folder, reach, reachable_by_all
from reviewkit.sandbox.wasi import cpython

sandboxed = pytest.mark.sandbox
PACKAGES = ("aiosqlite", "httpx", "sqlalchemy", "structlog")


@pytest.fixture(params=KERNEL_LEVELS)
def launcher(request: pytest.FixtureRequest) -> Iterator[SandboxLauncher]:
    reason = levels.lacking(request.param)
    if reason is not None:
        pytest.skip(reason)
    with open_launcher(request.param) as launcher:
        yield launcher


def load(folder: Path, driver: str, packages: tuple[str, ...] = (), module: str = "") -> Load:
    (folder / "tree" / "m").mkdir(parents=True, exist_ok=True)
    (folder / "tree" / "m" / "__init__.py").write_text(module)
    (folder / "driver.py").write_text(driver)
    return Load(folder / "tree", ("m",), packages, folder / "driver.py")


def gone(pid: int) -> bool:
    """Whether a process ended; a zombie that nobody has collected yet has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rsplit(")", 1)[1].split()[0] == "Z"


def soon(condition: Callable[[], bool], seconds: float = 10.0, every: float = 0.05) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return condition()


def pid_of(job: SandboxJob) -> int:
    found = re.search(r"^Pid:\s+(\d+)", Path(f"/proc/self/fdinfo/{job._pidfd}").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


MANY = '''
import asyncio, sqlite3, threading
import httpx, structlog
from sqlalchemy import text, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

async def setup(env):
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, env.log_processor])
    env.state["engine"] = create_async_engine(env.database_url("main"))

async def both(env, n):
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"https://a.test/{n}")
    async with env.state["engine"].begin() as connection:
        await connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": n})
    structlog.get_logger().info("done", n=n)
    env.emit("done", {"n": n})
    return reply.json()

def _blocking(env, n, answers):
    answers.append(httpx.get(f"https://a.test/{n}").json())
    with create_engine(env.sync_database_url("main")).begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": n})

async def threads(env, count):
    answers = []
    threads = [threading.Thread(target=_blocking, args=(env, n, answers)) for n in range(count)]
    for thread in threads: thread.start()
    await asyncio.get_running_loop().run_in_executor(None, lambda: [thread.join() for thread in threads])
    return sorted(answers)

async def told(env, count):
    for n in range(count):
        env.emit("told", {"n": n})
    return count
'''


def counting_world(together: int) -> tuple[World, Gate]:
    world = World()
    world.database("main", "CREATE TABLE t (n INTEGER)")
    gate = world.gate(together, patience=10)

    async def echo(call: Any) -> Reply:
        await gate.wait()
        return Reply(200, json=int(call.path[1:]))

    world.http("a.test", echo)
    return world, gate


@sandboxed
def test_many_requests_are_in_flight_from_coroutines_and_threads(launcher: SandboxLauncher, tmp_path: Path) -> None:
    async def run() -> tuple[World, list[Any], Any]:
        world, gate = counting_world(12)
        job = await launcher.launch(load(tmp_path, MANY, PACKAGES), world)
        calls = Calls(job, world)
        threads = asyncio.create_task(calls.call("threads", count=4))
        together = await calls.gather([("both", {"n": n}) for n in range(8)])
        threaded = await threads
        heard = len(world.facts)
        assert (await calls.call("told", count=100)).value == 100
        assert [data["n"] for _kind, data in world.facts[heard:]] == list(range(100))  # all there before the answer, in order
        del world.facts[heard:]
        await job.close()
        assert gate.arrived == 12  # eight coroutines and four threads waited at the service at the same moment
        rows = world.db().rows("SELECT count(*) FROM t")
        world.close()
        assert rows == [(12,)]
        return world, together, threaded

    world, together, threaded = asyncio.run(run())
    assert [answer.value for answer in together] == list(range(8)), together
    assert threaded.value == [0, 1, 2, 3], threaded
    assert sorted(data["n"] for _kind, data in world.facts) == list(range(8))
    assert sorted(event["n"] for event in world.logs) == list(range(8))


@sandboxed
def test_a_cancelled_request_is_taken_back(launcher: SandboxLauncher, tmp_path: Path) -> None:
    driver = (
        "import asyncio, httpx\n"
        "async def go(env):\n"
        "    async with httpx.AsyncClient() as client:\n"
        "        try: await asyncio.wait_for(client.get('https://slow.test/'), 0.2)\n"
        "        except asyncio.TimeoutError: return 'gave up'\n"
    )

    async def run() -> tuple[Any, bool]:
        world, cancelled = World(), asyncio.Event()

        async def slow(_call: Any) -> Reply:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return Reply()

        world.http("slow.test", slow)
        job = await launcher.launch(load(tmp_path, driver, ("httpx",)), world)
        answer = await Calls(job, world).call("go")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cancelled.wait(), 5)
        await job.close()
        return answer.value, cancelled.is_set()

    assert asyncio.run(run()) == ("gave up", True)


@sandboxed
def test_beats_stop_while_the_loop_is_blocked(launcher: SandboxLauncher, tmp_path: Path) -> None:
    driver = "import time\nasync def block(env): time.sleep(0.5)\nasync def rest(env):\n    import asyncio\n    await asyncio.sleep(0.5)\n"

    async def run(name: str) -> int:
        job = await launcher.launch(load(tmp_path, driver), World())
        calls = Calls(job, World())
        await calls.heartbeat()
        await calls.call(name)
        beats = await calls.beats()
        await job.close()
        return len(beats)

    rest, block = asyncio.run(run("rest")), asyncio.run(run("block"))
    assert rest > 2 * block, (rest, block)


ENDINGS = {
    "loop": ("while True: pass", Ending.TIME_LIMIT),
    "leave": ("import os; os._exit(3)", Ending.CRASHED),
    "forge": ("import os; os.write(3, b'\\1\\0\\0\\0x')", Ending.STOPPED),
}


@sandboxed
@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_has_its_reason(name: str, launcher: SandboxLauncher, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if name == "loop" and launcher.level is not Level.NAMESPACES and not request.config.getoption("--full"):
        pytest.skip("with --full")  # the limit is the same at each level, and takes 5 s to reach
    body, ending = ENDINGS[name]

    async def run() -> tuple[SandboxJob, Any, Any]:
        driver = f"async def go(env):\n    {body}\n    import asyncio; await asyncio.sleep(9)\n"
        job = await launcher.launch(load(tmp_path, driver), World())
        first = await job.ask("call", {"name": "go", "kwargs": {}}, 60)
        second = await job.ask("call", {"name": "go", "kwargs": {}}, 60)
        await job.close()
        return job, first, second

    job, first, second = asyncio.run(run())
    assert job.ending is ending
    assert first == second
    assert first["error"] == ("TimeLimit" if ending is Ending.TIME_LIMIT else "GuestClosed")
    assert job.exit is not None and (ending is not Ending.TIME_LIMIT or job.exit.cpu >= 2.5)


ODD = """
import sqlite3, uuid, structlog
async def setup(env): structlog.configure(processors=[env.log_processor])
async def bind(env):
    try: sqlite3.connect("world:main").execute("SELECT ?", (uuid.uuid4(),))
    except sqlite3.Error as error: return type(error).__name__
async def log(env):
    structlog.get_logger().info("odd", text="half \\ud800", number=10**2000, more={1: object})
    return "logged"
"""


@sandboxed
def test_odd_values_break_nothing(tmp_path: Path) -> None:
    """What cannot cross is an error of the database where SQLite has one, and plain text in a log."""

    async def run() -> tuple[Any, Any, World]:
        world = World()
        world.database("main", "CREATE TABLE t (n INTEGER)")
        with open_launcher() as launcher:
            job = await launcher.launch(load(tmp_path, ODD, ("structlog",)), world)
            calls = Calls(job, world)
            answers = await calls.call("bind"), await calls.call("log")
            await job.close()
        world.close()
        return *answers, world

    bind, log, world = asyncio.run(run())
    assert bind.value == "ProgrammingError", bind
    assert log.value == "logged", log
    assert world.logs[0]["text"] == r"'half \ud800'"


@sandboxed
def test_files_of_the_tree_can_be_read_where_files_can(launcher: SandboxLauncher, tmp_path: Path) -> None:
    driver = (
        "import pathlib, pkgutil, m\n"
        "async def a(env): return pathlib.Path(m.__file__).with_name('d.txt').read_text()\n"
        "async def b(env): return pkgutil.get_data('m', 'd.txt')\n"
    )
    order = load(tmp_path, driver)
    (tmp_path / "tree" / "m" / "d.txt").write_text("data")

    async def run() -> tuple[Any, Any]:
        job = await launcher.launch(order, World())
        calls = Calls(job, World())
        answers = await calls.call("a"), await calls.call("b")
        await job.close()
        return answers

    plain, packaged = asyncio.run(run())
    assert packaged.value == b"data"
    assert plain.value == "data" or (launcher.level is Level.SECCOMP and plain.error == "PermissionError")


@sandboxed
def test_a_package_that_is_not_declared_is_not_installed(launcher: SandboxLauncher, tmp_path: Path) -> None:
    """An ImportError, which code is written for, at every level; a module of the tree may have such a name."""
    driver = (
        "async def other(env):\n"
        "    try: import pytest\n"
        "    except ImportError as error: return type(error).__name__\n"
        "async def own(env):\n"
        "    import papermill\n"
        "    return papermill.mine\n"
    )
    order = load(tmp_path, driver)
    (tmp_path / "tree" / "papermill.py").write_text("mine = 1")

    async def run() -> list[Any]:
        job = await launcher.launch(Load(order.root, ("m", "papermill"), ("structlog",), order.driver), World())
        calls = Calls(job, World())
        answers = [await calls.call("other"), await calls.call("own")]
        await job.close()
        return [answer.value or answer for answer in answers]

    assert asyncio.run(run()) == ["ModuleNotFoundError", 1]


@sandboxed
def test_a_dead_fork_server_is_an_error_and_is_replaced(launcher: SandboxLauncher, tmp_path: Path) -> None:
    order = load(tmp_path, "async def go(env): return 1\n")

    async def run() -> None:
        job = await launcher.launch(order, World())
        guest, (zygote,) = pid_of(job), launcher.servers.zygotes.values()
        descendants = _descendants(zygote._process.pid)
        for pid in descendants:
            if pid != guest:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert soon(lambda: gone(guest))
        assert "error" in await job.ask("call", {"name": "go", "kwargs": {}}, 5)
        await job.close()
        assert job.ending is Ending.CRASHED
        assert await asyncio.to_thread(soon, lambda: not zygote.line.alive)
        again = await launcher.launch(order, World())
        assert await again.ask("call", {"name": "go", "kwargs": {}}, 5) == {"value": 1}
        await again.close()

    asyncio.run(run())


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, left = [], [pid]
    while left:
        current = left.pop()
        found.append(current)
        left += parents.get(current, [])
    return found


PARENT = """
import asyncio, sys, time
from pathlib import Path
from reviewkit.harness import World
from reviewkit.harness.job import Load
from reviewkit.sandbox import Level, SandboxLauncher
folder = Path(sys.argv[2])
async def main():
    launcher = SandboxLauncher(Level(sys.argv[1]))
    job = await launcher.launch(Load(folder / "tree", ("m",), (), folder / "driver.py"), World())
    asyncio.ensure_future(job.ask("call", {"name": "go", "kwargs": {}}, 60))
    await asyncio.sleep(0.2)
    print(next(iter(launcher.servers.zygotes.values()))._process.pid, launcher.servers.folder, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@sandboxed
@pytest.mark.parametrize("level", KERNEL_LEVELS)
def test_nothing_outlives_a_parent_that_is_killed(level: Level, tmp_path: Path) -> None:
    reason = levels.lacking(level)
    if reason is not None:
        pytest.skip(reason)
    load(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nasync def go(env):\n    while True: pass\n")
    command = [sys.executable, "-c", PARENT, level.value, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        ready, _, _ = select.select([parent.stdout], [], [], 60)
        assert ready
        pid, folder = parent.stdout.readline().split()
        processes = _descendants(int(pid))
        assert len(processes) >= 2
        parent.kill()
    shutil.rmtree(folder)  # what a killed parent cannot do
    assert soon(lambda: all(gone(pid) for pid in processes))


@sandboxed
@pytest.mark.parametrize("level", KERNEL_LEVELS)
def test_a_guest_dies_with_its_fork_server_though_nobody_is_there_to_kill_it(level: Level, tmp_path: Path) -> None:
    """The parent is stopped, so that it cannot; the guest is busy, so that it does not end by itself."""
    reason = levels.lacking(level)
    if reason is not None:
        pytest.skip(reason)
    load(tmp_path, "async def go(env):\n    while True: pass\n")
    command = [sys.executable, "-c", PARENT, level.value, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert select.select([parent.stdout], [], [], 60)[0]
        pid, folder = parent.stdout.readline().split()
        processes = _descendants(int(pid))
        (guest,) = [pid for pid in processes if _has_filter(pid)]
        try:
            parent.send_signal(signal.SIGSTOP)
            for process in processes:
                if process != guest:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            assert soon(lambda: gone(guest), 4.0)  # sooner than its processor time runs out
        finally:
            parent.kill()
    shutil.rmtree(folder)


def _has_filter(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text()
    return False


@sandboxed
def test_closing_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    order = load(tmp_path, "async def go(env): return 1\n")
    with open_launcher() as launcher:
        asyncio.run(_once(launcher, order))
        processes = [pid for zygote in launcher.servers.zygotes.values() for pid in _descendants(zygote._process.pid)]
        folder = launcher.servers.folder
        assert processes and folder.is_dir()
    # bubblewrap may leave an instant before the first process of its namespace is gone.
    assert soon(lambda: all(gone(pid) for pid in processes))
    assert not folder.exists()
    with pytest.raises(SandboxError, match="closed"):
        asyncio.run(_once(launcher, order))


async def _once(launcher: SandboxLauncher, order: Load) -> None:
    job = await launcher.launch(order, World())
    assert await job.ask("call", {"name": "go", "kwargs": {}}, 5) == {"value": 1}
    await job.close()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was probed is forgotten before and after."""
    caches = (levels.probe_level, levels.lacking, levels.working_bubblewrap)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_without_any_means_nothing_is_run(monkeypatch: pytest.MonkeyPatch, forgotten: None) -> None:
    monkeypatch.setattr(levels.seccomp, "supported", lambda: False)
    monkeypatch.setattr(cpython, "compiled", lambda: None)
    with pytest.raises(SandboxUnavailableError, match=r"not run.*Install bubblewrap") as caught:
        probe_level()
    assert isinstance(caught.value, ReviewkitError)
    with pytest.raises(SandboxUnavailableError):
        SandboxLauncher()
    for level in Level:
        with pytest.raises(SandboxUnavailableError):
            SandboxLauncher(level)


@sandboxed
def test_without_bubblewrap_a_lower_level_is_taken(monkeypatch: pytest.MonkeyPatch, forgotten: None) -> None:
    monkeypatch.setattr(bubblewrap, "candidates", lambda: iter(()))
    assert probe_level() in (Level.LANDLOCK, Level.SECCOMP)
    assert levels.lacking(Level.NAMESPACES) == "bubblewrap is not installed"


@sandboxed
def test_a_bubblewrap_that_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forgotten: None) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace, likely because' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "candidates", lambda: iter([str(broken)]))
    assert levels.lacking(Level.NAMESPACES) == "the kernel does not let ordinary processes make user namespaces"


def test_a_level_says_what_it_is() -> None:
    assert [level.value for level in Level] == ["namespaces", "landlock", "seccomp", "wasi"]
    assert all("limits" in level.words for level in Level)


def test_only_declared_packages_can_be_reached() -> None:
    found = {Path(path).name for path in reach(("sqlalchemy",)).packages}
    assert {"sqlalchemy", "greenlet", "typing_extensions.py", "guest", "inner"} <= found
    assert not {"fastapi", "pytest", "httpx", "pip"} & found


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(SandboxError, match="'no-such-package' that the scenario declares is not installed"):
        reach(("no-such-package",))


def test_nothing_of_the_key_can_be_reached() -> None:
    """Of reviewkit itself a guest sees what runs inside, and nothing of the hiring side."""
    own = [Path(path) for path in reach(PACKAGES).readable if Path(path).is_relative_to(package_folder())]
    assert sorted(path.relative_to(package_folder()).as_posix() for path in own) == ["guest", "harness", "sandbox/inner"]


def test_the_inside_imports_nothing_of_the_parent() -> None:
    code = (
        "import sys, types\n"
        f"for name, path in (('reviewkit', {str(package_folder())!r}), ('reviewkit.sandbox', {str(package_folder() / 'sandbox')!r})):\n"
        "    module = types.ModuleType(name); module.__path__ = [path]; sys.modules[name] = module\n"
        "import reviewkit.sandbox.inner.member, reviewkit.sandbox.inner.lockdown, reviewkit.sandbox.inner.memory, json\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('reviewkit'))))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    names = json.loads(done.stdout)
    inside = ("reviewkit.guest", "reviewkit.sandbox.inner")
    assert all(name in ("reviewkit", "reviewkit.sandbox") or name.startswith(inside) for name in names), names


@sandboxed
def test_an_interpreter_below_a_closed_folder_can_be_used(tmp_path: Path) -> None:
    """A virtual environment in a home that only its owner may enter, links and all."""
    if levels.lacking(Level.NAMESPACES) is not None:
        pytest.skip("needs namespaces")
    home = tmp_path / "home"
    site = home / "site-packages"
    shutil.copytree(package_folder(), site / "reviewkit", ignore=shutil.ignore_patterns("__pycache__", "labextension", "frontend"))
    home.chmod(0o700)
    assert not reachable_by_all((str(site),))
    view = Path(__file__).with_name("sandbox_view.py")
    others = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, str(view), "namespaces"], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(site), *others])},
    )  # fmt: skip
    facts = json.loads(done.stdout)
    assert facts and all(facts.values()), facts


@sandboxed
def test_an_ordinary_user_has_a_sandbox_too(tmp_path: Path) -> None:
    """Where the tests run as root, the same holds for somebody else at each level that it can have."""
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user already")
    python = _interpreter_for_all()
    if python is None:
        pytest.skip("no interpreter of this version that everybody can reach")
    view = Path(__file__).with_name("sandbox_view.py")
    paths = [str(package_folder().parent), *(path for path in sys.path if path.endswith("site-packages"))]
    for level in KERNEL_LEVELS:
        done = subprocess.run(
            [python, str(view), level.value], capture_output=True, text=True, check=True, user=54321, group=54321, extra_groups=[],
            cwd="/", env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        facts = json.loads(done.stdout)
        for fact in ("no socket", "no fork", "no program", "passwd cannot be read", "no capabilities", "little memory"):
            assert facts.get(fact), (level, facts)


def _interpreter_for_all() -> str | None:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    paths = (str(package_folder()), *(path for path in sys.path if path.endswith("site-packages")))
    return found if found and reachable_by_all((found, *paths)) else None
