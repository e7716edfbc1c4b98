"""Exemplars: remarks that raters decided on, kept as further references of the same scenario's defects.

`rubrics/<slug>/exemplars.yaml` holds them. A person reads that file before it is committed; an exemplar with `use: false`
is never used and never collected again. Exemplars decided under one version of the rubric are used from the next on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from reviewkit import wording
from reviewkit.scenario import Identifier, Strict, VersionText
from reviewkit.scorecard import digest

FILE: Final = "exemplars.yaml"
MOST_PER_DEFECT: Final = 5
"""Of each verdict."""
LONGEST: Final = 1000
"""Characters of a text."""
NONE: Final = "none"
OFF: Final = "off"
Verdict = Literal["matched", "not matched"]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Exemplar(Strict):
    """One remark with the raters' word on it."""

    number: int = Field(ge=1)
    """Never used twice; the evidence of a pair names it."""
    defect: Identifier
    verdict: Verdict
    text: Annotated[str, StringConstraints(min_length=8, max_length=LONGEST)]
    raters: int = Field(ge=2)
    """Raters who gave the verdict."""
    rubric: VersionText
    """Version of the rubric when it was collected: used from the next one on."""
    text_sha256: Hash
    """Of the whole remark, so that its own review never meets it."""
    source: Hash
    """Hash of the submission's hash: tells sources apart and names none."""
    use: bool = True
    """False: read and refused by a person."""

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"exemplar {self.number}"


class ExemplarSet(Strict):
    """All exemplars of a scenario."""

    schema_version: Literal[1] = 1
    version: int = Field(default=0, ge=0)
    """Grows with each collection that changed something."""
    exemplars: tuple[Exemplar, ...] = ()

    @model_validator(mode="after")
    def _numbers_are_unique(self) -> ExemplarSet:
        numbers = [exemplar.number for exemplar in self.exemplars]
        if len(numbers) != len(set(numbers)):
            raise ValueError("a number is used twice")
        return self

    def usable(self, rubric_version: str) -> Exemplars:
        """What may be used with a version of the rubric: read, not refused, and collected under an earlier version."""
        now = _parts(rubric_version)
        chosen = tuple(e for e in self.exemplars if e.use and _parts(e.rubric) < now)
        name = f"{self.version}@{digest([e.model_dump(mode='json') for e in chosen])}" if chosen else NONE
        return Exemplars(chosen, name)

    def waiting(self, rubric_version: str) -> int:
        """Exemplars that wait for the next version of the rubric."""
        return sum(e.use and _parts(e.rubric) >= _parts(rubric_version) for e in self.exemplars)


@dataclass(frozen=True)
class Exemplars:
    """Exemplars in use, named by version and hash."""

    chosen: tuple[Exemplar, ...] = ()
    name: str = NONE


EMPTY: Final = Exemplars()


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def alike(one: str, other: str) -> float:
    """Jaccard of two texts' stems; 0 when either is empty."""
    mine, theirs = wording.prepare(one).stems, wording.prepare(other).stems
    return len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0
