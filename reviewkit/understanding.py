"""Understanding: mechanism and consequence, per defect found and per exercise; and the gates, which ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewkit.dimensions import Sum, point, rounded, scored
from reviewkit.exercises import SHARES, answer_texts, free_answers, ruled, share, trace_share
from reviewkit.judging import Reader
from reviewkit.record import State, TraceAnswer
from reviewkit.resolved import Resolved
from reviewkit.rubric import ExerciseKey, Gate, Rubric
from reviewkit.rulings import Rulings
from reviewkit.scenario import Scenario
from reviewkit.scorecard import (
    AnswerPoint,
    DecisionKind,
    DimensionResult,
    ExerciseResult,
    GateOutcome,
    GateResult,
    ItemState,
    Point,
)
from reviewkit.statements import GATE_SAID, SILENT, Said
from reviewkit.words import Dimension, ExerciseKind

_ORDER = (ItemState.CREDITED, ItemState.PARTLY, ItemState.PERSON, ItemState.MISSED)
FREE = (ExerciseKind.EXPLAIN, ExerciseKind.DIAGNOSE)


FLOODED = Said(ItemState.PERSON, 0.0, -1, "Needs a person: too many findings for the program to judge any of them.")


@dataclass(frozen=True)
class Grasp:
    """Whether the mechanism of one defect was explained."""

    state: ItemState
    said: Said
    findings: tuple[str, ...]
    words: str


def grasps(resolved: Resolved, rubric: Rubric, rulings: Rulings, *, flooded: bool = False) -> dict[str, Grasp]:
    """
    Per defect: does a finding that says it also say one of its `understands` statements?

    Of findings that say nearly the same the weakest counts. With `flooded`, a review of too many findings, no
    explanation is judged: a person reads them.
    """
    judge = Reader({defect.id: defect.understands for defect in rubric.defects})
    texts = {finding.id: finding.text for finding in resolved.counted}
    found: dict[str, Grasp] = {}
    for defect in rubric.defects:
        held = resolved.defects[defect.id]
        names = tuple(name for name in held.findings if name in texts)
        read = () if flooded or held.state is ItemState.MISSED else names
        groups: dict[str, list[Said]] = {}
        for name in read:
            groups.setdefault(resolved.repeats.get(name, name), []).append(judge.judge(texts[name], defect.id))
        said = [max(copies, key=_rank) for copies in groups.values()]
        best = min(said, key=_rank, default=FLOODED if flooded and names else SILENT)
        state = ruled(best, rulings, DecisionKind.UNDERSTANDING, defect=defect.id)
        words = best.words
        if held.state is ItemState.MISSED:
            state, words = ItemState.MISSED, "The defect was not found."
        elif held.state is ItemState.PERSON and state in (ItemState.CREDITED, ItemState.PARTLY):
            state, words = ItemState.PERSON, f"Waits for the match itself. {words}"
        elif state is not best.state:
            words = f"Decided by raters: {state.value}. Program: {words}"
        found[defect.id] = Grasp(state, best, names, words)
    return found


def _rank(said: Said) -> tuple[int, float, float]:
    """Smaller is better."""
    return (_ORDER.index(said.state), -said.share, -said.probability)


def exercise_results(
    scenario: Scenario, rubric: Rubric, state: State, rulings: Rulings
) -> tuple[tuple[ExerciseResult, ...], dict[str, float]]:
    """Results of trace, diagnose and explain, and the share each has if all open points are decided for the candidate."""
    results: list[ExerciseResult] = []
    highs: dict[str, float] = {}
    for exercise in scenario.exercises:
        if exercise.kind is ExerciseKind.MEND:
            continue
        key = rubric.exercises.get(exercise.id, ExerciseKey())
        work = state.exercises.get(exercise.id)
        answer = None if work is None else work.answer
        if exercise.kind is ExerciseKind.TRACE:
            given = answer if isinstance(answer, TraceAnswer) else None
            won, words = trace_share(exercise, key, given)
            high = won
            answers: tuple[AnswerPoint, ...] = ()
            answered = given is not None
        else:
            answers = free_answers(exercise, key, answer, rulings)
            won, high = share(answers)
            answered = any(text.strip() for text in answer_texts(exercise, answer).values())
            said = sum(1 for a in answers if a.state is ItemState.CREDITED)
            still = sum(1 for a in answers if a.state is ItemState.PERSON)
            words = f"{said} of {len(answers)} points said, {still} open." if answered else "Not answered."
        highs[exercise.id] = high
        results.append(
            ExerciseResult(
                id=exercise.id,
                kind=exercise.kind.value,
                dimension=Dimension.UNDERSTANDING,
                answered=answered,
                share=rounded(won),
                answers=answers,
                words=words,
            )
        )
    return tuple(results), highs


def understanding(
    most: float,
    rubric: Rubric,
    found: Mapping[str, Grasp],
    exercises: Sequence[ExerciseResult],
    highs: Mapping[str, float],
) -> DimensionResult:
    """Half for the defects found (by severity), half for the exercises in equal parts; all for one where the other is not asked."""
    for_findings = most / 2 if exercises else most
    weights = {defect.id: rubric.weights.severity[defect.severity] for defect in rubric.defects}
    every = sum(weights.values())
    items: list[Point] = []
    for defect in rubric.defects:
        grasp = found[defect.id]
        worth = for_findings * weights[defect.id] / every
        value = worth * SHARES.get(grasp.state, 0.0)
        high = worth if grasp.state is ItemState.PERSON else value
        total = Sum(value, value, high)
        shown = point(Dimension.UNDERSTANDING, defect.id, grasp.state, total, worth, grasp.words, grasp.findings)
        items.append(shown.model_copy(update={"program_state": grasp.said.state}))
    for result in exercises:
        worth = (most - for_findings) / len(exercises)
        value, high = worth * result.share, worth * highs[result.id]
        still = any(answer.state is ItemState.PERSON for answer in result.answers)
        state = ItemState.PERSON if still else (
            ItemState.CREDITED if result.share >= 1 else ItemState.PARTLY if result.share else ItemState.MISSED
        )  # fmt: skip
        items.append(point(Dimension.UNDERSTANDING, result.id, state, Sum(value, value, high), worth, result.words))
    total = Sum(sum(i.points for i in items), sum(i.low for i in items), sum(i.high for i in items))
    said = sum(1 for grasp in found.values() if grasp.state is ItemState.CREDITED)
    words = f"Mechanism or consequence explained for {said} of {len(found)} defects; exercises count half." if exercises else (
        f"Mechanism or consequence explained for {said} of {len(found)} defects."
    )  # fmt: skip
    return scored(Dimension.UNDERSTANDING, most, total, items, words)


def held_back(result: DimensionResult, found: Mapping[str, Grasp], exercises: Sequence[ExerciseResult]) -> float:
    """Expected points of explanations that a person has yet to read: they count nothing, but the interval reaches to them.

    Args:
        result: The dimension.
        found: Its explanations by defect.
        exercises: Its exercises.
    """
    worth = {item.item: item for item in result.items}
    waiting = [
        (worth[defect].high - worth[defect].points) * grasp.said.probability
        for defect, grasp in sorted(found.items())
        if grasp.state is ItemState.PERSON
    ]
    for exercise in exercises:
        each = worth[exercise.id].points_max / max(1, len(exercise.answers))
        waiting += [each * answer.probability for answer in exercise.answers if answer.state is ItemState.PERSON]
    return sum(waiting)


def gates(
    rubric: Rubric,
    scenario: Scenario,
    state: State,
    resolved: Resolved,
    found: Mapping[str, Grasp],
    exercises: Sequence[ExerciseResult],
    rulings: Rulings,
) -> tuple[GateResult, ...]:
    """Each gate: pass on decided evidence, fail only by raters, else needs a person."""
    statements = {gate.id: (gate.statement,) for gate in rubric.gates}
    judge = Reader(statements)
    results: list[GateResult] = []
    for gate in rubric.gates:
        evidence = [
            f"finding:{name}"
            for defect in gate.evidence.defects
            if _explained(found[defect]) and resolved.defects[defect].state is ItemState.CREDITED
            for name in found[defect].findings[:1]
        ]
        evidence += _answers(gate, judge, scenario, state, exercises)
        program = GateOutcome.PASS if evidence else GateOutcome.PERSON
        word = rulings.ruling(DecisionKind.GATE, item=gate.id)
        outcome = GateOutcome(word) if word is not None else program
        if word is None and rulings.split(DecisionKind.GATE, item=gate.id):
            outcome = GateOutcome.PERSON
        results.append(
            GateResult(
                id=gate.id,
                statement=gate.statement,
                outcome=outcome,
                program_outcome=program,
                evidence=tuple(dict.fromkeys(evidence)),
                words=_gate_words(word, outcome, evidence),
            )
        )
    return tuple(results)


def _explained(grasp: Grasp) -> bool:
    """Whether raters took the explanation of a defect, or the program did on nearly all of a statement's words."""
    by_raters = grasp.said.state is not ItemState.CREDITED
    return grasp.state is ItemState.CREDITED and (by_raters or grasp.said.share >= GATE_SAID)


def _answers(
    gate: Gate, judge: Reader, scenario: Scenario, state: State, exercises: Sequence[ExerciseResult]
) -> list[str]:
    """Exercises of the gate in which a point was taken and whose answer also says the gate's own statement."""
    taken: list[str] = []
    by_id = {result.id: result for result in exercises}
    for exercise in gate.evidence.exercises:
        result = by_id.get(exercise)
        if result is None or not any(a.state is ItemState.CREDITED for a in result.answers):
            continue
        work = state.exercises.get(exercise)
        texts = answer_texts(scenario.exercise(exercise), None if work is None else work.answer)
        said = judge.judge("\n".join(texts.values()), gate.id)
        if said.state is ItemState.CREDITED and said.share >= GATE_SAID:
            taken.append(f"answer:{exercise}")
    return taken


def _gate_words(word: str | None, outcome: GateOutcome, evidence: Sequence[str]) -> str:
    if word is not None:
        return f"Decided by raters: {outcome.value}."
    if outcome is GateOutcome.PASS:
        return f"Explained in {', '.join(evidence)}."
    return "Not shown by what the program may take as certain; a person decides."
