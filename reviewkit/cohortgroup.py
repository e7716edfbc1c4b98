"""The submissions of one scenario side by side: order, distribution, and what they found by level and domain. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from markupsafe import Markup

from reviewkit.harness.results import bars
from reviewkit.plot import Share, shares, svg
from reviewkit.row import Row

BINS: Final = tuple(range(0, 100, 10))
MANY: Final = 8
"""Submissions from which a distribution says more than the rows themselves."""
Key: TypeAlias = tuple[str, str]
"""(`level` or `domain`, its value)."""
Count: TypeAlias = tuple[int, int, int]
"""Found, planted, open."""
NOTHING: Final[Count] = (0, 0, 0)


@dataclass(frozen=True)
class Line:
    """A submission in the table of its scenario."""

    row: Row
    counts: tuple[Count, ...]
    """One for each key of the group; empty where the row has none."""

    @property
    def whole(self) -> Count:
        """Found, planted and open of all flaws: each has one level."""
        found = [(f, p, o) for by, _, f, p, o in self.row.shares if by == "level"]
        return sum(c[0] for c in found), sum(c[1] for c in found), sum(c[2] for c in found)

    @property
    def packed(self) -> str:
        """The counts for the page's script: `2/3/0 1/4/1`."""
        return " ".join("/".join(map(str, count)) for count in self.counts)


@dataclass(frozen=True)
class Group:
    """All scored submissions of a scenario."""

    name: str
    lines: tuple[Line, ...]
    """The highest total first."""
    keys: tuple[Key, ...]
    charts: tuple[Markup, ...]

    @property
    def over(self) -> float:
        """Points at the right end of the scale: those of the first line."""
        return self.lines[0].row.over or 0.0

    @property
    def bands(self) -> list[str]:
        """Bands that occur, the highest first."""
        return list(dict.fromkeys(line.row.band for line in self.lines if line.row.band))


def groups_of(rows: Sequence[Row]) -> list[Group]:
    """Scored rows by scenario, by name."""
    by_scenario: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.unscored:
            by_scenario[row.scenario].append(row)
    return [_group(name, found) for name, found in sorted(by_scenario.items())]


def percent(row: Row) -> float:
    """Total in percent of what could be had."""
    return 100 * (row.total or 0.0) / row.over if row.over else 0.0


def _group(name: str, rows: Sequence[Row]) -> Group:
    ordered = sorted(rows, key=lambda r: (-(r.total or 0.0), r.candidate, r.sha256))
    seen = dict.fromkeys((by, value) for row in rows for by, value, *_ in row.shares)
    keys = tuple(key for by in ("level", "domain") for key in seen if key[0] == by)
    lines = tuple(Line(row, _counts(row, keys)) for row in ordered)
    charts = (_distribution(rows), *(_found(lines, keys, by) for by in ("level", "domain"))) if len(rows) >= MANY else ()
    return Group(name, lines, keys, tuple(chart for chart in charts if chart))


def _counts(row: Row, keys: Sequence[Key]) -> tuple[Count, ...]:
    known: dict[Key, Count] = {(by, value): (found, planted, left) for by, value, found, planted, left in row.shares}
    return tuple(known.get(key, NOTHING) for key in keys) if known else ()


def _distribution(rows: Sequence[Row]) -> Markup:
    counts = {f"{low}–{low + 10}": sum(low <= percent(r) < low + 10 or (low == 90 and percent(r) >= 100) for r in rows) for low in BINS}
    return Markup(svg(bars("Submissions by percent of the points", counts)))  # noqa: S704 - our own SVG


def _found(lines: Sequence[Line], keys: Sequence[Key], by: str) -> Markup:
    """What a submission found in the mean, per level or domain."""
    counted = [line.counts for line in lines if line.counts]
    drawn = []
    for at, (kind, value) in enumerate(keys):
        if kind == by:
            found, planted = (round(sum(counts[at][n] for counts in counted) / len(counted), 1) for n in range(2))
            drawn.append(Share(value.replace("-", " "), found, planted))
    return Markup(shares(f"Found by {by}, mean of {len(counted):,}", drawn)) if drawn else Markup("")  # noqa: S704 - our own SVG
