"""The record as a time line: what a candidate did, minute by minute, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from reviewkit.record import Event, Kind

WIDTH, LANE, LEFT, TOP = 760, 22, 130, 8
_LANES = (
    ("remarks", (Kind.FINDING_ADDED, Kind.FINDING_EDITED, Kind.FINDING_DELETED)),
    ("claims", (Kind.CLAIM_JUDGED,)),
    ("probes", (Kind.PROBE_RUN,)),
    ("exercises", (Kind.EXERCISE_ANSWERED, Kind.EXERCISE_EDITED, Kind.EXERCISE_RUN)),
    ("evidence", (Kind.EVIDENCE_RUN,)),
    ("verdict, submit", (Kind.VERDICT_GIVEN, Kind.SUBMITTED)),
)


def minutes(events: Sequence[Event]) -> list[tuple[float, Event]]:
    """Each event with its minutes since the first; times are the server's clock, not part of any score."""
    if not events:
        return []
    start = datetime.fromisoformat(events[0].t)
    return [(max(0.0, (datetime.fromisoformat(e.t) - start).total_seconds() / 60), e) for e in events]


def timeline(events: Sequence[Event]) -> str:
    """The time line; empty for an empty record."""
    timed = minutes(events)
    if not timed:
        return ""
    longest = max(max(at for at, _ in timed), 1 / 6)
    height = TOP + LANE * len(_LANES) + 34
    right = WIDTH - 20

    def x(at: float) -> float:
        return LEFT + (right - LEFT) * at / longest

    parts = []
    for lane, (name, kinds) in enumerate(_LANES):
        y = TOP + LANE * lane + LANE / 2
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<line class="lane" x1="{LEFT}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}"/>')
        dots: dict[str, list[str]] = {}  # events that fall on one point are one dot
        for at, event in timed:
            if event.kind in kinds:
                dots.setdefault(f"{x(at):.1f}", []).append(f"{at:.1f} min: {event.kind.value}")
        for place, tips in dots.items():
            tip = escape(tips[0] + (f" and {len(tips) - 1} more" if len(tips) > 1 else ""))
            parts.append(f'<circle cx="{place}" cy="{y:.0f}" r="4"><title>{tip}</title></circle>')
    closed = [at for at, e in timed if e.kind is Kind.REVIEW_CLOSED]
    bottom = TOP + LANE * len(_LANES)
    for at in closed[:1]:
        parts.append(f'<line class="closed" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x(at):.1f}" y="{bottom + 14}" text-anchor="middle">review closed</text>')
    parts.append(f'<text x="{LEFT}" y="{bottom + 28}">0</text>')
    parts.append(f'<text x="{right}" y="{bottom + 28}" text-anchor="end">{longest:.1f} minutes</text>')
    label = f"{len(events)} events over {longest:.1f} minutes"
    return (
        f'<svg class="timeline" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
