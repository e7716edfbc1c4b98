"""Which planted defects do ruff, bandit and mypy point at on their own? Those do not need a reviewer."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from reviewkit.anchor import rubric_spans
from reviewkit.bank import Entry
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
    """A linter is not installed."""


def linter_hits(entry: Entry) -> list[Hit]:
    """Remarks of ruff (all rules but those of form), bandit and mypy that stand on a defect's main place.

    Raises:
        LinterMissingError: If a tool is not installed (`pip install 'reviewkit[author]'`).
    """
    head = entry.folder / "head"
    spans = rubric_spans(entry.rubric, head)
    remarks = [*_ruff(head), *_bandit(head), *_mypy(head)]
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


@functools.cache
def _mypy_cache() -> tempfile.TemporaryDirectory[str]:
    """What mypy keeps of the packages that all scenarios import: most of its time. Gone with this process."""
    return tempfile.TemporaryDirectory(prefix="reviewkit-mypy-")


def _mypy(head: Path) -> list[tuple[str, str, int, str]]:
    cache = f"--cache-dir={_mypy_cache().name}"
    output = _run(head, "mypy", "--ignore-missing-imports", "--no-error-summary", cache, "--strict", ".")
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
