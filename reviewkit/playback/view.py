"""Frames as HTML without script: the time line, one frame, the list. Used by the report and by the player. Every text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from reviewkit.diff import SHADES
from reviewkit.drawing import Drawing, drawing_html
from reviewkit.eventdata import Kind
from reviewkit.playback.changes import Change
from reviewkit.playback.frames import Frame, Lane
from reviewkit.safe_text import visible
from reviewkit.scenario import Scenario
from reviewkit.words import ExerciseKind

WIDTH, ROW, LEFT, TOP = 760, 22, 130, 8
_DIM: Final = "var(--jp-ui-font-color2, var(--dim, #57606a))"
_LINE: Final = "var(--jp-border-color1, var(--line, #d8dee4))"
_BLUE: Final = "var(--jp-brand-color1, var(--accent, #1f5fa8))"
_WARN: Final = "var(--jp-warn-color0, var(--warn, #8a5a00))"


def strip(frames: Sequence[Frame], *, now: float | None = None, links: bool = False) -> str:
    """The time line as SVG, to the scale of playing time; empty without frames.

    Args:
        frames: All of the record.
        now: Playing time at which a cursor stands.
        links: Whether dots lead to the list's anchors, `#moment-<number>`.
    """
    if not frames:
        return ""
    longest = max(frames[-1].playing, 10.0)
    lanes = [lane for lane in Lane if lane is not Lane.WORKBOOK]
    bottom, right = TOP + ROW * len(lanes), WIDTH - 20

    def x(at: float) -> float:
        return LEFT + (right - LEFT) * at / longest

    parts = []
    for row, lane in enumerate(lanes):
        y = TOP + ROW * row + ROW / 2
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4:.0f}" text-anchor="end" fill="{_DIM}">{escape(lane.value)}</text>')
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" stroke="{_LINE}"/>')
        parts += _dots([f for f in frames if f.lane is lane], x, y, now, links=links)
    closed = next((f for f in frames if f.kind is Kind.REVIEW_CLOSED), None)
    if closed is not None:
        at = x(closed.playing)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}" stroke="{_WARN}" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="middle" fill="{_DIM}">review closed</text>')
    if now is not None:
        parts.append(f'<line x1="{x(now):.1f}" x2="{x(now):.1f}" y1="0" y2="{bottom}" stroke="{_BLUE}" stroke-width="2"/>')
    parts.append(f'<text x="{LEFT}" y="{bottom + 28}" fill="{_DIM}">0</text>')
    parts.append(f'<text x="{right}" y="{bottom + 28}" text-anchor="end" fill="{_DIM}">{frames[-1].minute} minutes</text>')
    label = f"{len(frames)} steps over {frames[-1].minute} minutes"
    return (
        f'<svg class="timeline" role="{"group" if links else "img"}" aria-label="{label}" viewBox="0 0 {WIDTH} {bottom + 34}" '
        f'style="max-width:960px;width:100%;height:auto;font:12px sans-serif" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _dots(frames: Sequence[Frame], x: Callable[[float], float], y: float, now: float | None, *, links: bool) -> list[str]:
    """Frames that fall on one point are one dot, which leads to the first of them."""
    places: dict[str, list[Frame]] = {}
    for frame in frames:
        places.setdefault(f"{x(frame.playing):.1f}", []).append(frame)
    found = []
    for place, here in places.items():
        tip = _text(f"{here[0].minute} min: {here[0].title}") + (f" and {len(here) - 1} more" if len(here) > 1 else "")
        is_past = now is None or here[0].playing <= now
        fill = f'fill="{_BLUE}"' if is_past else f'fill="none" stroke="{_BLUE}"'
        dot = f'<circle cx="{place}" cy="{y:.0f}" r="4" {fill}><title>{tip}</title></circle>'
        found.append(f'<a href="#moment-{here[0].number}" aria-label="{tip}">{dot}</a>' if links else dot)
    return found


def frame_html(frame: Frame, scenario: Scenario | None = None, truth: Mapping[str, Drawing] | None = None) -> str:
    """What one frame holds: words, change, drawing.

    Args:
        frame: The frame.
        scenario: Has the labels of a drawing's layers and marks.
        truth: Drawings of the key by exercise, shown beneath the candidate's; never given on the candidate's side.
    """
    parts = [_said(label, text) for label, text in frame.said]
    if frame.change is not None:
        parts.append(change_html(frame.change))
    if frame.drawing is not None and scenario is not None:
        exercise = next((e for e in scenario.exercises if e.id == frame.exercise and e.kind is ExerciseKind.TRACE), None)
        if exercise is not None:
            parts.append(drawing_html(exercise, frame.drawing, (truth or {}).get(exercise.id)))
    return "".join(parts)


def _said(label: str, text: str) -> str:
    words = f'<bdi style="white-space:pre-wrap;overflow-wrap:anywhere">{_text(text, keep_lines=True)}</bdi>'
    return f'<p style="margin:2px 0"><span style="color:{_DIM}">{_text(label)}:</span> {words}</p>'


def change_html(change: Change) -> str:
    """Lines of an edit: signs first, colour second."""
    if not change.lines:
        return f'<p style="color:{_DIM}">Saved without a difference.</p>'
    rows = "".join(_changed(kind, text) for kind, text in change.lines)
    more = f'<div style="color:{_DIM}">… {change.hidden} more lines</div>' if change.hidden else ""
    style = "font:12px/1.5 var(--jp-code-font-family, ui-monospace, monospace);white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0"
    return f'<div style="{style}" aria-label="{change.added} lines added, {change.removed} removed">{rows}{more}</div>'


def _changed(kind: str, text: str) -> str:
    if kind == "@":
        return f'<div style="color:{_DIM}">{_text(f"… {text}")}</div>'
    return f'<div style="background:{SHADES[kind]};">{_text(f"{kind} {text}")}</div>'


def headline(frame: Frame) -> str:
    """A frame in one line of HTML: what, after what, how much."""
    notes = [frame.after] * bool(frame.after)
    if frame.change is not None:
        notes.append(f"+{frame.change.added} −{frame.change.removed} lines")
    notes += [f"by {frame.by}"] * bool(frame.by)
    notes += [f"{frame.times_n} saves"] * (frame.times_n > 1)
    tail = f' <span style="color:{_DIM}">({_text(", ".join(notes))})</span>' if notes else ""
    return f"<bdi>{_text(frame.title)}</bdi>{tail}"


def _text(text: str, *, keep_lines: bool = False) -> str:
    return escape(visible(text, keep_lines=keep_lines), quote=True)
