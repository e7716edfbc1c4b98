"""The order of the files of a change: drawn from the invite's seed, the same wherever it is drawn, and no matter to anything else."""

from __future__ import annotations

import json
from pathlib import Path

from made_submissions import ROOT

from reviewkit.bank import find_bank
from reviewkit.event import parse_data
from reviewkit.eventdata import Kind
from reviewkit.fileorder import drawn, in_order
from reviewkit.forms import MIME, form
from reviewkit.grants import Grants, cell_hashes, grant_of, issue

WORKBOOK = ROOT / "notebooks" / "checkout.ipynb"


def shown(notebook: Path) -> list[str]:
    """Paths in the change of a notebook, in order; the plain view beside the form has the same order."""
    for cell in json.loads(notebook.read_bytes())["cells"]:
        for output in cell.get("outputs", ()):
            spec = output["data"].get(MIME, {})
            if spec.get("form") == "change":
                paths = [file["path"] for file in spec["files"]]
                at = [output["data"]["text/html"].index(f">{path}<") for path in paths]
                assert at == sorted(at)
                return paths
    raise AssertionError("no change")


def test_one_seed_one_order_and_many_orders_over_seeds() -> None:
    files = ["a.py", "b.py", "c.py", "d/e.py"]
    assert drawn(files, 7) == drawn(files[::-1], 7) == ("c.py", "b.py", "a.py", "d/e.py"), "fixed for good: a second server draws it again"
    orders = {drawn(files, seed) for seed in range(400)}
    assert len(orders) == 24, "every order occurs"
    firsts = [drawn(files, seed)[0] for seed in range(400)]
    assert min(firsts.count(file) for file in files) > 60, "no file is first much more often than another"


def test_a_copy_shows_what_its_seed_draws_and_nothing_else_differs(tmp_path: Path) -> None:
    grants = Grants(tmp_path / "state")
    stored = shown(WORKBOOK)
    plain = issue(WORKBOOK, tmp_path, grants=grants)
    assert (shown(plain.notebook), plain.grant.files) == (stored, ()), "without a seed as stored"
    one = issue(WORKBOOK, tmp_path, seed=5, grants=grants)
    assert shown(one.notebook) == list(one.grant.files) == list(drawn(stored, 5)) != stored
    again = grant_of(WORKBOOK, candidate="", record="abcdef", terms=None, seed=5)
    assert again.files == one.grant.files, "where the grants were lost"
    assert one.grant.cells == plain.grant.cells == cell_hashes(json.loads(WORKBOOK.read_bytes()))
    spec = form(find_bank(ROOT).entry("checkout"), "change")
    run = in_order(spec, one.grant.files)  # as `rk.change()` draws it
    assert [file["path"] for file in run["files"]] == shown(one.notebook)
    assert sorted(run["files"], key=lambda f: f["path"]) == sorted(spec["files"], key=lambda f: f["path"])
    assert in_order(spec, ()) == spec


def test_the_record_keeps_the_order_that_was_shown() -> None:
    data = {"slug": "checkout", "version": "1.0.0", "client": "x", "files": ["b.py", "a.py"]}
    assert parse_data(Kind.OPENED, data).model_dump()["files"] == ("b.py", "a.py")
