"""Interviewers' notebooks: whole, run from top to bottom, and never where a candidate gets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reviewkit.anchor import Span
from reviewkit.bank import Bank, find_bank
from reviewkit.cli import app
from reviewkit.drawing import Drawing, differences, drawing_html
from reviewkit.errors import UsageError
from reviewkit.guides.build import build_guides, refuse_candidates
from reviewkit.guides.fix import side_by_side
from reviewkit.harness.results import marked
from reviewkit.harness.stage import load_module
from reviewkit.keyring import new_key, public_text, read_keys
from reviewkit.live.guide import read_guide
from reviewkit.ownwheel import own_wheel, wheel_members
from reviewkit.publishing import publish

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)
SLUG = "transactions"


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every guide of the sample bank."""
    folder = tmp_path_factory.mktemp("guides")
    built = build_guides(BANK, (), folder)
    assert [slug for slug, _ in built] == list(BANK.slugs)
    assert build_guides(BANK, (), folder, check=True) == []
    return {slug: json.loads(path.read_text("utf-8")) for slug, path in built}


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """One scenario that a test may change."""
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, tmp_path / "bank" / part / SLUG)
    return find_bank(tmp_path / "bank")


def words(notebook: dict[str, Any]) -> str:
    return "\n".join(cell["source"] for cell in notebook["cells"])


