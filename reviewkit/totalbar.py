"""A total on a line: expected points, 90 % interval and hard bounds, as inline SVG with classes of the report's style."""

from __future__ import annotations

from markupsafe import Markup

from reviewkit.row import Row
from reviewkit.scorecard import Total

_LEFT, _WIDTH = 20.0, 640.0


def total_bar(total: Total) -> Markup:
    """The total of one submission on a scale of 0 to the points that could be had."""
    over = max(total.over, 1.0)

    def x(points: float) -> float:
        return _LEFT + _WIDTH * min(points, over) / over

    marks = "".join(
        f'<line class="grid" x1="{x(v):.1f}" x2="{x(v):.1f}" y1="14" y2="46"/>'
        f'<text x="{x(v):.1f}" y="62" text-anchor="middle">{v:.3g}</text>'
        for v in (0, over * 0.25, over * 0.5, over * 0.75, over)
    )
    label = (
        f"{total.points:.1f} of {total.over:g} points, 90 % interval {total.interval_low:.1f} to {total.interval_high:.1f}, "
        f"possible {total.low:.1f} to {total.high:.1f}"
    )
    return Markup(  # noqa: S704 - numbers of our own
        f'<svg class="total" role="img" aria-label="{label}" viewBox="0 0 680 70" xmlns="http://www.w3.org/2000/svg">{marks}'
        f'<rect class="hard" x="{x(total.low):.1f}" y="24" width="{x(total.high) - x(total.low):.1f}" height="12"/>'
        f'<rect class="interval" x="{x(total.interval_low):.1f}" y="20" width="{x(total.interval_high) - x(total.interval_low):.1f}" height="20"/>'
        f'<line class="point" x1="{x(total.points):.1f}" x2="{x(total.points):.1f}" y1="10" y2="50"/></svg>'
    )


def row_bar(row: Row) -> str:
    """The same in a line of the cohort's table, without bounds: numbers for its style sheet, in percent of the scenario's scale.

    A drawing of its own in each of 2,000 lines took the browser longer than the rest of the page.
    """
    over = max(row.over or 0.0, 1.0)

    def x(points: float | None) -> float:
        return 100 * min(max(points or 0.0, 0.0), over) / over

    return f"--l:{x(row.low):.1f};--n:{max(x(row.high) - x(row.low), 0.5):.1f};--p:{x(row.total):.1f}"
