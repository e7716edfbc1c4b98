"""Isolates: the mended tree with one flaw put back. They tell whether a check is about that flaw or about another one.

`rubrics/<slug>/isolates.yaml` names for a defect how to make such trees: code of `reference/` that is replaced, or a folder
of the rubric, such as a mutant, whose files are laid over it. `bank check` proves that each shows its own defect and no other.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import Field, RootModel, model_validator

from reviewkit.bank import Entry, read_model
from reviewkit.codetokens import is_script, without_comments
from reviewkit.errors import ReviewkitError
from reviewkit.harness.stage import Tree
from reviewkit.scenario import Identifier, RelativePath, Strict

FILE: Final = "isolates.yaml"
_LEFT_OUT = shutil.ignore_patterns("mutant.yaml", "__pycache__", "*.pyc")


class IsolateError(ReviewkitError):
    """An isolate that cannot be made.

    Args:
        fact: What is wrong with it.
    """

    def __init__(self, fact: str) -> None:
        super().__init__(fact)
        self.fact = fact

    def __str__(self) -> str:
        return f"{self.fact}. Mend {FILE}, then run: reviewkit bank check"


class Edit(Strict):
    """Code of the mended tree that is replaced."""

    file: RelativePath
    old: str = Field(min_length=1)
    """Must stand exactly once in the file."""
    new: str


class Isolate(Strict):
    """One way to put a flaw back into the mended tree: `replace`, `overlay`, or the one after the other."""

    replace: tuple[Edit, ...] = ()
    overlay: RelativePath | None = None
    """Folder of the rubric whose files are laid over the mended tree before anything is replaced."""

    @model_validator(mode="after")
    def _says_how(self) -> Isolate:
        if not self.replace and self.overlay is None:
            raise ValueError("says neither what to replace nor what to lay over")
        return self


class Isolates(RootModel[dict[Identifier, tuple[Isolate, ...]]]):
    """The whole file: isolates by defect."""


def isolates_of(entry: Entry) -> dict[str, tuple[Isolate, ...]]:
    """Isolates by defect; none where the rubric has no such file.

    Raises:
        ContentError: If the file is not of this form.
    """
    if entry.rubric_folder is None or not (entry.rubric_folder / FILE).is_file():
        return {}
    return dict(read_model(Isolates, entry.rubric_folder / FILE).root)


def make(rubric: Path, isolate: Isolate, target: Path) -> None:
    """Write an isolate's tree.

    Args:
        rubric: Folder of the rubric, with `reference/`.
        isolate: How to make it.
        target: Folder to write; must not exist.

    Raises:
        IsolateError: If it names code or a folder that is not there.
    """
    shutil.copytree(rubric / "reference", target, ignore=_LEFT_OUT)
    if isolate.overlay is not None:
        if not (rubric / isolate.overlay).is_dir():
            raise IsolateError(f"there is no folder {isolate.overlay}")
        shutil.copytree(rubric / isolate.overlay, target, dirs_exist_ok=True, ignore=_LEFT_OUT)
    for edit in isolate.replace:
        path = target / edit.file
        text = path.read_text("utf-8") if path.is_file() else ""
        if text.count(edit.old) != 1:
            quoted = edit.old.strip().split("\n")[0][:60]
            raise IsolateError(
                f"{quoted!r} stands {text.count(edit.old)} times in {edit.file}; quote code that stands there once"
            )
        path.write_text(text.replace(edit.old, edit.new), "utf-8")


def rewritten(tree: Path, target: Path) -> None:
    """Write a tree that does the same and looks different: no comments, no docstrings, other lines and layout."""
    shutil.copytree(tree, target, ignore=_LEFT_OUT)
    for file in filter(is_script, Tree(target).files()):
        (target / file).write_text(without_comments(file, Tree(target).read(file)), "utf-8")
    for file in Tree(target).modules():
        (target / file).write_text("\n".join(_statements(Tree(target).syntax(file))) + "\n", "utf-8")


def _statements(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    body = module.body[1:] if ast.get_docstring(module) is not None else module.body
    return (ast.unparse(node) for node in body)
