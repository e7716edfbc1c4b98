"""Small charts as inline SVG: theme colours, no script, readable without colour alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from reviewkit.harness.results import Plot, Point

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 42, 40
SHARES_WIDTH = 420
_NAME, _SAID, _ROW = 150, 104, 22
_COLOURS = ("var(--rk-c1, #2f6fb3)", "var(--rk-c2, #c2571a)", "var(--rk-c3, #2e7d4f)", "var(--rk-c4, #8a4fa3)", "var(--rk-c5, #6b6b6b)")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")
_INK = "var(--jp-ui-font-color1, var(--rk-ink, #222))"
_GRID = "var(--jp-border-color2, var(--rk-grid, #ddd))"


def svg(plot: Plot) -> str:
    """Draw a plot; every text is escaped, every number rounded."""
    body = _bars(plot) if plot.kind == "bars" else _lines(plot)
    label = escape(f"{plot.title}: {_summary(plot)}", quote=True)
    return (
        f'<svg class="rk-chart" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'style="max-width:100%;height:auto;font:12px sans-serif" xmlns="http://www.w3.org/2000/svg">'
        f'<text x="8" y="14" fill="{_INK}"><tspan font-weight="600">{escape(plot.title)}</tspan>{_unit(plot)}</text>{body}</svg>'
    )


@dataclass(frozen=True)
class Share:
    """One bar of a chart of shares."""

    name: str
    part: float
    whole: float
    open: float = 0.0
    """What may still be added: drawn as an outline behind the part."""


def shares(title: str, rows: Sequence[Share]) -> str:
    """Parts of wholes as lying bars with room for whole words: name, bar, `3 of 4`."""
    height = 28 + _ROW * len(rows)
    parts = []
    for at, row in enumerate(rows):
        y = 26 + _ROW * at
        full = (SHARES_WIDTH - _NAME - _SAID) / (row.whole or 1.0)
        end = min(row.part + row.open, row.whole)
        parts.append(_text(_NAME - 8, y + 13, row.name, "end"))
        parts.append(f'<rect x="{_NAME}" y="{y}" width="{full * row.whole:.1f}" height="16" fill="{_GRID}" fill-opacity=".5"/>')
        if row.open:
            parts.append(
                f'<rect x="{_NAME + 0.5}" y="{y + 0.5}" width="{max(full * end - 1, 0):.1f}" height="15" fill="none" '
                f'stroke="{_COLOURS[0]}" stroke-dasharray="3 2"/>'
            )
        parts.append(f'<rect x="{_NAME}" y="{y}" width="{full * row.part:.1f}" height="16" fill="{_COLOURS[0]}"/>')
        parts.append(_text(SHARES_WIDTH - _SAID + 6, y + 13, _said(row), "start"))
    label = escape(f"{title}: " + ", ".join(f"{row.name} {_said(row)}" for row in rows), quote=True)
    return (
        f'<svg class="rk-chart" role="img" aria-label="{label}" viewBox="0 0 {SHARES_WIDTH} {height}" width="{SHARES_WIDTH}" '
        f'style="max-width:100%;height:auto;font:12px sans-serif" xmlns="http://www.w3.org/2000/svg">'
        f'<text x="0" y="14" fill="{_INK}" font-weight="600">{escape(title)}</text>{"".join(parts)}</svg>'
    )


def _said(row: Share) -> str:
    more = f" (+{_number(row.open)} open)" if row.open else ""
    return f"{_number(row.part)} of {_number(row.whole)}{more}"


def _unit(plot: Plot) -> str:
    """What the vertical axis counts, behind the title; the name of a single line too, which then needs no legend."""
    parts = [*(plot.series if plot.kind == "lines" and len(plot.series) == 1 else ()), *([plot.y] if plot.y else ())]
    return f'<tspan dx="8">{escape(", ".join(parts))}</tspan>' if parts else ""


def _summary(plot: Plot) -> str:
    if plot.kind == "bars":
        return ", ".join(f"{name} {_number(points[0][1])}" for name, points in plot.series.items() if points)
    return ", ".join(f"{name} ({len(points)} points)" for name, points in plot.series.items())


def _number(value: float) -> str:
    return f"{value:.4g}"


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from `low` to beyond `high`, about `wanted` of them."""
    span = max(high - low, 1e-9)
    raw = span / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.floor(low / step)
    last = math.ceil(high / step)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def _y_axis(marks: Sequence[float]) -> tuple[str, float, float]:
    low, high = marks[0], marks[-1]
    parts = []
    for mark in marks:
        y = _scale(mark, low, high, HEIGHT - _BOTTOM, _TOP)
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GRID}"/>')
        parts.append(_text(_LEFT - 6, y + 4, _number(mark), "end"))
    return "".join(parts), low, high


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / (high - low or 1.0) * (end - start)


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_INK}" text-anchor="{anchor}">{escape(text)}</text>'


