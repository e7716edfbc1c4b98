"""One set of fork servers per batch worker: borrowed by its kernels, replaced when dead, gone with whoever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import made_submissions as made
import pytest
from test_cli import ROOT
from test_sandbox import _descendants, gone, load, soon

from reviewkit.harness import World
from reviewkit.sandbox import SandboxLauncher, folders, lend, lending, open_launcher
from reviewkit.sandbox.lending import ADDRESS, BorrowedServers, Lender
from reviewkit.sandbox.servers import OwnServers

pytestmark = pytest.mark.sandbox
GO = "async def go(env): return 1\n"
PATIENCE = 60.0


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lender]:
    monkeypatch.setenv(ADDRESS, "")
    lender = lend()
    assert lender is not None and os.environ[ADDRESS] == str(lender.address)
    yield lender
    lender.close()


def answer(launcher: SandboxLauncher, folder: Path) -> object:
    async def run() -> object:
        job = await launcher.launch(load(folder, GO), World())
        said = await job.ask("call", {"name": "go", "kwargs": {}}, 20)
        await job.close()
        return said.get("value")

    return asyncio.run(run())


def zygote_pid(lender: Lender) -> int:
    (zygote,) = lender._servers.zygotes.values()
    return zygote._process.pid


def test_borrowers_share_one_fork_server(lender: Lender, tmp_path: Path) -> None:
    pids = set()
    for _ in range(2):
        with open_launcher() as launcher:
            assert isinstance(launcher.servers, BorrowedServers)
            assert launcher.level is lender._servers.level
            assert answer(launcher, tmp_path) == 1
            folder = launcher.servers.folder
            assert folder.is_dir() and folder.parent == lender._servers.folder
        pids.add(zygote_pid(lender))
        assert not folder.exists()
    assert len(pids) == 1


def test_a_dead_fork_server_is_replaced_for_its_borrower(lender: Lender, tmp_path: Path) -> None:
    with open_launcher() as launcher:
        assert answer(launcher, tmp_path) == 1
        first = zygote_pid(lender)
        for pid in _descendants(first):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        (line,) = launcher.servers._lines.values()  # type: ignore[attr-defined]
        assert soon(lambda: not line.alive)
        assert answer(launcher, tmp_path) == 1
        assert zygote_pid(lender) != first


def test_without_a_lender_that_answers_a_launcher_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    for address in (None, "", str(tmp_path / "nobody")):
        if address is not None:
            monkeypatch.setenv(ADDRESS, address)
        with open_launcher() as launcher:
            assert isinstance(launcher.servers, OwnServers)
    assert answer_of_own(tmp_path) == 1


def answer_of_own(folder: Path) -> object:
    with open_launcher() as launcher:
        return answer(launcher, folder)


def test_a_lender_of_another_user_is_not_trusted(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "_same_user", lambda _other: False)
    with open_launcher() as launcher:
        assert isinstance(launcher.servers, OwnServers)


def test_the_socket_is_for_its_user_alone(lender: Lender) -> None:
    assert lender.address.parent.stat().st_mode & 0o777 == 0o700


def test_a_lender_keeps_few_fork_servers(lender: Lender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lending, "KEPT", 1)
    with open_launcher() as launcher:
        launcher.servers.line(("structlog",))
        launcher.servers.line(())
        kept = zygotes(lender)
        assert set(kept) == {("structlog",), ()}
    assert soon(lambda: lender._borrowers == 0)
    with open_launcher() as launcher:
        assert answer(launcher, tmp_path) == 1
    assert set(zygotes(lender)) == {()} and zygotes(lender)[()] == kept[()]


def zygotes(lender: Lender) -> dict[tuple[str, ...], int]:
    return {packages: zygote._process.pid for packages, zygote in lender._servers.zygotes.items()}


BORROWER = """
import asyncio, sys
from pathlib import Path
from reviewkit.harness import World
from reviewkit.harness.job import Load
from reviewkit.sandbox import open_launcher
folder = Path(sys.argv[1])
async def main():
    with open_launcher() as launcher:
        job = await launcher.launch(Load(folder / "tree", ("m",), (), folder / "driver.py"), World())
        task = asyncio.ensure_future(job.ask("call", {"name": "go", "kwargs": {}}, 60))
        await asyncio.sleep(0.2)
        print(Path(f"/proc/self/fdinfo/{job._pidfd}").read_text().split("Pid:")[1].split()[0], launcher.servers.folder, flush=True)
        await task
