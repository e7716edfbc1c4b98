"""Does candidate-facing text give the key away? Runs of words shared with it, and names of domains and levels."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reviewkit.rubric import Rubric
from reviewkit.words import Domain, Level

RUN = 4
"""Words in a row that candidate-facing text may not share with the key."""
_WORD = re.compile(r"[A-Za-z0-9]+")
_LEVELS = re.compile(r"\b(?:" + "|".join(level.value for level in Level) + r")(?:-level)?\b", re.IGNORECASE)
_DOMAINS = re.compile(
    "|".join(re.escape(d.value).replace(r"\-", r"[ /_-](?:and )?") for d in Domain if "-" in d.value), re.IGNORECASE
)
"""A domain whose name is one everyday word ("database") gives nothing away in prose."""
_FILLERS = frozenset(["a", "an", "the", "of", "to", "in", "on", "is", "are", "be", "and", "or", "it", "its", "for", "with", "by", "as", "at", "that", "this", "from"])


@dataclass(frozen=True)
class Leak:
    """A place in candidate-facing text that says too much."""

    line: int
    text: str


def words(text: str) -> list[str]:
    """Lower-case words of a text."""
    return [w.lower() for w in _WORD.findall(text)]


def runs(text: str) -> set[tuple[str, ...]]:
    """All runs of four words that say something (not fillers alone)."""
    w = words(text)
    return {
        tuple(w[i : i + RUN])
        for i in range(len(w) - RUN + 1)
        if sum(part not in _FILLERS for part in w[i : i + RUN]) >= 2
    }


def key_runs(rubric: Rubric) -> dict[tuple[str, ...], str]:
    """Runs of four words of the key's titles and statements, with the defect they belong to."""
    found: dict[tuple[str, ...], str] = {}
    for defect in rubric.defects:
        for text in (defect.title, *defect.sees, *defect.understands, *defect.mends):
            for run in runs(text):
                found.setdefault(run, defect.id)
    return found


def leaks(text: str, key: dict[tuple[str, ...], str], first_line: int = 1) -> Iterator[Leak]:
    """Everything in a text that shares a run with the key or names a domain or level."""
    for number, line in _windows(text, first_line):
        for run in sorted(runs(line) & key.keys()):
            yield Leak(number, f"shares the words {' '.join(run)!r} with defect {key[run]!r}")
    for offset, line in enumerate(text.split("\n")):
        for pattern, what in ((_LEVELS, "level"), (_DOMAINS, "domain")):
            match = pattern.search(line)
            if match:
                yield Leak(first_line + offset, f"names a {what}: {match.group(0)!r}")


def _windows(text: str, first_line: int) -> Iterator[tuple[int, str]]:
    """Each line with the start of the next, so that a run across a line break is seen once."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        following = words(lines[index + 1])[: RUN - 1] if index + 1 < len(lines) else []
        yield first_line + index, " ".join([*words(line), *following])


def python_prose(source: str) -> Iterable[tuple[int, str]]:
    """Comments and strings that read as prose (docstrings, messages) of a Python file: (line, text)."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(words(node.value)) >= RUN:
            yield node.lineno, node.value
