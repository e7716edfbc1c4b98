"""The change as data: hunks of lines with syntax tokens, as the `change` form draws them. Format: docs/record.md, section 5.

Both versions of a file are lexed whole, because a hunk may begin inside a docstring; lines are split at line feeds
only, because `str.splitlines` also splits at form feeds and U+2028 and would shift every later line number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pygments import lex
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from reviewkit.errors import DataError

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

CONTEXT: Final = 3
"""Unchanged lines shown before and after each change."""
NO_NEWLINE: Final = "  (no line break at the end of the file)"
SHADES: Final = {"-": "rgba(209,36,47,.14)", "+": "rgba(26,127,67,.16)", " ": "transparent"}
"""Behind lines of each kind, in notebooks and reports of either theme; the sign before a line says the same."""
_FUNCTION: Final = re.compile(r"^[A-Za-z_$@][^\n]*")
_HEADING_MAX: Final = 80
_PLAIN: Final = frozenset({"w", "n", "p"})
"""White space, plain names and punctuation: half of all tokens, and no theme colours them."""

Kind = Literal[" ", "+", "-"]
Tokens = list[str]
"""Flat: `[class, text, class, text, ...]`; the class is one of Pygments' short names, or empty."""
Row = list[Any]
"""`[kind, old line or None, new line or None, tokens]`."""


def change_files(base: Path, head: Path, files: Sequence[str], *, context: int = CONTEXT) -> list[dict[str, Any]]:
    """The changed files of two trees, in the order given.

    Args:
        base: Root of the tree before the change.
        head: Root of the tree after it.
        files: Paths relative to both roots; one that is in a single tree was added or removed.
        context: Unchanged lines around each change.

    Raises:
        DataError: If a file is in neither tree, is not UTF-8, or is the same in both.
    """
    return [file_change(name, _read(base, name), _read(head, name), context=context) for name in files]


def file_change(name: str, old: str | None, new: str | None, *, context: int = CONTEXT) -> dict[str, Any]:
    """One changed file as the form's `files` hold it; pure.

    Args:
        name: Path relative to the trees; its ending chooses the lexer.
        old: Text before the change; None when the file was added.
        new: Text after it; None when the file was removed.
        context: Unchanged lines around each change.

    Raises:
        DataError: If both texts are missing or equal.
    """
    if old is None and new is None:
        raise DataError(name, "is in neither tree", "Correct `files` of the scenario.")
    if old == new:
        raise DataError(name, "is the same before and after", "Take it out of `files` of the scenario.")
    old_lines, new_lines = _Lines(name, old), _Lines(name, new)
    matcher = SequenceMatcher(a=old_lines.plain, b=new_lines.plain, autojunk=False)
    hunks = [_hunk(group, old_lines, new_lines) for group in matcher.get_grouped_opcodes(context)]
    kinds = [row[0] for hunk in hunks for row in hunk["rows"]]
    status = "added" if old is None else "removed" if new is None else "modified"
    return {"path": name, "status": status, "added": kinds.count("+"), "removed": kinds.count("-"), "hunks": hunks}


def tokens_by_line(name: str, text: str) -> list[Tokens]:
    """Tokens of each line of a file; joined texts of a line give back the line.

    Args:
        name: File name; an unknown ending is read as plain text.
        text: The whole file.
    """
    return [list(line) for line in _lexed(name, text)]


@lru_cache(maxsize=64)
def _lexed(name: str, text: str) -> list[Tokens]:
    """Kept, since batches draw the same change again and again; callers get copies."""
    lines: list[Tokens] = [[]]
    for kind, value in lex(text, _lexer(name)):
        short = _short(kind)
        for at, part in enumerate(value.split("\n")):
            if at:
                lines.append([])
            if part:
                _add(lines[-1], short, part)
    return lines


class _Lines:
    """One version of a file: its lines as compared (with line break) and as drawn (as tokens)."""

    def __init__(self, name: str, text: str | None) -> None:
        whole = text or ""
        parts = whole.split("\n")
        has_tail = parts[-1] != ""
        self.plain = [part + "\n" for part in parts[:-1]] + parts[-1:] * has_tail
        self.tokens = tokens_by_line(name, whole)[: len(self.plain)] if self.plain else []
        if has_tail:
            _add(self.tokens[-1], "go", NO_NEWLINE)


def _hunk(group: Sequence[tuple[str, int, int, int, int]], old: _Lines, new: _Lines) -> dict[str, Any]:
    old_from, old_to, new_from, new_to = group[0][1], group[-1][2], group[0][3], group[-1][4]
    place = f"@@ -{_span(old_from, old_to)} +{_span(new_from, new_to)} @@"
    heading = _heading(old.plain, old_from)
    return {"head": f"{place} {heading}".strip(), "rows": list(_rows(group, old, new))}


def _rows(group: Sequence[tuple[str, int, int, int, int]], old: _Lines, new: _Lines) -> Iterator[Row]:
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            for at in range(new_to - new_from):
                yield [" ", old_from + at + 1, new_from + at + 1, new.tokens[new_from + at]]
            continue
        for at in range(old_from, old_to):
            yield ["-", at + 1, None, old.tokens[at]]
        for at in range(new_from, new_to):
            yield ["+", None, at + 1, new.tokens[at]]


def _span(start: int, stop: int) -> str:
    """A range as unified diffs write it: 1-based start and length; the line before when the range is empty."""
    length = stop - start
    return f"{start + (length > 0)},{length}"


def _heading(lines: Sequence[str], before: int) -> str:
    """The nearest earlier line that begins at the margin, such as a function's head."""
    for line in reversed(lines[:before]):
        if _FUNCTION.match(line):
            return line.rstrip()[:_HEADING_MAX]
    return ""


@lru_cache(maxsize=64)
def _lexer(name: str) -> Lexer:
    """The lexer of a file name; looking it up takes longer than using it on a short file."""
    try:
        lexer: Lexer = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    return lexer


def _short(kind: _TokenType) -> str:
    """Short class of a token, from the nearest ancestor that has one; empty for what is drawn in the text's own colour."""
    at: _TokenType | None = kind
    while at is not None and at not in STANDARD_TYPES:
        at = at.parent
    short = STANDARD_TYPES[at] if at is not None else ""
    return "" if short in _PLAIN else short


def _add(line: Tokens, short: str, part: str) -> None:
    """Append a token, joined to the one before when both look the same."""
    if line and line[-2] == short:
        line[-1] += part
    else:
        line += [short, part]


def _read(root: Path, name: str) -> str | None:
    path = root / name
    if not path.is_file():
        return None
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DataError(name, f"is not UTF-8 (byte {error.start})", "Store it as UTF-8.") from None
