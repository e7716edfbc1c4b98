"""Writes interviewers' notebooks where only the hiring side reads: beside the rubric, or into a folder that is no candidate's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from reviewkit.anchor import Span, rubric_spans
from reviewkit.bank import Bank, Entry
from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError
from reviewkit.guides.notebook import Sources, guide_notebook
from reviewkit.publication import MANIFEST

NAME: Final = "guide.ipynb"
_CANDIDATES: Final = ("scenarios", "notebooks", "binder")


def build_guides(bank: Bank, slugs: tuple[str, ...], out: Path | None = None, *, check: bool = False) -> list[tuple[str, Path]]:
    """Write the interviewers' notebooks that are not up to date.

    Args:
        bank: With rubrics.
        slugs: Which scenarios; empty means all that have a rubric.
        out: A folder of the hiring side, which gets `<slug>.ipynb`; None writes `guide.ipynb` beside each rubric.
        check: Write nothing.

    Returns:
        (slug, path) of each that differed from its sources.

    Raises:
        UsageError: If a scenario has no rubric here, or the folder is one that a candidate gets.
        DataError: If a notebook cannot be written.
    """
    entries = [bank.entry(slug) for slug in slugs] or [entry for entry in bank if entry.rubric_folder is not None]
    if not entries or any(entry.rubric_folder is None for entry in entries):
        raise UsageError("There is no rubric to make a guide from.", "Name the folder of the rubrics with --rubrics or REVIEWKIT_RUBRICS.")
    targets = [(entry, _target(entry, out)) for entry in entries]
    for _entry, path in targets:
        refuse_candidates(path.parent, bank)
    changed = []
    for entry, path in targets:
        text = _text(guide_notebook(sources_of(entry, bank, out)))
        if not (path.is_file() and path.read_bytes() == text):
            changed.append((entry.slug, path))
            if not check:
                _write(path, text)
    return changed


def refuse_candidates(folder: Path, bank: Bank) -> None:
    """Refuse a folder that a candidate gets, or that lies in one.

    Raises:
        UsageError: Naming the folder.
    """
    real = folder.resolve()
    package = Path(__file__).resolve().parents[1]
    forbidden = {(bank.root / name).resolve(): f"{name}/ of the bank" for name in _CANDIDATES} | {package: "the reviewkit package"}
    for place in (real, *real.parents):
        what = forbidden.get(place) or ("a published repository" if (place / MANIFEST).is_file() else "")
        if what:
            raise UsageError(f"{folder}: lies in {what}, which candidates get; a guide holds the answer key.", "Name another folder with --out.")


def _target(entry: Entry, out: Path | None) -> Path:
    if out is not None:
        return out / f"{entry.slug}.ipynb"
    assert entry.rubric_folder is not None  # noqa: S101 - the caller has looked
    return entry.rubric_folder / NAME


def sources_of(entry: Entry, bank: Bank, out: Path | None = None) -> Sources:
    """What a guide is made of; a notebook beside the bank's own rubrics finds them, any other gets their folders written in."""
    assert entry.rubric_folder is not None  # noqa: S101 - the caller has looked
    guide = entry.rubric_folder / "guide.md"
    head = entry.folder / "head"
    is_own = out is None and bank.rubrics is not None and bank.rubrics.resolve() == (bank.root / "rubrics").resolve()

    def quote(span: Span) -> str:
        lines = (head / span.file).read_text("utf-8").split("\n")
        return "\n".join(lines[span.first - 1 : span.last])

    return Sources(
        entry.slug, entry.scenario, entry.rubric, guide.read_text("utf-8") if guide.is_file() else "",
        rubric_spans(entry.rubric, head), quote,
        "" if is_own else str(bank.root.resolve()), "" if is_own or bank.rubrics is None else str(bank.rubrics.resolve()),
    )  # fmt: skip


def _text(notebook: dict[str, Any]) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise DataError(str(path), f"cannot be written ({error.strerror})", "Check the disk, or name another folder with --out.") from None


def told(changed: list[tuple[str, Path]], *, check: bool) -> Iterator[str]:
    """One line per guide, for the terminal."""
    for slug, path in changed:
        yield f"{path}: differs. Run: reviewkit build --guides {slug}" if check else f"{path}: built, for interviewers only"
    if not changed:
        yield "guides are up to date"
