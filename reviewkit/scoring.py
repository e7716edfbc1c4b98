"""From a matching, check results and raters' decisions to a scorecard. Pure: equal input, equal bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from reviewkit import dimensions, mending, model, proof, understanding, wording
from reviewkit.dimensions import rounded
from reviewkit.finding import Finding
from reviewkit.kinship import table
from reviewkit.matching import Matching
from reviewkit.queue import queue_of
from reviewkit.record import State
from reviewkit.resolved import Found, Resolved, resolve
from reviewkit.rubric import Defect, Rubric
from reviewkit.rulings import Rulings
from reviewkit.scenario import Scenario
from reviewkit.scorecard import (
    About,
    Breakdown,
    CheckResult,
    Decision,
    DefectResult,
    DimensionResult,
    EvidenceResult,
    FindingResult,
    GateOutcome,
    GateResult,
    ItemState,
    Outcome,
    PairOutcome,
    SandboxLevel,
    Scorecard,
    Total,
    Versions,
)
from reviewkit.words import Dimension

SCORER_VERSION: Final = "1.1.0"
"""Changes with anything that can move a score."""
INTERVAL: Final = 1.64
"""Standard deviations to either side: 90 %."""
MOST_PAIRS: Final = 3
"""Pairs of a finding that are shown although nothing came of them."""


@dataclass(frozen=True)
class _Worth:
    """Points of one defect before rounding."""

    most: float
    factor: float
    """What hints leave of it."""
    found: Found

    @property
    def points(self) -> float:
        return self.most * self.factor * self.found.value

    @property
    def low(self) -> float:
        return self.most * self.factor * self.found.low

    @property
    def high(self) -> float:
        return self.most * self.factor * self.found.high

    @property
    def variance(self) -> float:
        return (self.most * self.factor) ** 2 * self.found.variance

    @property
    def held_back(self) -> float:
        """What guards keep out of the points but not out of the interval."""
        return (
            max(0.0, self.most * self.factor * self.found.chance - self.points)
            if self.found.high > self.found.low
            else 0.0
        )


def score(
    submission_state: State,
    scenario: Scenario,
    rubric: Rubric,
    matching: Matching,
    checks: Sequence[CheckResult],
    decisions: Sequence[Decision] = (),
    *,
    about: About | None = None,
    baseline: Sequence[CheckResult] = (),
    evidence: Sequence[EvidenceResult] = (),
    sandbox: SandboxLevel = "none",
) -> Scorecard:
    """
    Score one submission.

    Args:
        submission_state: Fold of the candidate's record.
        scenario: The candidate's half of the scenario.
        rubric: The key; the same that `matching` was made with.
        matching: From `matching.match` on all findings of the state.
        checks: Hidden checks of the mended code; empty when none were run.
        decisions: Raters' decisions so far, in any order; all are kept in the card.
        about: What was scored, for the card's head.
        baseline: Hidden checks of the unmended change, so that only what was mended earns points.
        evidence: The hiring side's re-runs of the candidate's evidence.
        sandbox: Level of the sandbox that ran checks and evidence.

    Returns:
        The scorecard; parts that cannot be decided are `unscored` or `needs a person`, never full marks or a silent zero.

    Source: docs/scoring.md.
    """
    program = None
    if decisions:
        alone = score(submission_state, scenario, rubric, matching, checks, about=about, baseline=baseline, evidence=evidence)
        program = alone.total
    rulings = Rulings.of(decisions)
    resolved = resolve(submission_state.findings, rubric, matching, rulings)
    worths = _worths(rubric, resolved, rulings)
    defects = tuple(_defect_result(defect, worths[defect.id], resolved, rulings) for defect in rubric.defects)
    grasps = understanding.grasps(resolved, rubric, rulings, flooded=matching.flooded)
    exercises, highs = understanding.exercise_results(scenario, rubric, submission_state, rulings)
    most = rubric.weights.dimensions
    mended, mends = mending.mending(most[Dimension.MENDING], scenario, rubric, submission_state, checks, baseline)
    claimed, claims = dimensions.claims(most[Dimension.CLAIMS], rubric, submission_state)
    top = () if submission_state.verdict is None else tuple(submission_state.verdict.top)
    results = (
        dimensions.detection(most[Dimension.DETECTION], defects, {d: worth.variance for d, worth in worths.items()}),
        dimensions.precision(most[Dimension.PRECISION], resolved),
        understanding.understanding(most[Dimension.UNDERSTANDING], rubric, grasps, exercises, highs),
        dimensions.prioritisation(most[Dimension.PRIORITISATION], resolved, rubric, top),
        claimed,
        mended,
        proof.proof(most[Dimension.PROOF], resolved, submission_state, evidence, rulings),
        dimensions.communication(most[Dimension.COMMUNICATION], rubric, rulings),
    )
    passed = understanding.gates(rubric, scenario, submission_state, resolved, grasps, exercises, rulings)
    explained = next(result for result in results if result.dimension is Dimension.UNDERSTANDING)
    return Scorecard(
        about=about or About(slug=submission_state.slug or ""),
        versions=versions_of(scenario, rubric, matching.exemplars),
        sandbox=sandbox,
        total=_total(results, worths.values(), understanding.held_back(explained, grasps, exercises), rubric),
        dimensions=results,
        gates=passed,
        gates_outcome=_gates_outcome(passed),
        defects=defects,
        findings=tuple(_finding_result(f, resolved, matching) for f in resolved.findings),
        claims=claims,
        exercises=(*exercises, *mends),
        evidence=tuple(evidence),
        breakdown=_breakdown(defects),
        queue=queue_of(rubric, resolved, matching, results, passed, exercises, grasps),
        after_exercises=tuple(d.id for d in defects if d.after_exercises),
        submission_guards=matching.review_guards,
        decisions=tuple(sorted(decisions, key=lambda d: (d.time, d.author, d.key, d.outcome, d.reason))),
        program_total=program,
        verdict_given=None if submission_state.verdict is None else submission_state.verdict.decision,
    )


def _worths(rubric: Rubric, resolved: Resolved, rulings: Rulings) -> dict[str, _Worth]:
    every = sum(rubric.weights.severity[defect.severity] for defect in rubric.defects)
    detection = rubric.weights.dimensions[Dimension.DETECTION]
    return {
        defect.id: _Worth(
            detection * rubric.weights.severity[defect.severity] / every,
            max(0.0, 1.0 - rubric.hint_cost * rulings.hints(defect.id)),
            resolved.defects[defect.id],
        )
        for defect in rubric.defects
    }


def _defect_result(defect: Defect, worth: _Worth, resolved: Resolved, rulings: Rulings) -> DefectResult:
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


def _finding_result(finding: Finding, resolved: Resolved, matching: Matching) -> FindingResult:
    weights = model.shipped()
    outcome, program = resolved.outcomes[finding.id], resolved.program[finding.id]
    pairs = matching.of_finding(finding.id)
    shown = [
        pair
        for at, pair in enumerate(pairs)
        if at < MOST_PAIRS
        or {pair.outcome, resolved.pairs[finding.id, pair.target]} != {PairOutcome.NOT_MATCHED}
    ]
    evidence = tuple(
        pair.evidence(weights).model_copy(update={"outcome": resolved.pairs[finding.id, pair.target]}) for pair in shown
    )
    defects = tuple(d for d in sorted(resolved.defects) if resolved.pairs.get((finding.id, d)) is PairOutcome.MATCHED)
    return FindingResult(
        id=finding.id, file=finding.file, line=finding.line, end_line=finding.end_line, side="L" if finding.side == "L" else "R",
        severity=finding.severity, category=finding.category, body=finding.body, why=finding.why, fix=finding.fix,
        text_sha256=wording.sha256(finding.text), after_exercises=finding.after_exercises, outcome=outcome,
        program_outcome=program, defects=defects, pairs=evidence,
        words=_outcome_words(outcome, defects, finding, valid=finding.id in resolved.valid_extras),
    )  # fmt: skip


def _outcome_words(outcome: Outcome, defects: Sequence[str], finding: Finding, *, valid: bool) -> str:
    named = ", ".join(defects)
    words = {
        Outcome.MATCHED: f"Finds {named}.",
        Outcome.DUPLICATE: f"Says again what another finding says{f' ({named})' if named else ''}: no points, no penalty.",
        Outcome.DECOY: "Calls correct code a defect: costs precision.",
        Outcome.EXTRA: "Valid, though not in the key."
        if valid
        else "Not in the key: counts as half a wrong remark until a rater decides, and for the candidate once confirmed.",
        Outcome.FALSE: "Rejected by raters: costs precision.",
        Outcome.VAGUE: "Too vague to say anything: no points, no penalty.",
        Outcome.PERSON: "Needs a person.",
    }[outcome]
    return words + (" Made once the exercises were open: reported apart." if finding.after_exercises else "")


def _total(results: Sequence[DimensionResult], worths: Collection[_Worth], unread: float, rubric: Rubric) -> Total:
    counted = [result for result in results if result.scored]
    missing = tuple(result.dimension for result in results if not result.scored and result.points_max)
    over = sum(result.points_max for result in counted)
    points = sum(result.points for result in counted)
    low, high = sum(r.low for r in counted), sum(r.high for r in counted)
    spread = INTERVAL * sqrt(sum(result.sd**2 for result in counted))
    # What was taken counts in full, so it can only lose: upwards only open matches and explanations are uncertain.
    rise = unread + sum(worth.held_back for worth in worths)
    rise += INTERVAL * sqrt(sum(worth.variance for worth in worths if worth.found.state is ItemState.PERSON))

    def band(value: float) -> str:
        return rubric.band(100 * value / over if over else 0.0)

    words = f"{points:.1f} of {over:g} points"
    if missing:
        words += f"; not scored: {', '.join(missing)}"
    if high > low:
        words += f"; between {low:.1f} and {high:.1f} once everything open is decided"
    return Total(
        points=rounded(points),
        over=rounded(over),
        percent=rounded(100 * points / over if over else 0.0),
        interval_low=rounded(max(0.0, points - spread)),
        interval_high=rounded(max(points, min(high, points + rise))),
        low=rounded(min(low, points)),
        high=rounded(max(high, points)),
        band=band(points),
        band_low=band(min(low, points)),
        band_high=band(max(high, points)),
        unscored=missing,
        words=words + ".",
    )


def _gates_outcome(gates: Sequence[GateResult]) -> GateOutcome:
    outcomes = {gate.outcome for gate in gates}
    if GateOutcome.FAIL in outcomes:
        return GateOutcome.FAIL
    return GateOutcome.PERSON if GateOutcome.PERSON in outcomes else GateOutcome.PASS


def _breakdown(defects: Sequence[DefectResult]) -> tuple[Breakdown, ...]:
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


def versions_of(scenario: Scenario, rubric: Rubric, exemplars: str) -> Versions:
    """What produces the numbers of a card that is made now."""
    return Versions(
        scorer=SCORER_VERSION,
        model=model.shipped_id(),
        idf=f"{wording.background().sha256}+{table().sha256}",
        calibration=model.shipped().calibration.sha256,
        rubric=rubric.version,
        scenario=scenario.version,
        rubric_sha256=rubric.sha256,
        exemplars=exemplars,
    )
