"""Which planted defects do ruff, bandit and mypy point at on their own? Those do not need a reviewer."""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reviewkit.anchor import rubric_spans
from reviewkit.bank import Entry
from reviewkit.datafolder import cache_folder
from reviewkit.errors import printable
from reviewkit.harness.stage import Tree
from reviewkit.words import Level

MOST_SHARE = 0.1
"""Share of the senior and staff defects that linters may find."""
_STYLE = ("D", "ANN", "COM", "E", "W", "Q", "I", "ERA", "CPY", "EM", "FBT", "INP", "TD", "FIX", "N", "UP", "TC", "PLR", "T20", "RET", "TRY003", "TRY300", "S101", "ARG", "PT", "SIM", "C90", "DOC", "RUF022", "PLC0415", "FAST002")  # fmt: skip
"""Ruff rules about form: a hit on a defect's line says nothing about the defect."""
_MYPY = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+)(?::\d+)?: error: (?P<text>.*)$")


@dataclass(frozen=True)
class Hit:
    """A linter's remark on a defect's lines."""

    defect: str
    level: Level
    tool: str
    rule: str


class LinterMissingError(RuntimeError):
    """A linter is not installed, or does not work."""


def linter_hits(entry: Entry) -> list[Hit]:
    """Remarks of ruff (all rules but those of form), bandit and mypy that stand on a defect's main place; none without Python.

    Raises:
        LinterMissingError: If a tool is not installed (`pip install 'reviewkit[author]'`) or does not work.
    """
    head = entry.folder / "head"
    spans = rubric_spans(entry.rubric, head)
    remarks = [*_ruff(head), *_bandit(head), *_mypy(head)] if Tree(head).modules() else []
    found = []
    for defect in entry.rubric.defects:
        main = spans[defect.id][0]
        for tool, file, line, rule in remarks:
            if file == main.file and main.first <= line <= main.last:
                found.append(Hit(defect.id, defect.level, tool, rule))
    return sorted(set(found), key=lambda h: (h.defect, h.tool, h.rule))


def _run(head: Path, module: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=head, capture_output=True, text=True, check=False)
    if f"No module named {module}" in done.stderr:
        raise LinterMissingError(f"{module} is not installed; pip install 'reviewkit[author]'")
    if done.returncode and not done.stdout.strip():  # one that has remarks prints them
        last = printable((done.stderr.strip().splitlines() or ["it said nothing"])[-1])[:200]
        raise LinterMissingError(f"{module} failed ({last}); if that persists, remove {cache_folder('mypy')}")
    return done.stdout


def _relative(head: Path, name: str) -> str:
    path = Path(name)
    return (path.relative_to(head) if path.is_absolute() else path).as_posix().removeprefix("./")


def _ruff(head: Path) -> list[tuple[str, str, int, str]]:
    output = _run(head, "ruff", "check", "--select", "ALL", "--isolated", "--no-cache", "--output-format", "json", ".")
    return [
        ("ruff", _relative(head.resolve(), item["filename"]), item["location"]["row"], item["code"] or "syntax")
        for item in json.loads(output or "[]")
        if not _of_form(item["code"] or "")
    ]


def _of_form(code: str) -> bool:
    return any(code == style or re.fullmatch(re.escape(style) + r"\d*", code) for style in _STYLE)


def _bandit(head: Path) -> list[tuple[str, str, int, str]]:
    output = _run(head, "bandit", "-r", "-q", "-f", "json", ".")
    results = json.loads(output or "{}").get("results", [])
    return [
        ("bandit", _relative(head, r["filename"]), r["line_number"], r["test_id"]) for r in results if r["test_id"] != "B101"
    ]


@contextlib.contextmanager
def _mypy_cache() -> Iterator[str]:
    """What mypy keeps of the packages that all scenarios import: most of its time. One process at a time has it."""
    folder = cache_folder("mypy")
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((folder / "lock").open("wb"))
        except OSError:  # a user whose home cannot be written to
            yield stack.enter_context(tempfile.TemporaryDirectory(prefix="reviewkit-mypy-"))
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield str(folder)


def _mypy(head: Path) -> list[tuple[str, str, int, str]]:
    with _mypy_cache() as cache:
        # Settings of a project around the bank count for nothing; they would also make a cache of their own.
        output = _run(head, "mypy", "--config-file=", "--ignore-missing-imports", "--no-error-summary", f"--cache-dir={cache}", "--strict", ".")
    matches = (_MYPY.match(line) for line in output.splitlines())
    ignored = ("no-untyped", "type-arg", "import", "no-any-return")
    return [
        ("mypy", _relative(head, m["file"]), int(m["line"]), m["text"])
        for m in matches
        if m and not any(word in m["text"] for word in ignored)
    ]


def senior_share(entry: Entry, hits: list[Hit]) -> float:
    """Share of the senior and staff defects that a linter points at."""
    senior = {d.id for d in entry.rubric.defects if d.level in (Level.SENIOR, Level.STAFF)}
    return len(senior & {h.defect for h in hits}) / max(len(senior), 1)
