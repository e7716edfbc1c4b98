"""A sibling in JavaScript is what its source in TypeScript gives, and nothing of it was changed by hand."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

from reviewkit.bank import find_bank
from reviewkit.proving import run_in_process

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.node
def test_every_sibling_is_what_its_source_gives(capsys: pytest.CaptureFixture[str]) -> None:
    """Run: scripts/siblings"""
    loader = importlib.machinery.SourceFileLoader("siblings", str(ROOT / "scripts" / "siblings"))
    spec = importlib.util.spec_from_loader("siblings", loader)
    assert spec is not None
    siblings = importlib.util.module_from_spec(spec)
    sys.modules["siblings"] = siblings
    loader.exec_module(siblings)
    try:
        told = siblings.main(["--check"])
    finally:
        del sys.modules["siblings"]
    assert (told, capsys.readouterr().out) == (0, "")
    here = siblings.tidied("const a: number = f<string>(1);\ninterface B {}\n\nlet c;", "const a = f(1);\n \n\nlet c;")
    assert (here.text, here.lines) == ("const a = f(1);\n\nlet c;\n", {1: 1, 3: 2, 4: 3})


@pytest.mark.node
@pytest.mark.timeout(300)
@pytest.mark.parametrize("slug", [path.parent.name for path in sorted(ROOT.glob("rubrics/*/sibling.yaml"))])
def test_a_sibling_has_the_flaws_of_its_source(slug: str) -> None:
    """Shown on the change and gone from the reference; all else is proved of the source, and of the sibling with --full."""
    entry = find_bank(ROOT).entry(slug)
    assert entry.rubric_folder is not None
    known = {defect.id for defect in entry.rubric.defects}
    for tree, outcome in ((entry.folder / "head", "shown"), (entry.rubric_folder / "reference", "absent")):
        assert {r.id: r.outcome for r in run_in_process(entry, tree, "proofs")} == dict.fromkeys(known, outcome)
