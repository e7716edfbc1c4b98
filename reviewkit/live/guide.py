"""The interviewer's guide of a scenario, read from `rubrics/<slug>/guide.md`: per defect what to ask next and a ladder of hints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

_DEFECT: Final = re.compile(r"^###\s+([a-z0-9][a-z0-9-]*)\s*\(", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{1,3}\s", re.MULTILINE)
_RUNG: Final = re.compile(r"^\d+[.)]\s+", re.MULTILINE)
_ASK: Final = re.compile(r"^\*?Ask next:\*?\s*")


@dataclass(frozen=True, slots=True)
class DefectGuide:
    """What the guide says of one defect; Markdown, line breaks folded."""

    defect: str
    about: str
    """What to know of it first; often empty."""
    ask: str
    """The next question."""
    hints: tuple[str, ...]
    """Rungs of the ladder, the gentlest first."""
    listen: str
    """What good, middling and weak answers sound like."""
    line: int = 1
    """Of its heading, 1-based."""


def read_guide(text: str) -> Mapping[str, DefectGuide]:
    """Sections of the guide by defect id; headings of other kinds are left out.

    Args:
        text: `guide.md`. A defect's section begins with `### <id> (...)`, then `Ask next: ...`, a numbered list of hints,
            and what to listen for.
    """
    found: dict[str, DefectGuide] = {}
    for heading in _DEFECT.finditer(text):
        start = text.find("\n", heading.end()) + 1
        following = _HEADING.search(text, start)
        if start:
            section = _section(heading[1], text[start : following.start() if following else len(text)])
            found[heading[1]] = replace(section, line=text.count("\n", 0, heading.start()) + 1)
    return found


def _section(defect: str, body: str) -> DefectGuide:
    ask, hints, about, listen = "", list[str](), list[str](), list[str]()
    for block in re.split(r"\n\s*\n", body.strip()):
        first, *rungs = _RUNG.split(block) if _RUNG.search(block) else [block]
        hints += [_folded(rung) for rung in rungs]
        words = _folded(first)
        if _ASK.match(words):
            ask = _ASK.sub("", words)
        elif words:
            (listen if ask or hints else about).append(words)
    return DefectGuide(defect, " ".join(about), ask, tuple(hints), " ".join(listen))


def _folded(text: str) -> str:
    return " ".join(text.split())