@pytest.mark.parametrize("slug", BANK.slugs)
def test_it_says_all_of_the_key_and_has_a_proof_for_every_flaw(guides: dict[str, dict[str, Any]], slug: str) -> None:
    entry, notebook = BANK.entry(slug), guides[slug]
    text = words(notebook)
    flat = " ".join(text.split())
    assert entry.rubric_folder is not None
    known = read_guide((entry.rubric_folder / "guide.md").read_text("utf-8"))
    proofs = marked(load_module(entry.rubric_folder / "proofs.py"), "proof")
    for defect in entry.rubric.defects:
        assert defect.id in proofs
        for call in (f'guide.prove("{defect.id}")', f'guide.fix("{defect.id}")'):
            assert call in [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for said in (defect.title, *defect.sees, *defect.understands, *defect.mends, *defect.follow_ups, *known[defect.id].hints, known[defect.id].listen):
            assert " ".join(said.split()) in flat
    for gate in entry.rubric.gates:
        assert gate.statement in text
    for claim in entry.rubric.claims:
        assert " ".join(claim.why.split()).replace("|", "\\|") in flat
    assert entry.rubric.canary in text
    assert entry.rubric.canary in json.dumps(notebook["metadata"])
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for stage in ("## Day 1: the review", "## Day 3: the architecture", "## Day 5: the degraded system"):
        assert sum(cell["source"].startswith(stage) for cell in notebook["cells"]) == 1


@pytest.mark.kernel
def test_it_runs_from_top_to_bottom_and_every_proof_comes_out_as_planned(tmp_path: Path) -> None:
    """With plain papermill, in a kernel of its own, from another folder than the bank's."""
    ((_, path),) = build_guides(BANK, (SLUG,), tmp_path / "private")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWKIT_")}
    command = [sys.executable, "-m", "papermill", path.name, "run.ipynb", "-k", "python3", "--no-progress-bar"]
    done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    notebook = json.loads((path.parent / "run.ipynb").read_text("utf-8"))
    said = {source(cell): outputs(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"}
    for defect in BANK.entry(SLUG).rubric.defects:
        lines = said[f'guide.prove("{defect.id}")'].split("\n")
        assert [line.split(" (")[0] for line in lines] == ["on the change: shown", "on the reference: absent"]
        assert "@@ " in said[f'guide.fix("{defect.id}")']
    assert "the key says the same" in said['guide.trace("trace")']


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def outputs(cell: dict[str, Any]) -> str:
    return "".join("".join(o.get("data", {}).get("text/plain", [])) for o in cell["outputs"])


def test_publish_and_the_wheel_leave_it_out(bank: Bank, tmp_path: Path) -> None:
    """It lies where `build --guides` puts it, and nothing of it gets out: neither the file nor its canary."""
    ((_, path),) = build_guides(bank, (), None)
    assert path == bank.root / "rubrics" / SLUG / "guide.ipynb"
    canary = bank.entry(SLUG).rubric.canary.encode()
    assert canary in path.read_bytes()
    done = CliRunner().invoke(app, ["build", SLUG, "--bank", str(bank.root)])
    assert done.exit_code == 0, done.output
    new_key(tmp_path / "keys")
    keys = read_keys(tmp_path / "keys")
    publish(bank, (), tmp_path / "site", keys=keys, public_keys=public_text(keys))
    files = [p for p in (tmp_path / "site").rglob("*") if p.is_file()]
    members = dict(wheel_members(own_wheel()[1])) | {str(p): p.read_bytes() for p in files}
    assert len(files) > 20
    assert [name for name, data in members.items() if canary in data or name.endswith("guide.ipynb")] == []


@pytest.mark.parametrize("place", ["scenarios/transactions", "notebooks", "binder/deep/er"])
def test_no_folder_of_a_candidate_gets_one(bank: Bank, place: str) -> None:
    done = CliRunner().invoke(app, ["build", "--guides", "--bank", str(bank.root), "--out", str(bank.root / place)])
    assert isinstance(done.exception, UsageError)
    assert "holds the answer key" in str(done.exception)
    assert list(bank.root.rglob("*.ipynb")) == list((bank.root / "rubrics").rglob("*.ipynb"))


def test_no_published_repository_and_no_link_to_one_gets_one(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "site" / "sub").mkdir(parents=True)
    (tmp_path / "site" / "publication.json").write_text("{}", "utf-8")
    (tmp_path / "looks-harmless").symlink_to(tmp_path / "site" / "sub")
    for folder in (tmp_path / "site", tmp_path / "looks-harmless", Path(sys.modules["reviewkit"].__file__ or "").parent):
        with pytest.raises(UsageError, match="which candidates get"):
            refuse_candidates(folder, bank)
    refuse_candidates(tmp_path / "mine", bank)


def test_without_a_rubric_there_is_no_guide(bank: Bank) -> None:
    shutil.rmtree(bank.root / "rubrics")
    with pytest.raises(UsageError, match="no rubric"):
        build_guides(find_bank(bank.root), (SLUG,))


def test_the_fix_shows_the_hunks_near_a_flaw_and_pairs_their_lines() -> None:
    head = "".join(f"line {n}\n" for n in range(1, 41))
    reference = head.replace("line 5\n", "line five\nand more\n").replace("line 35\n", "line thirty-five\n")
    near = side_by_side("a.py", head, reference, [Span("a.py", 6, 6)])
    assert near is not None
    ((_, pairs),) = near.hunks
    assert ((5, "line 5", "-"), (5, "line five", "+")) in pairs
    assert (None, (6, "and more", "+")) in pairs
    whole = side_by_side("a.py", head, reference)
    assert whole is not None
    assert len(whole.hunks) == 2
    assert side_by_side("a.py", head, reference, [Span("a.py", 20, 20)]) is None
    assert side_by_side("a.py", head, head) is None


def test_a_drawing_is_held_against_the_truth_in_words_and_shapes() -> None:
    entry = BANK.entry(SLUG)
    exercise = entry.scenario.exercise("trace")
    key = entry.rubric.exercises["trace"]
    truth = Drawing(key.order, key.marks)
    assert differences(exercise, truth, truth) == ()
    assert "agree in every point" in drawing_html(exercise, truth, truth)
    first, second, *rest = key.order
    wrong = Drawing([second, first, *rest, "<b>no such layer</b>"], {**key.marks, "commits": "store", "<i>": "session"})
    found = differences(exercise, wrong, truth)
    assert found[0].what == "The order of the layers"
    assert len(found) == 2
    html = drawing_html(exercise, wrong, truth)
    assert "differ in 2 points" in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "no such layer" in html
