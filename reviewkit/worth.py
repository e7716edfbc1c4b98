"""What each planted defect is worth in a review: points, bounds, variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewkit.dimensions import rounded
from reviewkit.resolved import Found, Resolved
from reviewkit.rubric import Defect, Rubric
from reviewkit.rulings import Rulings
from reviewkit.scorecard import Breakdown, DefectResult, ItemState
from reviewkit.words import Dimension


@dataclass(frozen=True)
class Worth:
    """Points of one defect before rounding."""

    most: float
    factor: float
    """What hints leave of it."""
    found: Found

    @property
    def points(self) -> float:
        """Expected points."""
        return self.most * self.factor * self.found.value

    @property
    def low(self) -> float:
        """Points if everything open is decided against the candidate."""
        return self.most * self.factor * self.found.low

    @property
    def high(self) -> float:
        """Points if everything open is decided for the candidate."""
        return self.most * self.factor * self.found.high

    @property
    def variance(self) -> float:
        """Of the points, squared points."""
        return (self.most * self.factor) ** 2 * self.found.variance

    @property
    def held_back(self) -> float:
        """What guards keep out of the points but not out of the interval."""
        return (
            max(0.0, self.most * self.factor * self.found.chance - self.points)
            if self.found.high > self.found.low
            else 0.0
        )


def worths_of(rubric: Rubric, resolved: Resolved, rulings: Rulings) -> dict[str, Worth]:
    """Defect id -> what it is worth in this review."""
    every = sum(rubric.weights.severity[defect.severity] for defect in rubric.defects)
    detection = rubric.weights.dimensions[Dimension.DETECTION]
    return {
        defect.id: Worth(
            detection * rubric.weights.severity[defect.severity] / every,
            max(0.0, 1.0 - rubric.hint_cost * rulings.hints(defect.id)),
            resolved.defects[defect.id],
        )
        for defect in rubric.defects
    }


def defect_result(defect: Defect, worth: Worth, resolved: Resolved, rulings: Rulings) -> DefectResult:
    """A defect as it stands in the scorecard."""
    found = worth.found
    hints = rulings.hints(defect.id)
    return DefectResult(
        id=defect.id, title=defect.title, severity=defect.severity, level=defect.level, domain=defect.domain,
        family=defect.family, state=found.state, program_state=found.program_state,
        probability=rounded(found.chance if found.state is not ItemState.MISSED or not found.late_only else 0.0),
        finding=found.findings[0] if found.findings else None, findings=found.findings,
        after_exercises=found.late_only, hints=hints, points=rounded(worth.points), points_max=rounded(worth.most),
        low=rounded(min(worth.low, worth.points)), high=rounded(worth.high), words=_defect_words(found, hints),
    )  # fmt: skip


def _defect_words(found: Found, hints: int) -> str:
    note = f" {hints} hints were given." if hints else ""
    if found.state is ItemState.CREDITED:
        more = f"; said again by {', '.join(found.findings[1:])}, which adds nothing" if found.findings[1:] else ""
        return f"Found by {found.findings[0]}{more}.{note}"
    if found.state is ItemState.PERSON:
        counted = f"counts {found.value:.2f} of it until then" if found.value else "counts nothing until then"
        return f"Perhaps said by {', '.join(found.findings)}: a person decides; {counted}.{note}"
    if found.late_only:
        return f"Said only once the exercises were open ({', '.join(found.findings)}): reported, not counted."
    return f"Not found.{note}"


def breakdown(defects: Sequence[DefectResult]) -> tuple[Breakdown, ...]:
    """Found of planted, by level, domain and severity."""
    rows: list[Breakdown] = []
    for by in ("level", "domain", "severity"):
        values = sorted({str(getattr(defect, by).value) for defect in defects})
        for value in values:
            held = [defect for defect in defects if getattr(defect, by).value == value]
            rows.append(
                Breakdown(
                    by=by,
                    value=value,
                    planted=len(held),
                    found=sum(1 for d in held if d.state is ItemState.CREDITED),
                    open=sum(1 for d in held if d.state is ItemState.PERSON),
                    points=rounded(sum(d.points for d in held)),
                    points_max=rounded(sum(d.points_max for d in held)),
                )
            )
    return tuple(rows)