def _bars(plot: Plot) -> str:
    values = {name: points[0][1] for name, points in plot.series.items() if points}
    marks = ticks(min([0.0, *values.values()]), max([1.0, *values.values()]))
    if all(float(value).is_integer() for value in values.values()):
        marks = [mark for mark in marks if float(mark).is_integer()]  # nobody counts half a thing
    axis, low, high = _y_axis(marks)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(values), 1)
    hues = _COLOURS if len(values) <= len(_COLOURS) else _COLOURS[:1]  # colours that repeat would say something untrue
    parts = [axis]
    for index, (name, value) in enumerate(values.items()):
        x = _LEFT + step * index + step * 0.2
        top, base = (_scale(v, low, high, HEIGHT - _BOTTOM, _TOP) for v in (value, 0.0))
        parts.append(
            f'<rect x="{x:.1f}" y="{min(top, base):.1f}" width="{step * 0.6:.1f}" height="{abs(base - top):.1f}" '
            f'fill="{hues[index % len(hues)]}"/>'
        )
        parts.append(_text(x + step * 0.3, min(top, base) - 4, _number(value)))
        parts.append(_text(x + step * 0.3, HEIGHT - _BOTTOM + 16, name))
    return "".join(parts)


def _lines(plot: Plot) -> str:
    points = [p for series in plot.series.values() for p in series]
    if not points:
        return _text(WIDTH / 2, HEIGHT / 2, "no points")
    axis, low, high = _y_axis(ticks(min(0.0, *(y for _, y in points)), max(*(y for _, y in points), 1e-9)))
    x_marks = ticks(min(x for x, _ in points), max(x for x, _ in points))
    parts = [axis]
    for mark in x_marks:
        x = _scale(mark, x_marks[0], x_marks[-1], _LEFT, WIDTH - _RIGHT)
        parts.append(_text(x, HEIGHT - _BOTTOM + 16, _number(mark)))
    parts.append(_text(WIDTH / 2, HEIGHT - 6, plot.x))
    parts.append(_polylines(plot.series, (x_marks[0], x_marks[-1]), (low, high)))
    return "".join(parts)


def _polylines(series: Mapping[str, Sequence[Point]], xs: tuple[float, float], ys: tuple[float, float]) -> str:
    parts = []
    for index, (name, points) in enumerate(series.items()):
        colour, dash = _COLOURS[index % len(_COLOURS)], _DASHES[index % len(_DASHES)]
        place = " ".join(
            f"{_scale(x, *xs, _LEFT, WIDTH - _RIGHT):.1f},{_scale(y, *ys, HEIGHT - _BOTTOM, _TOP):.1f}" for x, y in points
        )
        parts.append(f'<polyline points="{place}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        if len(series) == 1:
            break
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * index / len(series)
        y = 28
        parts.append(f'<line x1="{x}" x2="{x + 24}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        parts.append(_text(x + 30, y + 4, name, "start"))
    return "".join(parts)


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as an HTML table; cells are escaped text."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(row.get(column, '')))}</td>" for column in columns) + "</tr>" for row in rows
    )
    return f'<table class="rk-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
