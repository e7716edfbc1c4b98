"""Candidate text made safe to show: hidden and steering characters become visible, cells never become formulas."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_FORMULA = re.compile(r"^[\s'\"\u200b-\u200f\u2060\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20\t\r]")
_KEPT = {"\n", "\t"}
MARKS_MAX: Final = 5
"""Combining marks that one letter keeps; a pile of them is drawn across the lines around it."""
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters, marks and symbols that show nothing
    + "".join(map(chr, (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))))
)
"""Of no category that tells it, and yet nothing is seen; the two variation selectors of emoji are left alone."""
_STRANGE = re.compile(r"[^\x20-\x7e]+")


def visible(text: str, *, keep_lines: bool = False) -> str:
    """Replace control, format, surrogate, private-use and blank characters by their names, such as `<U+202E>`.

    Args:
        text: Anything, also lone surrogates.
        keep_lines: Keep line feeds and tabs; otherwise they become spaces, so that one record stays one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return _STRANGE.sub(lambda run: _shown_run(run[0], keep_lines=keep_lines), text)


def _shown_run(run: str, *, keep_lines: bool) -> str:
    shown, marks_n = [], 0
    for char in run:
        category = unicodedata.category(char)
        marks_n = marks_n + 1 if category in ("Mn", "Me") else 0
        if char in _KEPT:
            shown.append(char if keep_lines else " ")
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or char in _BLANK or marks_n > MARKS_MAX:
            shown.append(f"<U+{ord(char):04X}>")
        else:
            shown.append(char)
    return "".join(shown)


def cell(text: str) -> str:
    """A spreadsheet cell that no program takes for a formula: one that could be one starts with an apostrophe."""
    shown = visible(text)
    return "'" + shown if _FORMULA.match(shown) else shown
