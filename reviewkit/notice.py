"""The notice of a report: what a score is and is not. A team may put its own wording in the place of ours."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from markupsafe import Markup, escape

from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError

NAME = "notice.md"
MOST = 20_000
"""Characters of a notice."""


def notice_text(*folders: Path | None) -> str:
    """The notice of the first folder that has a `notice.md`, else our own.

    Raises:
        DataError: If the file cannot be used.
    """
    for folder in folders:
        if folder is not None and (folder / NAME).is_file():
            return read_notice(folder / NAME)
    return (files("reviewkit") / "data" / NAME).read_text("utf-8")


def read_notice(path: Path) -> str:
    """Text of a notice file.

    Raises:
        DataError: If it is no UTF-8 text, empty, or longer than `MOST` characters.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"cannot be read as a notice ({type(error).__name__})", "Name a UTF-8 text file.") from None
    if not text.strip() or len(text) > MOST:
        raise DataError(str(path), f"is empty or longer than {MOST} characters", "Write a short notice in plain words.")
    return text


def use_notice(path: Path, out: Path) -> None:
    """Keep a team's notice in an output folder, for this batch and for reports made again later.

    Raises:
        UsageError: If there is no such file.
        DataError: If it cannot be used.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.", "Name a text file with the notice.")
    write_whole(out / NAME, read_notice(path).encode())


def notice_html(text: str, facts: Mapping[str, object]) -> Markup:
    """Paragraphs of a notice; `**bold**` is the only mark, and `$scenario`, `$minutes` and the like stand for facts."""
    filled = Template(text).safe_substitute({name: str(value) for name, value in facts.items()})
    paragraphs = [part.strip() for part in filled.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(_bold(part)) for part in paragraphs)


def _bold(text: str) -> Markup:
    parts = text.split("**")
    if len(parts) % 2 == 0:  # a mark that is never closed is text
        return escape(text)
    return Markup("").join(escape(p) if at % 2 == 0 else Markup("<strong>{}</strong>").format(p) for at, p in enumerate(parts))
