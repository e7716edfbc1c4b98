"""Candidate text made safe to show: hidden and steering characters become visible, cells never become formulas."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = re.compile(r"^[\s'\"\u200b-\u200f\u2060\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20\t\r]")
_KEPT = {"\n", "\t"}


def visible(text: str, *, keep_lines: bool = False) -> str:
    """Replace control, format, surrogate and private-use characters by their names, such as `<U+202E>`.

    Args:
        text: Anything, also lone surrogates.
        keep_lines: Keep line feeds and tabs; otherwise they become spaces, so that one record stays one line.
    """
    return "".join(_shown(char, keep_lines=keep_lines) for char in text)


def _shown(char: str, *, keep_lines: bool) -> str:
    if char in _KEPT:
        return char if keep_lines else " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"<U+{ord(char):04X}>"
    return char


def cell(text: str) -> str:
    """A spreadsheet cell that no program takes for a formula: one that could be one starts with an apostrophe."""
    shown = visible(text)
    return "'" + shown if _FORMULA.match(shown) else shown
