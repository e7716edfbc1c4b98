"""Hidden checks: which tree they see, what their outcomes mean, and that the same files get the same verdicts."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sandbox_bank import CHECK_IDS, HEAD, MODULE, REFERENCE, make_bank

from reviewkit import checks, pace
from reviewkit.assess import UNDECIDED, hidden_checks
from reviewkit.bank import ContentError, Entry, find_bank
from reviewkit.bankproof import mutant_tree
from reviewkit.checks import Outcome, check_tree, run_hidden_checks
from reviewkit.harness.job import Job, Launcher, Load, LoadError
from reviewkit.harness.stage import find_driver
from reviewkit.harness.world import World
from reviewkit.record import ExerciseState, State
from reviewkit.sandbox import SandboxJob, SandboxLauncher, open_launcher
from reviewkit.scorecard import CheckResult
from reviewkit.words import ExerciseKind

sandboxed = pytest.mark.sandbox
BANK = find_bank(start=Path(__file__).parent)
SLUGS = [slug for slug in BANK.slugs if BANK.entry(slug).rubric_folder]


pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def launcher() -> Iterator[SandboxLauncher]:
    with open_launcher() as launcher:
        yield launcher


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return make_bank(tmp_path)


def run(entry: Entry, files: dict[str, str], launcher: Launcher | None, seed: int = 1) -> list[CheckResult]:
    return asyncio.run(run_hidden_checks(entry, "mend", files, launcher, seed))


def outcomes(results: list[CheckResult]) -> list[str]:
    return [result.outcome for result in results]


def change_check(entry: Entry, old: str, new: str) -> None:
    assert entry.rubric_folder is not None
    path = entry.rubric_folder / "checks.py"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


class Counting:
    """Counts what it is asked to run, and runs nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def launch(self, load: Load, world: World) -> Job:
        self.asked += 1
        raise LoadError("counted only")


def asked(entry: Entry, files: dict[str, str], outcome: Outcome = "failed") -> int:
    """How often code is run for this mend, where every check of the change as proposed ended with `outcome`."""
    known = [CheckResult(exercise="mend", check=check, title=check, outcome=outcome, expected="", seen="") for check in CHECK_IDS]
    counting = Counting()
    results = hidden_checks(entry, State(exercises={"mend": ExerciseState("mend", files=files)}), counting, known)
    assert (results == known) is (counting.asked == 0)
    return counting.asked


def test_a_mend_that_changes_nothing_has_the_results_of_the_change_as_proposed(entry: Entry) -> None:
    assert asked(entry, {}) == asked(entry, {MODULE: HEAD}) == asked(entry, {"other.py": "x = 1"}) == 0


def test_without_a_sandbox_nothing_looks_as_if_it_were_run(entry: Entry) -> None:
    """Results on the change as proposed may be known from a batch that had one."""
    known = [CheckResult(exercise="mend", check=check, title=check, outcome="failed", expected="", seen="") for check in CHECK_IDS]
    assert outcomes(hidden_checks(entry, State(), None, known)) == ["not_run"] * len(CHECK_IDS)


@pytest.mark.parametrize("outcome", sorted(UNDECIDED))
def test_what_was_not_decided_about_the_change_as_proposed_is_run_again(entry: Entry, outcome: Outcome) -> None:
    assert asked(entry, {MODULE: HEAD}, outcome) >= len(CHECK_IDS)


@pytest.mark.parametrize("text", [HEAD + "\n", HEAD.replace("\n", "\r\n"), "", "\ud800"])
def test_a_mend_that_differs_in_one_byte_is_run(entry: Entry, text: str) -> None:
    assert asked(entry, {MODULE: text}) >= len(CHECK_IDS)


@sandboxed
def test_the_reference_passes_and_the_head_does_not(entry: Entry, launcher: SandboxLauncher) -> None:
    good = run(entry, {MODULE: REFERENCE}, launcher)
    assert [result.check for result in good] == list(CHECK_IDS)
    assert outcomes(good) == ["passed"] * 3
    assert outcomes(run(entry, {MODULE: HEAD}, launcher)) == ["failed"] * 3
    assert outcomes(run(entry, {}, launcher)) == ["failed"] * 3


def test_without_a_sandbox_nothing_is_run(entry: Entry) -> None:
    results = run(entry, {MODULE: "raise SystemExit"}, None)
    assert outcomes(results) == ["not_run"] * 3
    assert {result.exercise for result in results} == {"mend"}


@sandboxed
def test_only_files_of_the_exercise_are_taken(entry: Entry, launcher: SandboxLauncher) -> None:
    assert entry.rubric_folder is not None
    before = (entry.rubric_folder / "checks.py").read_bytes()
    files = {
        MODULE: REFERENCE, "till/__init__.py": "raise ValueError", "../rubrics/till/checks.py": "", "/etc/x": "",
        "httpx.py": "raise ValueError", str(entry.rubric_folder / "checks.py"): "",
    }  # fmt: skip
    assert outcomes(run(entry, files, launcher)) == ["passed"] * 3
    assert (entry.rubric_folder / "checks.py").read_bytes() == before


