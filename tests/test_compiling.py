"""Trees of Java are compiled by their first guest; archives of classes are made from our own samples, per JDK and class path."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reviewkit.harness.job import Load
from reviewkit.runtimes import guests, javaarchive, javaguest, javaplace
from reviewkit.runtimes.compiling import SOURCES, Compiled, look


def test_class_files_are_kept_by_the_driver_that_they_were_compiled_with(tmp_path: Path) -> None:
    """What a guest could not compile is not asked for again, and nothing but bytes is taken for classes."""
    driver, other = tmp_path / "Driver.java", tmp_path / "Other.java"
    driver.write_text("class Driver {}")
    other.write_text("class Other {}")
    asked: list[str] = []
    values: list[dict[str, Any]] = [{"value": b"one"}, {"error": "CompilationError", "message": "Other.java:1: no"}, {"value": "text"}, {"value": None}]

    async def ask(_op: str, payload: dict[str, Any], _timeout: float) -> dict[str, Any]:
        asked.append(payload["driver_name"])
        return values[len(asked) - 1]

    def ordered(kept: Compiled, path: Path) -> dict[str, Any]:
        return asyncio.run(kept.order(Load(tmp_path, ("src",), (), path), ask))

    kept = Compiled()
    assert [ordered(kept, path) for path in (driver, driver, other, other)] == [{"classes": b"one"}, {"classes": b"one"}, {}, {}]
    assert asked == ["Driver.java", "Other.java"]
    assert [ordered(Compiled(), driver) for _ in range(2)] == [{}, {}]


def test_a_tree_is_told_by_what_is_compiled_of_it(tmp_path: Path) -> None:
    file = tmp_path / SOURCES / "a" / "A.java"
    file.parent.mkdir(parents=True)
    seen = {look(tmp_path)}
    for path, text in ((file, "class A {}"), (file, "class B {}"), (file.with_name("B.java"), "")):
        path.write_text(text)
        seen.add(look(tmp_path))
    assert len(seen) == 4
    (file.parent / "notes.txt").write_text("nothing that is compiled")
    assert look(tmp_path) in seen


@pytest.fixture
def jdk() -> javaplace.Jdk:
    found = javaplace.find_jdk()
    if found is None:
        pytest.skip("no JDK")
    return found


@pytest.mark.java
def test_an_archive_is_made_once_per_jdk_and_class_path(jdk: javaplace.Jdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be read by all and written by nobody; a class path that changed, or another JDK, has another; nothing is left beside it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert javaguest.required().archive is None
    guests.prepare(tmp_path / "driver.py")
    assert javaguest.required().archive is None
    (tmp_path / "Driver.java").write_text("class Driver {}")
    guests.prepare(tmp_path / "Driver.java")
    made = javaguest.required().archive
    assert made is not None
    assert (made.stat().st_mode & 0o777, made.parent) == (0o444, tmp_path / "reviewkit" / "java")
    facts = made.stat()
    parts = javaguest.prepare()
    assert (parts.archive, made.stat().st_ino) == (made, facts.st_ino)
    assert not list(made.parent.glob("setup-*"))
    os.utime(parts.classes[0], (0, 0))  # Java looks at this, too

    def place(jdk: javaplace.Jdk) -> Path:
        return javaarchive.place(jdk, parts.classes, "plain", lambda scratch: javaguest.command(javaguest.Parts(jdk, parts.classes, None), scratch))

    (tmp_path / "jdk").mkdir()
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="17.0.99"')
    assert len({made, place(jdk), place(dataclasses.replace(jdk, home=tmp_path / "jdk"))}) == 3


@pytest.mark.java
def test_where_no_archive_can_be_made_guests_do_without(jdk: javaplace.Jdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that cannot do what the sample asks for leaves none, and is not started for it again."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    parts = javaguest.required()
    started: list[object] = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **named: (started.append(args), popen(*args, **named))[1])
    for _ in range(2):
        assert javaarchive.made(jdk, parts.classes, "plain", lambda _scratch: (jdk.java, "-cp", str(tmp_path), "reviewkit.guest.Member")) is None
    assert len(started) == 1
    assert not list((tmp_path / "reviewkit" / "java").glob("setup-*"))
