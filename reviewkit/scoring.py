"""From a matching, check results and raters' decisions to a scorecard. Pure: equal input, equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit import dimensions, mending, proof, understanding, wording
from reviewkit.finding import Finding
from reviewkit.kinship import table
from reviewkit.matching import Matching
from reviewkit.model import Model
from reviewkit.queue import queue_of
from reviewkit.record import State
from reviewkit.resolved import Resolved, resolve
from reviewkit.rubric import Rubric
from reviewkit.rulings import Rulings
from reviewkit.scenario import Scenario
from reviewkit.scorecard import (
    About,
    CheckResult,
    Decision,
    DefectResult,
    DimensionResult,
    EvidenceResult,
    ExerciseResult,
    FindingResult,
    Outcome,
    PairOutcome,
    SandboxLevel,
    Scorecard,
    Versions,
)
from reviewkit.scorer import SCORER_VERSION as SCORER_VERSION
from reviewkit.totals import gates_outcome, total_of
from reviewkit.understanding import Grasp
from reviewkit.words import Dimension
from reviewkit.worth import Worth, breakdown, defect_result, worths_of

MOST_PAIRS: Final = 3
"""Pairs of a finding that are shown although nothing came of them."""


@dataclass(frozen=True)
class _Settled:
    """What is known of the review's parts once raters are heard, before dimensions are summed."""

    rulings: Rulings
    resolved: Resolved
    worths: Mapping[str, Worth]
    """By defect."""
    defects: tuple[DefectResult, ...]
    grasps: Mapping[str, Grasp]
    """Explanations by defect."""
    exercises: tuple[ExerciseResult, ...]
    highs: Mapping[str, float]
    """Exercise -> share of it if everything open is decided for the candidate."""

    @classmethod
    def of(
        cls, state: State, scenario: Scenario, rubric: Rubric, matching: Matching, decisions: Sequence[Decision]
    ) -> _Settled:
        rulings = Rulings.of(decisions)
        resolved = resolve(state.findings, rubric, matching, rulings)
        worths = worths_of(rubric, resolved, rulings)
        defects = tuple(defect_result(defect, worths[defect.id], resolved, rulings) for defect in rubric.defects)
        grasps = understanding.grasps(resolved, rubric, rulings, flooded=matching.flooded)
        exercises, highs = understanding.exercise_results(scenario, rubric, state, rulings)
        return cls(rulings, resolved, worths, defects, grasps, exercises, highs)


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
    settled = _Settled.of(submission_state, scenario, rubric, matching, decisions)
    resolved, exercises, grasps = settled.resolved, settled.exercises, settled.grasps
    most = rubric.weights.dimensions
    claimed, claims = dimensions.claims(most[Dimension.CLAIMS], rubric, submission_state)
    mended, mends = mending.mending(
        most[Dimension.MENDING], scenario, rubric, submission_state, checks, baseline, has_sandbox=sandbox != "none"
    )
    proved = proof.proof(most[Dimension.PROOF], resolved, submission_state, evidence, settled.rulings)
    results = _dimensions(settled, rubric, submission_state, claimed, mended, proved)
    passed = understanding.gates(rubric, scenario, submission_state, resolved, grasps, exercises, settled.rulings)
    explained = next(result for result in results if result.dimension is Dimension.UNDERSTANDING)
    unread = understanding.held_back(explained, grasps, exercises)
    return Scorecard(
        about=about or About(slug=submission_state.slug or ""), versions=versions_of(scenario, rubric, matching.exemplars, matching.weights),
        sandbox=sandbox, total=total_of(results, settled.worths.values(), unread, rubric), dimensions=results,
        gates=passed, gates_outcome=gates_outcome(passed), defects=settled.defects,
        findings=tuple(_finding_result(f, resolved, matching) for f in resolved.findings),
        claims=claims, exercises=(*exercises, *mends), evidence=tuple(evidence), breakdown=breakdown(settled.defects),
        queue=queue_of(rubric, resolved, matching, results, passed, exercises, grasps),
        after_exercises=tuple(d.id for d in settled.defects if d.after_exercises), submission_guards=matching.review_guards,
        decisions=tuple(sorted(decisions, key=lambda d: (d.time, d.author, d.key, d.outcome, d.reason))),
        program_total=program, verdict_given=None if submission_state.verdict is None else submission_state.verdict.decision,
    )  # fmt: skip


def _dimensions(
    settled: _Settled,
    rubric: Rubric,
    state: State,
    claimed: DimensionResult,
    mended: DimensionResult,
    proved: DimensionResult,
) -> tuple[DimensionResult, ...]:
    """All dimensions in the order of the scorecard."""
    most, resolved = rubric.weights.dimensions, settled.resolved
    top = () if state.verdict is None else tuple(state.verdict.top)
    variances = {defect: worth.variance for defect, worth in settled.worths.items()}
    return (
        dimensions.detection(most[Dimension.DETECTION], settled.defects, variances),
        dimensions.precision(most[Dimension.PRECISION], resolved),
        understanding.understanding(
            most[Dimension.UNDERSTANDING], rubric, settled.grasps, settled.exercises, settled.highs
        ),
        dimensions.prioritisation(most[Dimension.PRIORITISATION], resolved, rubric, top),
        claimed,
        mended,
        proved,
        dimensions.communication(most[Dimension.COMMUNICATION], rubric, settled.rulings),
    )


def _finding_result(finding: Finding, resolved: Resolved, matching: Matching) -> FindingResult:
    outcome, program = resolved.outcomes[finding.id], resolved.program[finding.id]
    pairs = matching.of_finding(finding.id)
    shown = [
        pair
        for at, pair in enumerate(pairs)
        if at < MOST_PAIRS
        or {pair.outcome, resolved.pairs[finding.id, pair.target]} != {PairOutcome.NOT_MATCHED}
    ]
    evidence = tuple(
        pair.evidence(matching.weights).model_copy(update={"outcome": resolved.pairs[finding.id, pair.target]}) for pair in shown
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


def versions_of(scenario: Scenario, rubric: Rubric, exemplars: str, weights: Model) -> Versions:
    """What produces the numbers of a card that is made now."""
    return Versions(
        scorer=SCORER_VERSION,
        model=weights.id,
        idf=f"{wording.background().sha256}+{table().sha256}",
        calibration=weights.calibration.sha256,
        rubric=rubric.version,
        scenario=scenario.version,
        rubric_sha256=rubric.sha256,
        exemplars=exemplars,
    )