@sandboxed
def test_code_that_does_not_load_fails(entry: Entry, launcher: SandboxLauncher) -> None:
    results = run(entry, {MODULE: "def total(:\n"}, launcher)
    assert outcomes(results) == ["failed"] * 3
    assert results[0].expected == "the code loads"
    assert results[0].seen.startswith("SyntaxError while loading: invalid syntax")


@sandboxed
def test_code_that_never_loads_is_tried_once(entry: Entry, launcher: SandboxLauncher) -> None:
    results = run(entry, {MODULE: "while True: pass\n"}, launcher)
    assert outcomes(results) == ["time_limit"] * 3
    assert len({result.seen for result in results}) == 1


@sandboxed
def test_an_answer_that_a_check_cannot_read_is_the_candidates(entry: Entry, launcher: SandboxLauncher) -> None:
    """A check that breaks off over an answer is `failed`, provided that it runs on the reference."""
    change_check(entry, "answer.value == sum(prices), f", "answer.value + 0 == sum(prices), f")
    results = run(entry, {MODULE: REFERENCE.replace("sum(prices)", "'text'")}, launcher)
    assert results[0].outcome == "failed"
    assert results[0].seen.startswith("an answer of a form that the check does not know: TypeError")


@sandboxed
def test_a_check_that_breaks_off_by_itself_is_an_error_of_ours(entry: Entry, launcher: SandboxLauncher) -> None:
    change_check(entry, "answer.value == sum(prices), f", "1 / 0, f")
    results = run(entry, {MODULE: REFERENCE}, launcher)
    assert outcomes(results) == ["error", "passed", "passed"]
    assert "ZeroDivisionError" in results[0].seen


