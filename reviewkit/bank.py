"""Finding and reading a bank: `scenarios/` and, on the hiring side, `rubrics/` beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.rubric import Rubric
from reviewkit.scenario import Scenario
from reviewkit.yamlfile import parse_yaml

if TYPE_CHECKING:
    from reviewkit.exemplars import Exemplars, ExemplarSet
    from reviewkit.model import Model

BANK_VARIABLE = "REVIEWKIT_BANK"
RUBRICS_VARIABLE = "REVIEWKIT_RUBRICS"
M = TypeVar("M", bound=BaseModel)


class BankNotFoundError(ReviewkitError):
    """No folder with `scenarios/` was found."""

    exit_code = 2

    def __init__(self, start: str, asked: str | None = None) -> None:
        super().__init__(start, asked)
        self.start, self.asked = start, asked

    def __str__(self) -> str:
        if self.asked:
            return f"{self.asked}: no scenarios/ folder in it. Name a bank with --bank or {BANK_VARIABLE}."
        return f"No bank found from {self.start} upward. Go to a folder that holds scenarios/, or name one with --bank or {BANK_VARIABLE}."


class UnknownScenarioError(ReviewkitError):
    """A slug that the bank does not have."""

    exit_code = 2

    def __init__(self, slug: str, known: tuple[str, ...]) -> None:
        super().__init__(slug, known)
        self.slug, self.known = slug, known

    def __str__(self) -> str:
        return f"No scenario {self.slug!r} in this bank. It has: {', '.join(self.known) or 'none'}."


class ContentError(ReviewkitError):
    """A scenario or rubric file that cannot be read as what it should be."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__(file, problems)
        self.file, self.problems = file, problems

    def __str__(self) -> str:
        return f"{self.file}: {'; '.join(self.problems)}. Mend the file, then run: reviewkit bank check"


@dataclass(frozen=True)
class Entry:
    """One scenario of a bank, with its rubric where there is one."""

    slug: str
    folder: Path
    rubric_folder: Path | None
    use_exemplars: bool = True
    use_sentences: bool = False

    @cached_property
    def scenario(self) -> Scenario:
        """The parsed scenario.yaml.

        Raises:
            ContentError: If it is missing or wrong.
        """
        return read_model(Scenario, self.folder / "scenario.yaml")

    @cached_property
    def rubric(self) -> Rubric:
        """The parsed rubric.yaml.

        Raises:
            ContentError: If it is missing or wrong.
        """
        if self.rubric_folder is None:
            raise ContentError(f"rubrics/{self.slug}", ("no rubric here; name its place with --rubrics",))
        return read_model(Rubric, self.rubric_folder / "rubric.yaml")

    @cached_property
    def exemplar_set(self) -> ExemplarSet:
        """The parsed exemplars.yaml; an empty set where there is none.

        Raises:
            ContentError: If it is wrong.
        """
        from reviewkit.exemplars import FILE, ExemplarSet

        path = None if self.rubric_folder is None else self.rubric_folder / FILE
        return read_model(ExemplarSet, path) if path is not None and path.is_file() else ExemplarSet()

    @cached_property
    def exemplars(self) -> Exemplars:
        """Adjudicated remarks that matching may use with this version of the rubric.

        Raises:
            ContentError: If the rubric or its exemplars are wrong.
        """
        from reviewkit.exemplars import OFF, Exemplars

        return self.exemplar_set.usable(self.rubric.version) if self.use_exemplars else Exemplars(name=OFF)

    @property
    def weights(self) -> Model:
        """What pairs are weighed with."""
        from reviewkit import model

        return model.with_sentences() if self.use_sentences else model.shipped()

    def text(self, name: str) -> str:
        """Text of a file of the scenario, such as `brief.md`.

        Raises:
            ContentError: If it is missing or no UTF-8 text.
        """
        try:
            return (self.folder / name).read_text("utf-8")
        except FileNotFoundError:
            raise ContentError(f"scenarios/{self.slug}/{name}", ("there is no such file",)) from None
        except UnicodeDecodeError as error:
            raise ContentError(f"scenarios/{self.slug}/{name}", (yaml_words(error),)) from None


@dataclass(frozen=True)
class Bank:
    """All scenarios of a folder tree, with their rubrics."""

    root: Path
    rubrics: Path | None
    use_exemplars: bool = True
    """Whether matching looks at adjudicated remarks."""
    use_sentences: bool = False
    """Whether matching uses the optional sentence model."""

    @property
    def slugs(self) -> tuple[str, ...]:
        """Names of all scenarios, sorted."""
        folder = self.root / "scenarios"
        return tuple(sorted(p.parent.name for p in folder.glob("*/scenario.yaml")))

    def entry(self, slug: str) -> Entry:
        """The scenario with this slug.

        Raises:
            UnknownScenarioError: If the bank has none.
        """
        if slug not in self.slugs:
            raise UnknownScenarioError(slug, self.slugs)
        rubric = self.rubrics / slug if self.rubrics else None
        has_rubric = rubric is not None and (rubric / "rubric.yaml").is_file()
        folder = self.root / "scenarios" / slug
        return Entry(slug, folder, rubric if has_rubric else None, self.use_exemplars, self.use_sentences)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(slug) for slug in self.slugs)


def find_bank(asked: Path | None = None, rubrics: Path | None = None, start: Path | None = None) -> Bank:
    """Find the bank: `asked`, else REVIEWKIT_BANK, else from `start` (the current directory) upward.

    Raises:
        BankNotFoundError: If there is none.
        UsageError: If a folder of rubrics is named that is not there.
    """
    named = asked or (Path(os.environ[BANK_VARIABLE]) if os.environ.get(BANK_VARIABLE) else None)
    if named is not None:
        root = named.resolve()
        if not (root / "scenarios").is_dir():
            raise BankNotFoundError(str(root), str(named))
    else:
        here = (start or Path.cwd()).resolve()
        for root in (here, *here.parents):
            if any((root / "scenarios").glob("*/scenario.yaml")):
                break
        else:
            raise BankNotFoundError(str(here))
    told = rubrics or (Path(os.environ[RUBRICS_VARIABLE]) if os.environ.get(RUBRICS_VARIABLE) else None)
    if told is not None and not told.is_dir():
        raise UsageError(f"{told}: there is no such folder of rubrics.", f"Name another with --rubrics or {RUBRICS_VARIABLE}.")
    private = told or root / "rubrics"
    return Bank(root, private.resolve() if private.is_dir() else None)


def yaml_words(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """What is wrong with a file that is no YAML or no text, in a few words with the line."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        told = ", ".join(part for part in (error.context, error.problem) if part)
        return f"is not YAML: line {error.problem_mark.line + 1}: {told}"
    return f"is not YAML: {' '.join(str(error).split())}"


def read_model(model: type[M], path: Path) -> M:
    """Read a YAML file into a model.

    Raises:
        ContentError: With every problem, each with the key where it is.
    """
    name = "/".join(path.parts[-3:])
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ContentError(name, ("there is no such file",)) from None
    found: M = _read_bytes(model, raw, name)  # type: ignore[assignment]
    return found


@lru_cache(maxsize=64)
def _read_bytes(model: type[BaseModel], raw: bytes, name: str) -> BaseModel:
    """Kept by content: models are frozen, and a batch reads the same files for each submission."""
    try:
        data = parse_yaml(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContentError(name, (yaml_words(error),)) from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = tuple(
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()
        )
        raise ContentError(name, problems) from None
