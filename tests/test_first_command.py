"""The README's first command for real: a fresh environment, a tree and a home of an ordinary user, and root."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UID = 1000
"""Of the ordinary user, where the tests run as root; need not have a name."""
KEPT = ("reviewkit", "scenarios", "rubrics", "notebooks", "pyproject.toml", "requirements.lock", "README.md", "CHANGELOG.md", "LICENSE")
SCENARIO, REVIEWS = "ledger", ("middling-1", "weak-1")
"""What is left of the bank; with --full all of it is scored."""
PASSED_ON = re.compile(r"^(PIP_|SSL_|REQUESTS_|LANG$|LC_|HTTPS?_PROXY$|NO_PROXY$)", re.IGNORECASE)
USERS = ("ordinary", "root") if os.geteuid() == 0 else ("ordinary",)
pytestmark = [pytest.mark.kernel, pytest.mark.sandbox, pytest.mark.timeout(1500)]


class Machine:
    """A folder in which somebody who has nothing of ours yet works: a tree, a home, an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tree, self.bin = folder, folder / "tree", folder / "venv" / "bin"
        (folder / "home").mkdir()

    def environment(self, user: str) -> dict[str, str]:
        """Nothing of this process but how packages are reached."""
        kept = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        home = self.folder / "home" if user == "ordinary" else self.folder / "root"
        return {**kept, "HOME": str(home), "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin"}

    def start(self, user: str, *command: str) -> subprocess.Popen[str]:
        """Start a command in the tree as this user."""
        drop = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        return subprocess.Popen(
            [*(drop if user == "ordinary" and os.geteuid() == 0 else []), *command],
            cwd=self.tree, env=self.environment(user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def run(self, user: str, *command: str) -> str:
        """Run a command to its end; what it printed."""
        process = self.start(user, *command)
        out, err = process.communicate(timeout=1200)
        assert process.returncode == 0, f"{' '.join(command)}: exit {process.returncode}\n{out[-3000:]}\n{err[-3000:]}"
        return out


def python() -> str:
    """An interpreter that an ordinary user may start; a root's own may lie in a closed home."""
    for path in (os.path.realpath(sys.executable), shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        drop = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"] if os.geteuid() == 0 else []
        code = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
        # By way of a shell: setpriv itself still may start what its user may not.
        command = [*drop, "/bin/sh", "-c", 'exec "$0" -c "$1"', path or "", code]
        if path and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("first command: no Python 3.11 or newer with ensurepip that an ordinary user may start")


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The package installed by an ordinary user from a copy of the tree, as the README says."""
    interpreter = python()
    folder = Path(tempfile.mkdtemp(prefix="reviewkit-first-"))
    try:
        made = Machine(folder)
        made.tree.mkdir()
        for name in KEPT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, made.tree / name)
        if not request.config.getoption("--full"):
            reduce(made.tree)
        if os.geteuid() == 0:
            (folder / "root").mkdir()
            for path in (folder, *(p for p in folder.rglob("*") if p != folder / "root")):
                os.chown(path, UID, UID, follow_symlinks=False)
        made.run("ordinary", interpreter, "-m", "venv", str(folder / "venv"))
        made.run("ordinary", str(made.bin / "pip"), "install", "--quiet", "-c", "requirements.lock", ".")
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def reduce(tree: Path) -> None:
    """Leave one scenario with two completed notebooks."""
    for part in ("scenarios", "rubrics"):
        for folder in (tree / part).iterdir():
            if folder.is_dir() and folder.name != SCENARIO:
                shutil.rmtree(folder)
    for notebook in (tree / "rubrics" / SCENARIO / "calibration").glob("*.ipynb"):
        if notebook.stem not in REVIEWS:
            notebook.unlink()


@pytest.mark.parametrize("user", USERS)
def test_the_sample_interviews_are_scored_and_their_code_is_checked(machine: Machine, user: str) -> None:
    out = machine.folder / ("home" if user == "ordinary" else "root") / "out"
    shown = machine.run(user, str(machine.bin / "reviewkit"), "demo", "--no-serve", "--out", str(out))
    samples = sorted((machine.tree / "rubrics").glob("*/calibration/*.ipynb"))
    cards = [json.loads(path.read_text("utf-8")) for path in sorted((out / "scorecards").glob("*.json"))]
    assert len(cards) == len(samples) == len(list((out / "reports").glob("*.html")))
    for sample in samples:
        assert sample.stem in shown
    for card in cards:
        checks = [check for exercise in card["exercises"] for check in exercise["checks"]]
        assert checks
        assert {check["outcome"] for check in checks} <= {"passed", "failed", "time_limit"}
    for report in (out / "reports").glob("*.html"):
        assert str(report) in shown
        assert "hidden checks run in the sandbox" in report.read_text("utf-8")
    assert (out / "cohort.html").is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a folder of somebody else")
def test_an_output_folder_of_somebody_else_is_wrong_usage(machine: Machine) -> None:
    sample = next((machine.tree / "rubrics").glob("*/calibration/*.ipynb"))
    process = machine.start("ordinary", str(machine.bin / "reviewkit"), "score", str(sample), "--out", str(machine.folder / "root"))
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert err.strip() == f"reviewkit: {machine.folder / 'root'}: cannot be an output folder (Permission denied). Name another with --out."


@pytest.mark.parametrize("user", USERS)
def test_afterwards_a_workbook_is_served_until_it_is_interrupted(machine: Machine, user: str) -> None:
    for notebook in sorted((machine.tree / "rubrics").glob("*/calibration/*.ipynb"))[1:]:
        notebook.unlink()  # one is enough here; the test above has scored them all
    out = machine.folder / ("home" if user == "ordinary" else "root") / "served"
    process = machine.start(user, str(machine.bin / "reviewkit"), "demo", "--out", str(out))
    try:
        link = link_of(process)
        with opener().open(link, timeout=60) as page:
            assert page.status == 200
            assert "/login" not in page.url
            assert b"jupyter-config-data" in page.read()
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener().open(re.sub(r"^(https?://[^/]+/).*", r"\1api/contents", link), timeout=60)
        assert refused.value.code == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130, process.stderr and process.stderr.read()[-2000:]
    finally:
        process.kill()
        process.wait()
    with pytest.raises(urllib.error.URLError):
        opener().open(link, timeout=5)


def opener() -> urllib.request.OpenerDirector:
    """Straight to this machine, whatever proxy is set."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())


def link_of(process: subprocess.Popen[str]) -> str:
    """The first link that a command prints; what it said, when it ends without one."""
    assert process.stdout is not None
    said: list[str] = []
    deadline = time.monotonic() + 1200
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+token=\S+", line):
            return found.group()
        assert time.monotonic() < deadline, "".join(said)
    raise AssertionError("".join(said) + (process.stderr.read() if process.stderr else ""))
