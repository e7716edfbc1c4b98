"""What a tree's first guest makes of its TypeScript goes to the others, and to nothing else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from reviewkit.harness import World
from reviewkit.harness.job import Load
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import nodelocal, stripping
from reviewkit.sandbox.line import Ordered

GONE_SECONDS = 60.0


def test_stripped_code_is_kept_as_it_was_written(tmp_path: Path) -> None:
    """By text and stripper, bounded, and only while nobody else could have changed it."""
    kept = stripping.Disk("one", tmp_path / "kept")
    kept.put("let a: 1", "let a\n")
    kept.put("let b: 1", "")
    other = stripping.Disk("two", tmp_path / "kept")
    assert (kept.get("let a: 1"), kept.get("let b: 1"), other.get("let a: 1")) == ("let a\n", None, None)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_text(file.read_text().replace("let a", "let c"))
    assert kept.get("let a: 1") is None
    kept.put("let a: 1", "let a\n")
    (tmp_path / "kept").chmod(0o755)
    assert kept.get("let a: 1") is None
    (tmp_path / "kept").chmod(0o700)
    for number in range(stripping.MOST_KEPT):
        (tmp_path / "kept" / str(number)).touch()
    kept.put("let d: 1", "let d\n")
    assert kept.get("let d: 1") == "let d\n"
    assert len(list((tmp_path / "kept").iterdir())) < stripping.MOST_KEPT


def test_a_drivers_code_is_its_own_whatever_a_tree_holds(tmp_path: Path) -> None:
    """Files called like an ending, code beyond what is sent, names that are no UTF-8, and a file that ends the guest."""
    driver = tmp_path / "driver.tsx"
    driver.write_text("driver")
    load = Load(tmp_path, ("src",), (), driver)
    for name in (b".jsx", b".tsx", b"\xff.ts", b"end.ts", b"later.ts"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text(name.decode("latin-1"))
    asked: list[str] = []

    async def ask(_op: str, payload: dict[str, Any], _timeout: float) -> dict[str, Any]:
        asked.append(payload["source"])
        if asked[-1] == "end.ts":
            return {"error": "GuestClosed", "message": ""}
        return {"value": "x" * stripping.MOST_CHARACTERS if asked[-1] == ".jsx" else f"code of {asked[-1]}"}

    files = stripping.sources(tmp_path, stripping.WITH_JSX)
    assert list(files) == [".jsx", ".tsx", "driver.tsx", "end.ts", "later.ts"]
    known = stripping.Memory()
    for _ in range(2):
        made = asyncio.run(stripping.order(load, files, known, ask))
        assert (list(made["code"]), made["driver_code"]) == ([".jsx"], "code of driver")
    assert asked == ["driver", ".jsx", ".tsx", "end.ts", "later.ts"], "the file that ended a guest was tried again"


@pytest.mark.node
def test_a_guest_that_cannot_be_told_what_to_load_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "driver.ts").write_text("")
    started: list[Ordered] = []
    start = nodelocal._started

    def watched(*arguments: Any) -> Ordered:
        started.append(start(*arguments))
        return started[0]

    async def fails(*_: object) -> dict[str, Any]:
        raise ValueError("no order")

    monkeypatch.setattr(nodelocal, "_started", watched)
    monkeypatch.setattr(nodelocal, "_code", fails)
    with pytest.raises(ValueError, match="no order"):
        asyncio.run(LocalLauncher().launch(Load(tmp_path, ("src",), (), tmp_path / "driver.ts"), World()))
    started[0].ended.result(GONE_SECONDS)
