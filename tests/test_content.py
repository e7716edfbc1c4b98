"""The shipped bank proves itself, and nothing of the key is where a candidate can see it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reviewkit.bank import find_bank
from reviewkit.bankcheck import Problem, canary_problems, read_problems
from reviewkit.bankisolates import isolate_faults, one_in
from reviewkit.bankproof import run_problems
from reviewkit.isolates import isolates_of

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)


def errors(problems: list[Problem]) -> list[str]:
    return [str(p) for p in problems if p.weight == "error"]


@pytest.mark.parametrize("slug", BANK.slugs)
def test_a_scenario_reads_without_a_problem(slug: str) -> None:
    assert [str(p) for p in read_problems(BANK.entry(slug))] == []


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("slug", BANK.slugs)
def test_a_scenario_proves_itself(slug: str, request: pytest.FixtureRequest) -> None:
    """Proofs on head, reference and isolates, hidden checks on reference, head and mutants, traces, probes, loads, linters."""
    full = request.config.getoption("--full")
    assert [str(p) for p in run_problems(BANK.entry(slug), quick=not full, share=1 if full else 3)] == []


def test_a_share_is_chosen_by_name_alone() -> None:
    names = [f"mutant-{number}" for number in range(60)]
    third = one_in(3, names, str)
    assert 10 <= len(third) <= 30
    assert one_in(3, [*names, "another"], str)[: len(third)] == third
    assert one_in(1, names, str) == names and len(one_in(10**9, names, str)) == 1


def test_an_isolate_for_which_no_proof_runs_is_a_fault() -> None:
    entry = BANK.entry("transactions")
    defect, (isolate, *_) = next(iter(isolates_of(entry).items()))
    assert isolate_faults(entry, defect, isolate, quick=True) == []
    assert isolate_faults(entry, "no-such-defect", isolate, quick=True) == ["no proof ran, so it shows nothing"]


def test_no_canary_on_the_candidates_side() -> None:
    assert errors(canary_problems(BANK)) == []


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_no_canary_and_no_rubric(wheel: Path) -> None:
    canaries = [entry.rubric.canary.encode() for entry in BANK]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in names:
            data = archive.read(name)
            assert not any(canary in data for canary in canaries), name
    assert not [name for name in names if "rubrics/" in name or name.startswith(("scenarios/", "tests/"))]


def test_the_wheel_brings_the_extensions(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        package = next(n for n in names if n.endswith("share/jupyter/labextensions/reviewkit/package.json"))
        load = json.loads(archive.read(package))["jupyterlab"]["_build"]["load"]
    assert any(n.endswith("share/jupyter/labextensions/reviewkit/" + load) for n in names)
    assert any(n.endswith("etc/jupyter/jupyter_server_config.d/reviewkit.json") for n in names)
    assert any(n.endswith("share/jupyter/lab/settings/overrides.d/reviewkit.json") for n in names)
    assert any(n.endswith("reviewkit/notebooks/score.ipynb") for n in names)