@sandboxed
def test_a_busy_machine_is_not_held_against_anybody(
    entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of wall time while the parent itself did not get its turns: repeated once, then not measured."""
    runs = []
    once = checks._once

    async def counted(run: checks._Run, slow: float = 1.0) -> checks._Seen:
        runs.append(run.mark.id)
        return await once(run, slow)

    monkeypatch.setattr(checks, "_once", counted)
    sleeping = REFERENCE.replace("return sum(prices)", "import time; time.sleep(60)")
    assert outcomes(run(entry, {MODULE: sleeping}, launcher)) == ["time_limit", "passed", "passed"]
    assert runs == list(CHECK_IDS)
    runs.clear()
    monkeypatch.setattr(pace, "LEAST_TICKS", 100.0)
    monkeypatch.setattr(checks, "PATIENT", 1.5)
    assert outcomes(run(entry, {MODULE: sleeping}, launcher)) == ["not_measured", "passed", "passed"]
    assert runs == ["adds-up", *CHECK_IDS]


@sandboxed
def test_a_check_has_an_end(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECK_SECONDS", 1.0)
    change_check(entry, "await job.call(\"keep\", timeout=2,", "await job.call(\"keep\", timeout=200,")
    results = run(entry, {MODULE: REFERENCE.replace("connection.close()", "import asyncio; await asyncio.sleep(99)")}, launcher)
    assert results[1].outcome == "time_limit"
    assert results[1].seen == "no verdict within 1 s"


@sandboxed
def test_texts_are_one_clean_line(entry: Entry, launcher: SandboxLauncher) -> None:
    hostile = REFERENCE.replace("sum(prices)", "'\\x1b[2J\\u202e\\n' * 1000")
    change_check(entry, "{answer.value!r}", "{answer.value}")
    seen = run(entry, {MODULE: hostile}, launcher)[0].seen
    assert len(seen) == 500 and seen.isprintable() and "\\u001b[2J\\u202e" in seen


def test_a_key_that_names_no_check_is_an_error_of_the_bank(entry: Entry) -> None:
    change_check(entry, '@check("is-kept"', '@check("is-lost"')
    with pytest.raises(ContentError, match=r"till/checks.py: lacks is-kept"):
        run(entry, {}, None)


@sandboxed
def test_the_same_files_get_the_same_verdicts(
    entry: Entry, launcher: SandboxLauncher, request: pytest.FixtureRequest
) -> None:
    """Also in another fork server, and with every text the same."""
    times = 20 if request.config.getoption("--full") else 4
    fixes = [REFERENCE, HEAD, "import os\nos._exit(0)\n", REFERENCE.replace("sum(prices)", "10**5000")]
    first = [run(entry, {MODULE: fix}, launcher) for fix in fixes]
    for _ in range(times - 1):
        assert [run(entry, {MODULE: fix}, launcher) for fix in fixes] == first
    with open_launcher() as another:
        assert [run(entry, {MODULE: fix}, another) for fix in fixes] == first


def mend(entry: Entry) -> str:
    return next(exercise.id for exercise in entry.scenario.exercises if exercise.kind is ExerciseKind.MEND)


@sandboxed
@pytest.mark.parametrize("slug", SLUGS)
def test_a_reference_of_the_bank_passes_every_check(slug: str, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """And in Java none spins: a driver that does not see when a database tries again instead of waiting costs tens of times the others."""
    entry = BANK.entry(slug)
    assert entry.rubric_folder is not None
    jobs: list[SandboxJob] = []
    launch = launcher.launch

    async def heard(load: Load, world: World) -> SandboxJob:
        jobs.append(await launch(load, world))
        return jobs[-1]

    monkeypatch.setattr(launcher, "launch", heard)
    results = asyncio.run(check_tree(entry, mend(entry), entry.rubric_folder / "reference", launcher, 1))
    assert [result.check for result in results if result.outcome != "passed"] == []
    spent = [job.exit.cpu for job in jobs if job.exit is not None]
    if find_driver(entry.folder).suffix == ".java":
        assert max(spent) < 5 * statistics.median(spent), spent


MUTANTS = [
    pytest.param(slug, path.parent, id=f"{slug}-{path.parent.name}")
    for slug in SLUGS
    for path in sorted((BANK.entry(slug).rubric_folder or Path()).glob("mutants/*/mutant.yaml"))
]


@sandboxed
@pytest.mark.parametrize(("slug", "mutant"), MUTANTS)
def test_a_mutant_of_the_bank_is_caught(
    slug: str, mutant: Path, launcher: SandboxLauncher, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if slug != "transactions" and not request.config.getoption("--full"):
        pytest.skip("with --full")
    entry = BANK.entry(slug)
    results = asyncio.run(check_tree(entry, mend(entry), mutant_tree(entry, mutant, tmp_path), launcher, 1))
    caught_by = yaml.safe_load((mutant / "mutant.yaml").read_text("utf-8"))["caught_by"]
    # One whose code waits for ever is caught by running out of time, which costs the points all the same.
    assert {result.check: result.outcome for result in results}[caught_by] in ("failed", "time_limit")


def test_only_others_can_make_a_machine_busy() -> None:
    """A guest that sleeps, or keeps itself or the parent busy, does not turn a time limit into `not measured`."""

    def starved(ticks: int, *, own: float = 0.0, guests: float = 0.1, waited: float = 0.0) -> bool:
        begun, used = checks.time.monotonic() - 10, checks.time.process_time() - own
        return pace.Pace(begun=begun, used=used, ticks=ticks).starved(guests, waited)

    assert starved(0)
    assert not starved(190)
    assert not starved(0, guests=5.0)
    assert not starved(0, own=6.0)
    assert starved(190, waited=8.0)
    assert not starved(190, guests=2.9, waited=3.5)  # its threads waited for each other
    assert not starved(190, own=2.9, waited=3.5)  # it waited for the parent, which it kept busy


@sandboxed
def test_the_kernel_tells_a_guest_that_waits_for_a_processor_from_one_that_sleeps(
    entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept from running by something more important on its only processor, against sleeping by itself."""
    change_check(entry, '"total", timeout=4,', '"total", timeout=2,')
    every = checks._checks
    monkeypatch.setattr(checks, "_checks", lambda entry, exercise: every(entry, exercise)[:1])
    monkeypatch.setattr(checks, "_run", checks._once)  # a busy machine is what this is about, so nothing is repeated for it
    code = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass\n"
    core = min(os.sched_getaffinity(0))
    loops = REFERENCE.replace("return sum(prices)", "\n    while True: pass")
    sleeps = REFERENCE.replace("return sum(prices)", "import time; time.sleep(60)")

    def longest(held: SandboxLauncher, text: str) -> tuple[float, float]:
        """Wait and processor time of the guest that waited most."""
        watched = checks._Watched(held)
        asyncio.run(run_hidden_checks(entry, "mend", {MODULE: text}, watched, 1))
        guests = [(job.waited, job.exit.cpu) for job in watched.jobs if isinstance(job, SandboxJob) and job.exit is not None]
        return max(guests)

    before = os.sched_getaffinity(0)
    # A session each: the kernel shares a processor out among sessions first, and the guest has one of its own.
    command = [sys.executable, "-c", code, str(core)]
    others: list[subprocess.Popen[bytes]] = []
    try:
        os.sched_setaffinity(0, {core})
        with open_launcher() as pinned:  # its processes inherit the one processor
            run(entry, {MODULE: REFERENCE}, pinned)  # its fork server is there before the others
            others += [subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) for _ in range(2)]
            for other in others:
                assert other.stdout is not None
                other.stdout.readline()
            kept = longest(pinned, loops)
    finally:
        os.sched_setaffinity(0, before)
        for other in others:
            other.kill()
            other.communicate()
    asleep = longest(launcher, sleeps)
    assert kept[0] > kept[1], kept
    assert asleep[0] < kept[0] / 2, (asleep, kept)
