"""The change beside the reference, line by line, as an HTML table for a notebook's output. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from reviewkit.anchor import Span
from reviewkit.diff import SHADES, file_change

NEAR: Final = 3
"""Lines around a flaw's place within which a hunk of the reference belongs to it."""
_MONO: Final = "font:12px/1.5 var(--jp-code-font-family, ui-monospace, monospace);white-space:pre-wrap;overflow-wrap:anywhere;text-align:left;vertical-align:top"
_DIM: Final = "var(--jp-ui-font-color2, #57606a)"
_ROW: Final = '<tr style="background:none">'
"""JupyterLab shades every other row of a table, which beside the shades of a change says something that is not so."""

Side = tuple[int, str, str]
"""(line number, text, kind)."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Hunks of one file: what the change has, what the reference has."""

    file: str
    hunks: tuple[tuple[str, tuple[tuple[Side | None, Side | None], ...]], ...]


def side_by_side(name: str, head: str | None, reference: str | None, spans: Sequence[Span] = ()) -> SideBySide | None:
    """A file's differences, those near `spans` where there are any; None when head and reference are the same there.

    Args:
        name: Path of the file.
        head: Text in the change; None where the reference adds the file.
        reference: Text in the reference; None where it removes the file.
        spans: Lines of the change to look at; empty for the whole file.
    """
    if head == reference:
        return None
    change = file_change(name, head, reference)
    hunks = [hunk for hunk in change["hunks"] if not spans or any(_touches(hunk["rows"], span) for span in spans)]
    if not hunks:
        return None
    return SideBySide(name, tuple((hunk["head"], tuple(_paired(hunk["rows"]))) for hunk in hunks))


def _touches(rows: Sequence[Any], span: Span) -> bool:
    lines = [row[1] for row in rows if row[1] is not None]
    return bool(lines) and min(lines) <= span.last + NEAR and max(lines) >= span.first - NEAR


def _paired(rows: Iterable[Any]) -> Iterator[tuple[Side | None, Side | None]]:
    """Rows of a hunk as two columns: removed lines beside the added ones that follow them."""
    old: list[Side] = []
    new: list[Side] = []

    def flush() -> Iterator[tuple[Side | None, Side | None]]:
        for at in range(max(len(old), len(new))):
            yield old[at] if at < len(old) else None, new[at] if at < len(new) else None
        old.clear()
        new.clear()

    for kind, was, now, tokens in rows:
        text = "".join(tokens[1::2])
        if kind == "-":
            if new:
                yield from flush()
            old.append((was, text, kind))
        elif kind == "+":
            new.append((now, text, kind))
        else:
            yield from flush()
            yield (was, text, kind), (now, text, kind)
    yield from flush()


def html(sides: Sequence[SideBySide]) -> str:
    """The tables of several files."""
    return "".join(_file(side) for side in sides)


def _file(side: SideBySide) -> str:
    rows = []
    for head, pairs in side.hunks:
        rows.append(f'{_ROW}<td colspan="4" style="{_MONO};color:{_DIM};padding:4px 6px">{escape(head)}</td></tr>')
        rows += [f"{_ROW}{_half(left)}{_half(right)}</tr>" for left, right in pairs]
    head_row = (
        f'<tr><th></th><th style="text-align:left">The change: {escape(side.file)}</th><th></th><th style="text-align:left">The reference</th></tr>'
    )
    return (
        '<table style="width:100%;table-layout:fixed;border-collapse:collapse">'
        '<colgroup><col style="width:3.5em"><col><col style="width:3.5em"><col></colgroup>'
        f"<thead>{head_row}</thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _half(side: Side | None) -> str:
    if side is None:
        return "<td></td><td></td>"
    number, text, kind = side
    sign = f"{kind} " if kind != " " else "  "
    return (
        f'<td style="{_MONO};color:{_DIM};text-align:right;padding:0 6px">{number}</td>'
        f'<td style="{_MONO};background:{SHADES[kind]};padding:0 6px">{escape(sign + text)}</td>'
    )


def as_text(sides: Sequence[SideBySide]) -> str:
    """The same for a terminal: what is removed and added."""
    lines = []
    for side in sides:
        lines.append(side.file)
        for head, pairs in side.hunks:
            lines.append(head)
            for left, right in pairs:
                lines += [f"{side_of[2]}{side_of[1]}" for side_of in (left, right) if side_of is not None and side_of[2] != " "]
    return "\n".join(lines)
