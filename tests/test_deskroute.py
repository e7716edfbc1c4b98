"""Where the hiring desk's notebook goes, and which servers have one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reviewkit.bank import Bank
from reviewkit.deskroute import free_place, hiring_bank, parameters
from reviewkit.grants import PARENT_VARIABLE


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REVIEWKIT_BANK", "REVIEWKIT_RUBRICS", PARENT_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    scenario = tmp_path / "scenarios" / "one"
    scenario.mkdir(parents=True)
    (scenario / "scenario.yaml").write_text("")
    return tmp_path


def test_only_a_server_with_rubrics_has_a_desk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hiring_bank(root) is None, "as a candidate's image has it"
    (root / "rubrics").mkdir()
    assert hiring_bank(root) == Bank(root, root / "rubrics")
    monkeypatch.setenv(PARENT_VARIABLE, "1")
    assert hiring_bank(root) is None, "`reviewkit open` shows what a candidate sees, also beside the rubrics"
    monkeypatch.delenv(PARENT_VARIABLE)
    monkeypatch.setenv("REVIEWKIT_BANK", str(root / "nothing"))
    assert hiring_bank(root) is None, "a server must start all the same"


def test_what_the_variables_name_stands_in_the_form(root: Path) -> None:
    given = parameters(Bank(root, root / "rubrics"), root, {"REVIEWKIT_REPO": "owner/site", "REVIEWKIT_HUB": "", "HOME": "/x"})
    assert given == {"out": str(root / "reviewkit-out"), "bank": str(root), "rubrics": str(root / "rubrics"), "repo": "owner/site"}


def test_a_notebook_that_somebody_changed_is_never_written_over(root: Path) -> None:
    ours = {"cells": [{"source": "a = 1"}]}
    assert free_place(root, ours).name == "hiring-desk.ipynb"
    (root / "hiring-desk.ipynb").write_text(json.dumps({"cells": [{"source": ["a = 1"], "outputs": [1]}]}))
    assert free_place(root, ours).name == "hiring-desk.ipynb", "the same cells: only outputs are made again"
    for number, text in enumerate(("not json", json.dumps({"cells": [{"source": "a = 2"}]}), "[]")):
        (root / ("hiring-desk.ipynb" if number == 0 else f"hiring-desk-{number + 1}.ipynb")).write_text(text)
    assert free_place(root, ours).name == "hiring-desk-4.ipynb"
