"""SQL as text: statements of a cell, and rows as a table of plain characters. Nothing here talks to a database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 200
"""Of one value in a table."""
_PIECE: Final = re.compile(
    r"""
    (?P<comment> --[^\n]* )
  | (?P<open> /\* )
  | (?P<escaped> \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) )
  | (?P<text> '(?:[^']|'')*(?:'|\Z) )
  | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
  | (?P<dollar> (?<![\w$]) \$(?P<tag>[A-Za-z_]\w*)?\$ )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_BODY: Final = frozenset({"begin", "case"})
"""Words that an `end` answers within the body of a trigger."""


@dataclass(frozen=True)
class Statement:
    """One statement of a cell."""

    text: str
    line: int
    """1-based line of the cell that it begins on."""


def statements(sql: str) -> list[Statement]:
    """Statements of a cell in order, without the semicolons between them; empty ones are left out.

    Knows quotes, dollar quotes, comments (PostgreSQL's nest) and bodies of triggers, in which semicolons end no statement.
    """
    found: list[Statement] = []
    begun = 0
    for end in (*_ends(sql), len(sql)):
        text = sql[begun:end]
        lead = len(text) - len(_without_lead(text))
        if text[lead:].strip():
            found.append(Statement(text[lead:].strip(), sql.count("\n", 0, begun + lead) + 1))
        begun = end + 1
    return found


def _ends(sql: str) -> Iterator[int]:
    """Places of the semicolons that end a statement."""
    at, words, depth = 0, list[str](), 0
    while (piece := _PIECE.search(sql, at)) is not None:
        at = piece.end()
        if piece["open"]:
            at = _comment_end(sql, at)
        elif piece["dollar"]:
            closing = sql.find(piece["dollar"], at)
            at = len(sql) if closing < 0 else closing + len(piece["dollar"])
        elif piece["word"]:
            word = piece["word"].lower()
            in_body = "trigger" in words[:4] and words[:1] == ["create"]
            if in_body and word in _BODY:
                depth += 1
            elif in_body and word == "end" and depth:
                depth -= 1
            words.append(word)
        elif piece["end"] and not depth:
            words = []
            yield piece.start()


def _comment_end(sql: str, at: int) -> int:
    depth = 1
    for mark in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return at + mark.end()
    return len(sql)


def _without_lead(text: str) -> str:
    """The text without blank space and comments in front of it."""
    while True:
        rest = text.lstrip()
        if rest.startswith("--"):
            text = rest.partition("\n")[2]
        elif rest.startswith("/*"):
            text = rest[_comment_end(rest, 2) :]
        else:
            return rest


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, more: bool = False) -> str:
    """Rows under their column names, as database shells print them.

    Args:
        columns: Names; may repeat.
        rows: Values in the order of the columns; numbers stand to the right.
        more: Whether there are rows that are not among these.
    """
    cells = [[_shown(value) for value in row] for row in rows]
    heads = [_plain(column) for column in columns]
    widths = [max(map(_width, [head, *(row[n] for row in cells)])) for n, head in enumerate(heads)]
    right = [bool(rows) and all(row[n] is None or _is_number(row[n]) for row in rows) for n in range(len(heads))]
    frame = list(zip(widths, right, strict=True))
    lines = [" | ".join(_padded(cell, *of) for cell, of in zip(row, frame, strict=True)).rstrip() for row in (heads, *cells)]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    count = f"the first {len(rows)} rows; --rows shows more" if more else f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    return "\n".join([*lines, f"({count})"]) + "\n"


def _is_number(value: object) -> bool:
    from decimal import Decimal

    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _shown(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (bytes, memoryview)):
        return _plain("\\x" + bytes(value)[: MOST_CHARACTERS // 2].hex() + ("…" if len(value) > MOST_CHARACTERS // 2 else ""))
    if isinstance(value, bool):
        return "true" if value else "false"
    return _plain(str(value))


def _plain(text: str) -> str:
    """One line without control characters, and not too long."""
    cut = text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
    return "".join(" " if char in "\n\t" else char if unicodedata.category(char)[0] != "C" else "\ufffd" for char in cut)


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int, to_right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if to_right else text + blank
