"""The change with what was planted and what was said, side by side at their lines; plain data for the report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from reviewkit.anchor import rubric_spans
from reviewkit.bank import Entry
from reviewkit.diff import change_files
from reviewkit.scorecard import FindingResult, Scorecard


@dataclass
class Line:
    """One row of the diff."""

    kind: str
    """" ", "+" or "-"."""
    old: int | None
    new: int | None
    tokens: list[tuple[str, str]]
    """(Pygments' short class, text)."""
    defects: list[str] = field(default_factory=list)
    """Defects whose main place begins here."""
    findings: list[str] = field(default_factory=list)
    """Remarks that point here."""
    marked: bool = False
    """Inside the main place of a defect."""


@dataclass
class FileDiff:
    """One changed file."""

    path: str
    added: int
    removed: int
    hunks: list[tuple[str, list[Line]]]
    loose: list[str]
    """Remarks on the whole file, or on lines that the diff does not show."""

    @property
    def planted(self) -> int:
        """Defects whose main place lies in this file's diff."""
        return sum(len(line.defects) for _head, lines in self.hunks for line in lines)

    @property
    def said(self) -> int:
        """Remarks on this file."""
        return len(self.loose) + sum(len(line.findings) for _head, lines in self.hunks for line in lines)


def marked_diff(card: Scorecard, entry: Entry) -> list[FileDiff]:
    """The change with marks; remarks on the whole change belong to no file."""
    spans = rubric_spans(entry.rubric, entry.folder / "head")
    starts: dict[tuple[str, int], list[str]] = defaultdict(list)
    inside: set[tuple[str, int]] = set()
    for defect in card.defects:
        span = spans[defect.id][0]
        starts[(span.file, span.first)].append(defect.id)
        inside |= {(span.file, n) for n in range(span.first, span.last + 1)}
    files = []
    for raw in change_files(entry.folder / "base", entry.folder / "head", entry.scenario.files):
        hunks = [
            (hunk["head"], [_line(row, raw["path"], starts, inside) for row in hunk["rows"]]) for hunk in raw["hunks"]
        ]
        file = FileDiff(raw["path"], raw["added"], raw["removed"], hunks, [])
        _place_findings(file, [f for f in card.findings if f.file == raw["path"]])
        files.append(file)
    return files


def _line(row: list[object], path: str, starts: dict[tuple[str, int], list[str]], inside: set[tuple[str, int]]) -> Line:
    kind, old, new, flat = row
    assert isinstance(flat, list)  # noqa: S101 - the shape of our own diff
    tokens = list(zip(flat[0::2], flat[1::2], strict=True))
    number = new if isinstance(new, int) else None
    place = (path, number or 0)
    return Line(str(kind), old if isinstance(old, int) else None, number, tokens, list(starts.get(place, [])), [], place in inside)


def _place_findings(file: FileDiff, findings: list[FindingResult]) -> None:
    for finding in findings:
        line = _row_of(file, finding)
        if line is None:
            file.loose.append(finding.id)
        else:
            line.findings.append(finding.id)


def _row_of(file: FileDiff, finding: FindingResult) -> Line | None:
    """The row at the end of the range that the remark points at."""
    if finding.line is None:
        return None
    wanted = range(finding.line, (finding.end_line or finding.line) + 1)
    rows = [line for _head, lines in file.hunks for line in lines]
    side = "new" if finding.side == "R" else "old"
    hits = [line for line in rows if getattr(line, side) in wanted]
    return hits[-1] if hits else None
