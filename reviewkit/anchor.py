"""Resolves quoted code to the lines it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reviewkit.errors import ReviewkitError
from reviewkit.rubric import Rubric


@dataclass(frozen=True)
class Span:
    """Lines of a file of `head/`, 1-based, both ends included."""

    file: str
    first: int
    last: int


class AnchorError(ReviewkitError):
    """An anchor that names no place, or more than one."""

    def __init__(self, file: str, anchor: str, times: int) -> None:
        super().__init__(file, anchor, times)
        self.file, self.anchor, self.times = file, anchor, times

    def __str__(self) -> str:
        quoted = self.anchor.strip().split("\n")[0][:60]
        fact = "is not in" if self.times == 0 else f"stands {self.times} times in"
        return f"the anchor {quoted!r} {fact} head/{self.file}; quote code that stands there exactly once"


def locate(text: str, anchor: str, file: str) -> Span:
    """Lines on which `anchor` stands in `text`.

    Raises:
        AnchorError: If it does not stand there exactly once.
    """
    wanted = anchor.rstrip("\n")
    times = text.count(wanted)
    if times != 1:
        raise AnchorError(file, anchor, times)
    start = text.index(wanted)
    first = text.count("\n", 0, start) + 1
    return Span(file, first, first + wanted.count("\n"))


def locate_in(head: Path, file: str, anchor: str) -> Span:
    """As `locate`, reading the file below `head`.

    Raises:
        AnchorError: Also when there is no such file.
    """
    path = head / file
    if not path.is_file():
        raise AnchorError(file, anchor, 0)
    return locate(path.read_text("utf-8"), anchor, file)


def rubric_spans(rubric: Rubric, head: Path) -> dict[str, list[Span]]:
    """All places of each defect, decoy and anchored also-valid remark by id, the main place first.

    Raises:
        AnchorError: If one cannot be resolved.
    """
    spans = {d.id: [locate_in(head, a.file, a.anchor) for a in d.places] for d in rubric.defects}
    spans |= {d.id: [locate_in(head, d.file, d.anchor)] for d in rubric.decoys}
    return spans | {a.id: [locate_in(head, a.file, a.anchor)] for a in rubric.also_valid if a.file and a.anchor}
