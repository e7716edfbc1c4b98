"""A trace exercise's answer as a drawing: layers in the order entered, with the marks placed on each; beside the truth where it is known.

Plain HTML without script, for notebook outputs and reports alike. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from reviewkit.safe_text import visible
from reviewkit.scenario import Exercise

_INK: Final = "var(--jp-ui-font-color1, var(--ink, #222))"
_DIM: Final = "var(--jp-ui-font-color2, var(--dim, #57606a))"
_LINE: Final = "var(--jp-border-color1, var(--line, #bbb))"
_SOFT: Final = "var(--jp-layout-color2, var(--soft, #f4f6f8))"
SHOWN_MAX: Final = 40
"""Layers and marks that are drawn; an answer that no form of ours made may name more."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Who is entered when, and what happens where, by ids of the exercise's layers and marks."""

    order: Sequence[str]
    marks: Mapping[str, str] = field(default_factory=dict)
    """Mark -> layer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which a drawing differs from the truth."""

    what: str
    """Label of a mark, or of a layer."""
    drawn: str
    true: str


def differences(exercise: Exercise, drawn: Drawing, truth: Drawing) -> tuple[Difference, ...]:
    """Where a drawing differs: the order as a whole first, then marks in the exercise's order; ids that the exercise lacks are left out."""
    layers = {layer.id: layer.label for layer in exercise.layers}
    found = []
    known = [layer for layer in drawn.order if layer in layers]
    if known != list(truth.order):
        found.append(Difference("The order of the layers", _path(known, layers), _path(truth.order, layers)))
    for mark in exercise.marks:
        said, right = drawn.marks.get(mark.id, ""), truth.marks.get(mark.id, "")
        if said != right:
            found.append(Difference(mark.label, layers.get(said, "not placed"), layers.get(right, "nowhere")))
    return tuple(found)


def _path(order: Sequence[str], layers: Mapping[str, str]) -> str:
    return " → ".join(layers.get(layer, layer) for layer in order) or "nothing"


def drawing_html(exercise: Exercise, drawn: Drawing | None, truth: Drawing | None = None) -> str:
    """One or both drawings, one above the other, and in words where they differ.

    Args:
        exercise: Of kind trace.
        drawn: The candidate's; hostile text is possible, since a record may hold any id. None where there is none yet.
        truth: What the instrumented code does: part of the key.
    """
    parts = []
    if drawn is not None:
        parts.append(_row(exercise, "The candidate's drawing" if truth else "Drawing", drawn, truth))
    if truth is not None:
        parts.append(_row(exercise, "What the running code does", truth, None))
    if drawn is not None and truth is not None:
        parts.append(_words(differences(exercise, drawn, truth)))
    return f'<div class="rk-drawing" style="color:{_INK};font-size:13px">{"".join(parts)}</div>' if parts else ""


def _row(exercise: Exercise, title: str, drawing: Drawing, truth: Drawing | None) -> str:
    labels = {layer.id: layer.label for layer in exercise.layers}
    marks = {mark.id: mark.label for mark in exercise.marks}
    boxes = []
    layers = [*drawing.order, *(layer for layer in dict.fromkeys(drawing.marks.values()) if layer not in drawing.order)]
    for at, layer in enumerate(layers[:SHOWN_MAX]):
        is_entered = at < len(drawing.order)
        placed = [mark for mark, where in list(drawing.marks.items())[:SHOWN_MAX] if where == layer]
        chips = "".join(_chip(marks.get(mark, mark), truth is not None and truth.marks.get(mark) != layer) for mark in placed)
        head = f"{at + 1}. {_text(labels.get(layer, layer))}" if is_entered else f"{_text(labels.get(layer, layer))} (not in the order)"
        style = f"border:1px {'solid' if is_entered else 'dashed'} {_LINE};border-radius:6px;padding:6px 10px;background:{_SOFT};max-width:260px"
        arrow = f'<span aria-hidden="true" style="align-self:center;color:{_DIM}">→</span>' if 0 < at < len(drawing.order) else ""
        boxes.append(f'{arrow}<div role="listitem" style="{style}"><strong>{head}</strong>{chips}</div>')
    inside = "".join(boxes) or f'<span style="color:{_DIM}">nothing placed</span>'
    return (
        f'<p style="margin:8px 0 4px;color:{_DIM}">{_text(title)}</p>'
        f'<div role="list" aria-label="{_text(title)}" style="display:flex;flex-wrap:wrap;gap:8px;align-items:stretch">{inside}</div>'
    )


def _chip(label: str, differs: bool) -> str:
    sign = "≠ " if differs else "• "
    weight = "font-weight:600;" if differs else ""
    return f'<div style="{weight}margin-top:4px;line-height:1.35">{sign}{_text(label)}</div>'


def _words(found: Sequence[Difference]) -> str:
    if not found:
        return '<p style="margin:8px 0">✓ Drawing and running code agree in every point.</p>'
    lines = "".join(
        f"<li>{_text(d.what)}: drawn <em>{_text(d.drawn)}</em>, in truth <strong>{_text(d.true)}</strong></li>" for d in found
    )
    return f'<p style="margin:8px 0 2px">≠ They differ in {len(found)} {"point" if len(found) == 1 else "points"}:</p><ul style="margin:2px 0">{lines}</ul>'


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
