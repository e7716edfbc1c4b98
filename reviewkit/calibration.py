"""Labelled sample reviews of a scenario: written from the candidate's side, labelled by others. See docs/calibration.md.

`calibration/reviews/<id>.yaml` holds a review, `calibration/reviews/<id>/<exercise>/<file>` the files it mended,
`calibration/labels-a.yaml` and `labels-b.yaml` what two labellers said of each finding, each on their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reviewkit.bank import Entry, read_model
from reviewkit.record import GENESIS, Event, Head, append_event, fold
from reviewkit.record import State as RecordState
from reviewkit.scenario import Identifier, RelativePath, Strict
from reviewkit.words import Category, Judgement, Severity
from reviewkit.yamlfile import read_yaml

Kind = Literal["strong", "middling", "weak", "noisy", "gaming"]
EPOCH = "2026-01-01T00:00:00.000Z"


class SampleFinding(Strict):
    """One remark of a sample review."""

    file: RelativePath | None = None
    line: int | None = Field(default=None, ge=1)
    end_line: int | None = Field(default=None, ge=1)
    side: Literal["R", "L"] = "R"
    severity: Severity
    category: Category
    body: str
    why: str = ""
    fix: str = ""


class SampleClaim(Strict):
    """A judged claim."""

    verdict: Judgement
    why: str = ""


class SampleVerdict(Strict):
    """Decision with the three findings that matter most, as indices."""

    decision: Literal["approve", "request changes", "block"]
    summary: str = ""
    top: tuple[int, ...] = ()


class SampleEvidence(Strict):
    """A check that a candidate wrote for a finding."""

    finding: int
    code: str


class Review(Strict):
    """A sample review."""

    id: Identifier
    kind: Kind
    base_of: Identifier | None = None
    """For noisy ones: the review that it repeats with noise added."""
    findings: tuple[SampleFinding, ...] = ()
    claims: dict[Identifier, SampleClaim] = Field(default_factory=dict)
    probes: tuple[Identifier, ...] = ()
    mend: dict[Identifier, tuple[RelativePath, ...]] = Field(default_factory=dict)
    answers: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)
    verdict: SampleVerdict | None = None
    evidence: tuple[SampleEvidence, ...] = ()


class Label(Strict):
    """What one labeller said of one finding."""

    defects: tuple[Identifier, ...] = ()
    """Defects that it sees."""
    other: str = ""
    """Otherwise: `decoy:<id>`, `also:<id>`, `valid`, `false` or `vague`."""


Labels = dict[str, tuple[Label, ...]]
"""Per review one label per finding, in order."""


def folder_of(entry: Entry) -> Path:
    """Where a scenario's calibration set lies.

    Raises:
        ContentError: If the scenario has no rubric.
    """
    _ = entry.rubric
    assert entry.rubric_folder is not None  # noqa: S101 - the rubric was just read
    return entry.rubric_folder / "calibration"


def reviews(entry: Entry) -> Iterator[tuple[Review, Path]]:
    """All sample reviews with the folder of their mended files, by id.

    Raises:
        ContentError: If one cannot be read.
    """
    for path in sorted((folder_of(entry) / "reviews").glob("*.yaml")):
        yield read_model(Review, path), path.with_suffix("")


def labels(entry: Entry, labeller: Literal["a", "b"]) -> Labels:
    """One labeller's labels.

    Raises:
        OSError: If there are none.
    """
    raw = read_yaml(folder_of(entry) / f"labels-{labeller}.yaml")
    return {review: tuple(Label.model_validate(item) for item in items) for review, items in raw.items()}


def mended(review: Review, folder: Path) -> dict[str, dict[str, str]]:
    """Texts of the mended files by exercise and path."""
    return {
        exercise: {file: (folder / exercise / file).read_text("utf-8") for file in files}
        for exercise, files in review.mend.items()
    }


def operations(review: Review, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The review as events' kinds and data, in the order in which a workbook records them."""
    for number, finding in enumerate(review.findings):
        yield "finding.added", {"id": f"f{number}", **finding.model_dump(mode="json"), "after_exercises": False}
    for claim, judged in review.claims.items():
        yield "claim.judged", {"claim": claim, **judged.model_dump(mode="json")}
    for number, piece in enumerate(review.evidence):
        data = {"id": f"e{number}", "finding": f"f{piece.finding}", "code": piece.code, "outcome": "fails", "seen": ""}
        yield "evidence.run", data
    yield "review.closed", {}
    for exercise, files in mended(review, folder).items():
        for file, text in files.items():
            yield "exercise.edited", {"exercise": exercise, "file": file, "text": text}
    for exercise, answer in review.answers.items():
        yield "exercise.answered", {"exercise": exercise, "answer": answer}
    if review.verdict is not None:
        top = [f"f{n}" for n in review.verdict.top]
        yield "verdict.given", {"decision": review.verdict.decision, "summary": review.verdict.summary, "top": top}
    yield "workbook.submitted", {}


def state_of(review: Review, folder: Path) -> RecordState:
    """The state that a workbook would hold after this review."""
    events: list[Event] = []
    head = Head(0, GENESIS)
    for number, (kind, data) in enumerate(operations(review, folder)):
        event = append_event(head, op=f"op-{number:04d}", kind=kind, data=data, t=EPOCH)
        events.append(event)
        head = Head(event.seq, event.hash)
    return fold(events)
