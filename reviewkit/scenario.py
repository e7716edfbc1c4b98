"""The candidate-facing half of a scenario: `scenarios/<slug>/scenario.yaml` and the trees beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from reviewkit.words import ExerciseKind

SCHEMA_VERSION = 1

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
"""A lower-case word with hyphens; never reused for another thing."""
VersionText = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]


def _stays_below(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must stay below its folder: no leading slash, no '..'")
    return path


RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-/]+$", max_length=200), AfterValidator(_stays_below)
]
"""A POSIX path below the folder that the field names; no parent steps."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=True)]


class Strict(BaseModel):
    """Base of everything read from a file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(Strict):
    """A sentence of the author's description that the candidate judges."""

    id: Identifier
    text: Line


class Probe(Strict):
    """A live demonstration of a symptom; title and text name no cause."""

    id: Identifier
    title: Line
    file: RelativePath
    """Python file below the scenario's folder with an `async def run(stage)`."""
    text: Line


class Label(Strict):
    """An id with the words that a candidate reads."""

    id: Identifier
    label: Line


class Exercise(Strict):
    """A task beyond findings. Which optional fields are needed follows from `kind`."""

    id: Identifier
    kind: ExerciseKind
    title: Line
    prompt: str = Field(min_length=1, max_length=4000)
    files: tuple[RelativePath, ...] = ()
    """mend: files of `head/` offered as editable cells; the whole tree is the starter."""
    public_checks: RelativePath | None = None
    layers: tuple[Label, ...] = ()
    """trace: candidates for the layers a request crosses, shuffled; some may not be crossed."""
    marks: tuple[Label, ...] = ()
    """trace: events to be placed on a layer."""
    run: RelativePath | None = None
    """diagnose: Python file with an `async def run(stage, seed)`."""

    @model_validator(mode="after")
    def _kind_has_its_fields(self) -> Exercise:
        needed = {
            ExerciseKind.MEND: ("files", "public_checks"),
            ExerciseKind.TRACE: ("layers", "marks"),
            ExerciseKind.DIAGNOSE: ("run",),
            ExerciseKind.EXPLAIN: (),
        }[self.kind]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"exercise {self.id!r} of kind {self.kind.value} needs {', '.join(missing)}")
        return self


class Scenario(Strict):
    """One realistic pull request with its context, runnable code, probes and exercises."""

    schema_version: Literal[1]
    version: VersionText
    kind: Literal["interview", "practice"] = "interview"
    title: Line
    stack: Line
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9+#-]+$")], ...] = Field(min_length=1)
    minutes: int = Field(ge=5, le=180)
    """Length of the time box."""
    role: str = Field(min_length=1, max_length=1000)
    files: tuple[RelativePath, ...] = Field(min_length=1)
    """Changed files in the order shown, relative to the roots of `base/` and `head/`."""
    modules: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*$")], ...] = Field(min_length=1)
    """Top-level packages of the trees."""
    packages: tuple[str, ...] = ()
    """Third-party packages that the trees import."""
    claims: tuple[Claim, ...] = Field(min_length=1)
    probes: tuple[Probe, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    source: Line
    licence: Line
    variants: tuple[str, ...] = ()
    """Reserved for seeded variants; must be empty in schema version 1."""

    @field_validator("variants")
    @classmethod
    def _no_variants_yet(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            raise ValueError("variants are reserved in schema version 1; remove them")
        return value

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Scenario:
        for name in ("claims", "probes", "exercises"):
            ids = [item.id for item in getattr(self, name)]
            doubled = sorted({i for i in ids if ids.count(i) > 1})
            if doubled:
                raise ValueError(f"{name}: id used twice: {', '.join(doubled)}")
        return self

    def exercise(self, exercise_id: str) -> Exercise:
        """Return the exercise with this id.

        Raises:
            KeyError: If there is none.
        """
        for exercise in self.exercises:
            if exercise.id == exercise_id:
                return exercise
        raise KeyError(exercise_id)
