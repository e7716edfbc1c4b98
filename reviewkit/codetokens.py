"""Comments and texts of files in TypeScript and JavaScript, by the tokens that also colour them in the diff."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from pygments import lex
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, String

SUFFIXES: Final = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".java")
LEAST_WORDS: Final = 4
"""Words from which on a string reads as prose."""


def is_script(name: str) -> bool:
    """Whether a file is of these languages, by its ending."""
    return PurePath(name).suffix in SUFFIXES


def _tokens(name: str, text: str) -> Iterator[tuple[int, Any, str]]:
    """(line, kind, value); the values together are the text."""
    line = 1
    for kind, value in lex(text, get_lexer_for_filename(name, stripnl=False, ensurenl=False)):
        yield line, kind, value
        line += value.count("\n")


def prose(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Comments, and strings that read as prose: (line, text)."""
    for line, kind, value in _tokens(name, text):
        if kind in Comment or (kind in String and len(value.split()) >= LEAST_WORDS):
            yield line, value


def without_comments(name: str, text: str) -> str:
    """The same code without comments and blank lines."""
    kept = "".join("\n" * value.count("\n") if kind in Comment else value for _line, kind, value in _tokens(name, text))
    return "".join(f"{line}\n" for line in kept.split("\n") if line.strip())
