"""Evidence is run again in the sandbox, and only a check that fails for the flaw it is about earns a proof."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from forged_checks import FORGED, HONEST, OTHER_FLAW
from sandbox_bank import HEAD, MODULE, REFERENCE, make_bank

from reviewkit import evidence
from reviewkit.bank import Entry
from reviewkit.evidence import Aim, rerun
from reviewkit.isolates import Isolate, isolates_of, make, rewritten
from reviewkit.record import Evidence
from reviewkit.relay import shown
from reviewkit.sandbox import Level, SandboxLauncher
from reviewkit.sandbox.levels import KERNEL_LEVELS, lacking
from reviewkit.scorecard import EvidenceResult

ISOLATES = {
    "adds": [{"replace": [{"file": MODULE, "old": "return sum(prices)", "new": "return sum(prices) + 1"}]}],
    "keeps": [{"replace": [{"file": MODULE, "old": "(amount,))", "new": "(amount + 1,))"}]}],
}
ADDS = Aim(("adds",), ())
PROVEN = ("fails", "passes", ["fails"])


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    made = make_bank(tmp_path_factory.mktemp("bank"))
    assert made.rubric_folder is not None
    flawed = f'"""Sums, one too many."""\n# one too many\nONE_TOO_MANY = 1\n\n\n{HEAD}'
    (made.folder / "head" / MODULE).write_text(flawed)
    (made.rubric_folder / "isolates.yaml").write_text(yaml.safe_dump(ISOLATES))
    return made


@pytest.fixture(scope="module", params=KERNEL_LEVELS)
def launcher(request: pytest.FixtureRequest) -> Iterator[SandboxLauncher]:
    reason = lacking(request.param)
    if reason is not None:
        pytest.skip(reason)
    made = SandboxLauncher(request.param)
    yield made
    made.close()


def run(entry: Entry, launcher: SandboxLauncher | None, *codes: str, aim: Aim = ADDS) -> list[EvidenceResult]:
    pieces = [(Evidence(f"e{n}", "f1", code, "fails"), aim) for n, code in enumerate(codes)]
    return asyncio.run(rerun(entry, pieces, launcher))


def came(result: EvidenceResult) -> tuple[str, str, list[str]]:
    return result.head, result.reference, [p.outcome for p in result.put_back]


@pytest.mark.sandbox
def test_an_honest_check_fails_for_its_own_flaw_alone(entry: Entry, launcher: SandboxLauncher) -> None:
    (about_sums, about_keeping) = run(entry, launcher, HONEST, OTHER_FLAW)
    assert came(about_sums) == PROVEN
    assert about_sums.head_seen == "4 for 1 + 2"
    assert came(about_keeping) == ("fails", "passes", ["passes"]), "the difference it shows is another one"
    (same,) = run(entry, launcher, OTHER_FLAW, aim=Aim(("keeps",), ()))
    assert came(same) == PROVEN


@pytest.mark.sandbox
@pytest.mark.parametrize("kind", sorted(FORGED))
def test_a_forged_check_proves_nothing(entry: Entry, launcher: SandboxLauncher, kind: str) -> None:
    (result,) = run(entry, launcher, FORGED[kind])
    assert came(result) != PROVEN, result
    if kind not in ("coin", "random", "clock"):
        assert result.head == result.reference, "it told the trees apart"


@pytest.mark.sandbox
def test_the_looks_would_work_if_the_code_were_in_reach(entry: Entry) -> None:
    """The control: in the candidate's own kernel, with an ordinary stage, the same looks do tell the trees apart."""
    from reviewkit.guest.check import judge
    from reviewkit.proving import local_stage

    assert entry.rubric_folder is not None
    told = {}
    for kind in ("tree-read", "import-source", "docstring", "names", "line-numbers", "sys-modules"):
        outcomes = []
        for tree in (entry.folder / "head", entry.rubric_folder / "reference"):
            stage = local_stage(entry, tree)
            outcomes.append(asyncio.run(judge(stage, stage.kit, FORGED[kind], 10))[0])
        told[kind] = outcomes
    assert set(map(tuple, told.values())) == {("fails", "passes")}, told