asyncio.run(main())
"""


def test_a_borrower_that_is_killed_leaves_nothing_and_harms_nobody(lender: Lender, tmp_path: Path) -> None:
    """Its guest dies, its folder goes, the fork server serves the next."""
    load(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nasync def go(env):\n    while True: pass\n")
    with subprocess.Popen([sys.executable, "-c", BORROWER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as borrower:
        assert borrower.stdout is not None
        assert select.select([borrower.stdout], [], [], PATIENCE)[0]
        guest, folder = borrower.stdout.readline().split()
        assert not gone(int(guest)) and Path(folder).is_dir()
        server = zygote_pid(lender)
        borrower.kill()
    assert soon(lambda: gone(int(guest)) and not Path(folder).exists())
    with open_launcher() as launcher:
        assert answer(launcher, tmp_path / "next") == 1
    assert zygote_pid(lender) == server


LENDER = """
import asyncio, sys, time
from reviewkit.sandbox import lend
lender = lend()
lender._servers.line(())
print(lender.address, lender._servers.folder, next(iter(lender._servers.zygotes.values()))._process.pid, flush=True)
time.sleep(600)
"""


def test_a_lender_that_is_killed_leaves_no_process_and_the_next_removes_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", LENDER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], PATIENCE)[0]
        address, stage, pid = process.stdout.readline().split()
        below = _descendants(int(pid))
        assert len(below) >= 1
        monkeypatch.setattr(folders, "YOUNG_SECONDS", -1.0)
        with contextlib.closing(Lender(OwnServers())):
            assert Path(address).exists() and Path(stage).is_dir()  # the owner lives
        process.kill()
    assert soon(lambda: all(map(gone, below)))
    assert Path(address).exists() and Path(stage).is_dir()
    with contextlib.closing(Lender(OwnServers())):
        assert not Path(address).exists() and not Path(stage).exists()


FILE = "txservice/store.py"
THREADS = 12
"""Of the slow mend, more than any other guest has: so it is known from outside."""
SLOW = f"import threading, time\nfor _ in range({THREADS}): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\ntime.sleep(1000)\n"


class Batch:
    """`reviewkit score --jobs 1` of a submission whose mend takes its time and of one that does not."""

    def __init__(self, folder: Path, engine: str = "fork") -> None:
        inbox = folder / "inbox"
        inbox.mkdir()
        review = made.review(mend={"mend": [FILE]})
        for name, text in (("slow", SLOW), ("quick", "raise ValueError\n")):
            mended = folder / name / "mend" / FILE
            mended.parent.mkdir(parents=True)
            mended.write_text(text)
            made.write(inbox / f"{name}.ipynb", made.completed(review, folder / name, candidate=name))
        self.out = folder / "out"
        files = [str(inbox / f"{name}.ipynb") for name in ("slow", "quick")]
        command = [sys.executable, "-m", "reviewkit.cli", "score", *files, "--out", str(self.out), "--json", "--jobs", "1"]
        command += ["--engine", engine]
        self.main = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def guest(self) -> int:
        """The guest of the slow mend, once it is there."""
        found: list[int] = []
        assert soon(lambda: bool(found.extend(self._guests()) or found), 5 * PATIENCE, every=0.3)
        return found[0]

    def _guests(self) -> list[int]:
        facts = {pid: status(pid) for pid in _descendants(self.main.pid)}
        return [pid for pid, fact in facts.items() if fact.get("Seccomp") == "2" and int(fact["Threads"]) > THREADS]

    def first_below(self, what: Callable[[str], bool]) -> int:
        return next(pid for pid in sorted(_descendants(self.main.pid)) if what(command_line(pid)))

    def servers(self) -> set[int]:
        """Fork servers; a guest has its server's command line, and its server above it."""
        found = {pid for pid in _descendants(self.main.pid) if is_server(command_line(pid))}
        return {pid for pid in found if not is_server(command_line(int(status(pid).get("PPid", "0"))))}


def status(pid: int) -> dict[str, str]:
    with contextlib.suppress(OSError):
        return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return {}


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def is_kernel(command: str) -> bool:
    return "ipykernel_launcher" in command


def is_forker(command: str) -> bool:
    return "reviewkit.engine.forkserver" in command


def is_worker(command: str) -> bool:
    return "multiprocessing.spawn" in command


def is_server(command: str) -> bool:
    return "forkserver.py" in command and "bwrap" not in command


@pytest.mark.kernel
def test_a_batch_keeps_the_fork_server_while_kernels_come_and_go(tmp_path: Path) -> None:
    """A kernel that is killed in mid-check, and again when it is tried once more, is one row; its neighbour is scored by the same fork server."""
    batch = Batch(tmp_path)
    for guest in (batch.guest() for _try in range(2)):
        forker, server = (batch.first_below(what) for what in (is_forker, is_server))
        (kernel,) = set(_descendants(forker)) - {forker}
        assert server not in _descendants(forker) and guest not in _descendants(forker)
        os.kill(kernel, signal.SIGKILL)
        assert soon(partial(gone, guest))
    seen: set[int] = set()
    while batch.main.poll() is None:
        seen |= batch.servers()
        time.sleep(0.3)
    assert seen == {server}
    said, _errors = batch.main.communicate()
    rows = {row["file"]: row for row in json.loads(said)}
    assert rows["slow.ipynb"]["unscored"] == "scoring_failed"
    assert rows["quick.ipynb"]["unscored"] == ""


@pytest.mark.kernel
@pytest.mark.parametrize(("victim", "engine"), [("main", "fork"), ("worker", "kernel")])
def test_nothing_outlives_a_batch_of_which_one_process_is_killed(victim: str, engine: str, tmp_path: Path) -> None:
    batch = Batch(tmp_path, engine)
    batch.guest()
    processes = _descendants(batch.main.pid)
    runs = is_forker if engine == "fork" else is_kernel
    assert any(runs(command_line(pid)) for pid in processes) and any(is_server(command_line(pid)) for pid in processes)
    os.kill(batch.main.pid if victim == "main" else batch.first_below(is_worker), signal.SIGKILL)
    below = [pid for pid in processes if pid != batch.main.pid]
    assert soon(lambda: all(map(gone, below)), PATIENCE), [command_line(pid) for pid in below if not gone(pid)]
    batch.main.communicate(timeout=PATIENCE)
