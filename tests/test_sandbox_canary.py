"""Nothing of the key reaches a guest: neither by what it may read nor by what it is sent, also while checks fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewkit.bank import Bank, Entry, find_bank
from reviewkit.checks import run_hidden_checks
from reviewkit.harness import World
from reviewkit.sandbox import SandboxLauncher, open_launcher
from reviewkit.sandbox import job as jobs
from reviewkit.sandbox import line as lines
from reviewkit.sandbox.inner import codec
from reviewkit.sandbox.reach import package_folder, reach
from reviewkit.words import ExerciseKind

pytestmark = pytest.mark.sandbox
BANK: Bank = find_bank(start=Path(__file__).parent)
SLUGS = [slug for slug in BANK.slugs if BANK.entry(slug).rubric_folder]
LONG = 40
"""Characters from which on a line or a text belongs to one place only."""


def canaries() -> list[str]:
    return [BANK.entry(slug).rubric.canary for slug in SLUGS]


def texts(value: Any) -> Iterator[str]:
    """Every longer text of a rubric."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str) and len(value) >= LONG:
        yield value


def secrets(entry: Entry) -> set[str]:
    """What nobody outside the hiring side may see: lines of checks and reference, texts of the key, canaries of all."""
    folder = entry.rubric_folder
    assert folder is not None
    found = set(canaries())
    shown = "\n".join(path.read_text("utf-8", "replace") for path in entry.folder.rglob("*") if path.is_file())
    key = yaml.safe_load((folder / "rubric.yaml").read_text("utf-8"))
    code = [folder / "checks.py", *(folder / "reference").rglob("*.py")]
    for text in (*texts(key), *(line.strip() for path in code for line in path.read_text("utf-8").split("\n"))):
        if len(text) >= LONG and text not in shown:
            found.add(text)
    assert len(found) > 50
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every byte that goes to a guest or its fork server."""
    kept: list[bytes] = []
    encode, send_fds = codec.encode, lines.socket.send_fds

    def encoded(value: Any, limit: int) -> bytes:
        kept.append(encode(value, limit))
        return kept[-1]

    def ordered(to: Any, buffers: list[bytes], *rest: Any) -> int:
        kept.extend(buffers)
        return send_fds(to, buffers, *rest)

    monkeypatch.setattr(jobs.codec, "encode", encoded)
    monkeypatch.setattr(lines.socket, "send_fds", ordered)
    return kept


class Staged:
    """Keeps what a guest may read of its tree, and how its fork server was started."""

    def __init__(self, launcher: SandboxLauncher) -> None:
        self.launcher = launcher
        self.seen: list[bytes] = []

    async def launch(self, load: Any, world: World) -> Any:
        try:
            return await self.launcher.launch(load, world)
        finally:
            self._look()

    def _look(self) -> None:
        for path in self.launcher.servers.folder.rglob("*"):
            if path.is_file():
                self.seen += [path.read_bytes(), path.name.encode()]
        for zygote in self.launcher.servers.zygotes.values():  # type: ignore[attr-defined]
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    self.seen.append(Path(f"/proc/{zygote._process.pid}/{name}").read_bytes())


@pytest.mark.parametrize("slug", SLUGS)
def test_a_guest_whose_checks_fail_gets_nothing_of_the_key(
    slug: str, sent: list[bytes], request: pytest.FixtureRequest
) -> None:
    if slug not in ("transactions", "ledger") and not request.config.getoption("--full"):
        pytest.skip("with --full")
    entry = BANK.entry(slug)
    exercise = next(exercise.id for exercise in entry.scenario.exercises if exercise.kind is ExerciseKind.MEND)
    with open_launcher() as launcher:
        staged = Staged(launcher)
        results = asyncio.run(run_hidden_checks(entry, exercise, {}, staged, 1))
    assert any(result.outcome == "failed" for result in results)
    got = b"\n".join([*sent, *staged.seen]).decode("utf-8", "replace")
    assert "txservice" in got or entry.scenario.modules[0] in got  # the tree itself was caught
    assert [secret for secret in secrets(entry) if secret in got] == []


def test_no_file_that_a_guest_may_read_holds_a_canary() -> None:
    """Of what a guest reads, only the packages can hold something of ours; the system's libraries are not searched."""
    packages = sorted({name for slug in SLUGS for name in BANK.entry(slug).scenario.packages})
    own = {package_folder() / "guest", package_folder() / "sandbox" / "inner"}
    readable = {Path(path) for path in reach(tuple(packages)).packages}
    assert own <= readable
    wanted = [canary.encode() for canary in canaries()]
    for top in readable:
        for path in [top] if top.is_file() else top.rglob("*.py"):
            data = path.read_bytes()
            assert not any(canary in data for canary in wanted), path