@pytest.mark.sandbox
def test_repeats_and_texts(entry: Entry, launcher: SandboxLauncher) -> None:
    results = run(
        entry, launcher, FORGED["random"],
        "import os\nraise AssertionError(f'/tmp/x/y {object()} \\x1b[31m ' + 'w' * 9000)",
        "import os\nraise AssertionError(os.urandom(4).hex())",
    )  # fmt: skip
    lucky, long, changing = results
    assert "flaky" in (lucky.head, lucky.reference)
    assert long.head_seen.startswith("<path> <object object at 0x…>")
    assert "\x1b" not in long.head_seen and len(long.head_seen) <= 300
    assert (changing.head, changing.head_seen) == ("fails", "the text differs from run to run")


@pytest.mark.sandbox
def test_the_same_evidence_gives_the_same_results(entry: Entry, launcher: SandboxLauncher) -> None:
    codes = (HONEST, OTHER_FLAW, FORGED["always-fails"], FORGED["no-python"])
    assert run(entry, launcher, *codes) == run(entry, launcher, *codes)


@pytest.mark.sandbox
def test_an_endless_check_is_given_up(
    entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """After its first run, which uses up all the processor time that one may have; with one at a time that is one run."""
    if launcher.level is not Level.NAMESPACES and not request.config.getoption("--full"):
        pytest.skip("with --full")  # the limit is the same at each level
    monkeypatch.setattr(evidence, "SIDE_BY_SIDE", 1)
    (result,) = run(entry, launcher, "while True: pass")
    assert came(result) == ("error", "error", [])


def test_without_a_sandbox_nothing_is_run(entry: Entry) -> None:
    (result,) = run(entry, None, HONEST)
    assert came(result) == ("not_run", "not_run", [])
    assert result.head_seen == "no sandbox on this machine"


@pytest.mark.sandbox
def test_the_number_of_pieces_and_their_time_are_bounded(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_PIECES", 1)
    first, second = run(entry, launcher, HONEST, HONEST)
    assert came(first) == PROVEN
    assert (second.head, second.head_seen) == ("not_run", "only the first 1 pieces of evidence are run")
    monkeypatch.setattr(evidence, "TOTAL_SECONDS", -1.0)
    (late,) = run(entry, launcher, HONEST)
    assert (late.head, late.head_seen) == ("not_run", "the time for evidence was used up by pieces before it")


def test_isolates_are_made_from_the_mended_tree(entry: Entry, tmp_path: Path) -> None:
    assert entry.rubric_folder is not None
    (isolate,) = isolates_of(entry)["adds"]
    make(entry.rubric_folder, isolate, tmp_path / "adds")
    text = (tmp_path / "adds" / MODULE).read_text()
    assert text == REFERENCE.replace("sum(prices)", "sum(prices) + 1")
    with pytest.raises(Exception, match=r"stands 3 times in till/sums\.py"):
        make(entry.rubric_folder, Isolate.model_validate({"replace": [{"file": MODULE, "old": "(amount", "new": ""}]}), tmp_path / "b")
    with pytest.raises(Exception, match="there is no folder mutants/none"):
        make(entry.rubric_folder, Isolate(overlay="mutants/none"), tmp_path / "c")


def test_a_rewritten_tree_says_nothing_in_prose(entry: Entry, tmp_path: Path) -> None:
    rewritten(entry.folder / "head", tmp_path / "tree")
    text = (tmp_path / "tree" / MODULE).read_text()
    assert "one too many" not in text
    assert "return sum(prices) + 1" in text


def test_texts_keep_addresses_of_the_web(tmp_path: Path) -> None:
    assert shown(f"GET /orders/o-1 gave {tmp_path}/a.sqlite\nat 0x7f12ab34cd56") == "GET /orders/o-1 gave <path> at 0x…"
