"""The three stages of an interview as a cockpit shows them: the review alone, the architecture, the degraded system. Pure.

Day 1 is asynchronous; on Day 3 the candidate's drawing of one request stands beside what the instrumented code does; on
Day 5 their diagnosis stands beside the key. All of it is the hiring side's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reviewkit.desk_text import text
from reviewkit.drawing import Drawing, differences, drawing_html
from reviewkit.event import Event
from reviewkit.eventdata import DiagnoseAnswer, ExplainAnswer, Kind, TraceAnswer
from reviewkit.record import State
from reviewkit.rubric import ExerciseKey, Rubric
from reviewkit.scenario import Exercise, Scenario
from reviewkit.words import ExerciseKind


class Stage(StrEnum):
    """Which meeting it is."""

    REVIEW = "Day 1: the review"
    ARCHITECTURE = "Day 3: the architecture"
    DEGRADED = "Day 5: the degraded system"


KINDS: Final[dict[Stage, tuple[ExerciseKind, ...]]] = {
    Stage.REVIEW: (ExerciseKind.MEND,),
    Stage.ARCHITECTURE: (ExerciseKind.TRACE, ExerciseKind.EXPLAIN),
    Stage.DEGRADED: (ExerciseKind.DIAGNOSE,),
}
_PARTS: Final = ("cause", "evidence", "fix", "trade_off")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A trace exercise as it stands, with what it should be."""

    exercise: Exercise
    drawing: Drawing | None
    truth: Drawing
    notes: str
    """The candidate's, to their drawing."""
    steps_n: int
    """How often the drawing was changed; `reviewkit playback` shows each."""

    @property
    def questions(self) -> tuple[str, ...]:
        """What to ask about each difference, without giving the truth away."""
        if self.drawing is None:
            return ()
        return tuple(f"{d.what}: why “{d.drawn}”?" for d in differences(self.exercise, self.drawing, self.truth))


def drawn(exercise: Exercise, key: ExerciseKey, state: State, events: Sequence[Event]) -> Drawn:
    """A trace exercise as the candidate has it now.

    Args:
        exercise: Of kind trace.
        key: What the instrumented run gave; `bank check` holds it to that.
        state: The candidate's work.
        events: Behind it, to count the steps.
    """
    work = state.exercises.get(exercise.id)
    answer = work.answer if work is not None and isinstance(work.answer, TraceAnswer) else None
    steps = sum(e.kind is Kind.EXERCISE_ANSWERED and e.data.get("exercise") == exercise.id for e in events)
    drawing = Drawing(answer.order, answer.marks) if answer is not None else None
    return Drawn(exercise, drawing, Drawing(key.order, key.marks), answer.notes if answer is not None else "", steps)


def stage_html(stage: Stage, scenario: Scenario, rubric: Rubric, state: State, events: Sequence[Event]) -> str:
    """What an interviewer looks at in a stage; every text is escaped."""
    parts = list(_review(scenario, state)) if stage is Stage.REVIEW else []
    exercises = [e for kind in KINDS[stage] for e in scenario.exercises if e.kind is kind]
    for exercise in exercises:
        key = rubric.exercises.get(exercise.id, ExerciseKey())
        if exercise.kind is ExerciseKind.TRACE:
            parts += _architecture(drawn(exercise, key, state, events))
        elif exercise.kind is ExerciseKind.DIAGNOSE:
            parts += _degraded(exercise, key, state)
        elif exercise.kind is ExerciseKind.EXPLAIN:
            parts += _explained(exercise, key, state)
    return "".join(parts) or "<p>This scenario has no exercise for this stage; use the questions of its flaws.</p>"


def _review(scenario: Scenario, state: State) -> Iterator[str]:
    mends = [e for e in scenario.exercises if e.kind is ExerciseKind.MEND]
    judged = f"{len(state.claims)} of {len(scenario.claims)}"
    lines = [
        f"findings: {len(state.findings)}; claims judged: {judged}; probe runs: {len(state.probes)}; own checks: {len(state.evidence)}",
        "review part closed" if state.review_closed else "review part open",
    ]
    for exercise in mends:
        work = state.exercises.get(exercise.id)
        ran = f"public checks: {sum(r.passed for r in work.results)} of {len(work.results)} pass" if work and work.results else "no checks run"
        lines.append(f"{exercise.title}: {len(work.files) if work else 0} files edited, {ran}")
    yield "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>"


def _architecture(now: Drawn) -> Iterator[str]:
    yield f"<h4>{text(now.exercise.title)}</h4>"
    if now.drawing is None:
        yield "<p>Nothing is drawn yet.</p>"
        return
    yield drawing_html(now.exercise, now.drawing, now.truth)
    if now.notes:
        yield f'<p>The candidate\'s notes: <span class="rk-words">{text(now.notes)}</span></p>'
    if now.questions:
        yield "<p>Ask, before you show the truth:</p><ul>" + "".join(f"<li>{text(q)}</li>" for q in now.questions) + "</ul>"
    yield f"<p>{now.steps_n} steps so far; each can be replayed with <code>reviewkit playback</code>.</p>"


def _explained(exercise: Exercise, key: ExerciseKey, state: State) -> Iterator[str]:
    work = state.exercises.get(exercise.id)
    answer = work.answer.text if work is not None and isinstance(work.answer, ExplainAnswer) else ""
    yield f"<h4>{text(exercise.title)}</h4>" + _beside([("answer", answer, key.points)])


def _degraded(exercise: Exercise, key: ExerciseKey, state: State) -> Iterator[str]:
    work = state.exercises.get(exercise.id)
    answer = work.answer if work is not None and isinstance(work.answer, DiagnoseAnswer) else None
    rows = [(name.replace("_", "-"), str(getattr(answer, name, "")), getattr(key, name)) for name in _PARTS]
    yield f"<h4>{text(exercise.title)}</h4>" + _beside(rows)


def _beside(rows: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """The candidate's words beside the key's statements."""
    body = "".join(
        f'<tr><th scope="row">{text(name)}</th><td><span class="rk-words">{text(said) or "—"}</span></td>'
        f"<td><ul>{''.join(f'<li>{text(statement)}</li>' for statement in keyed)}</ul></td></tr>"
        for name, said, keyed in rows
    )
    return f'<table><thead><tr><th scope="col">Asked</th><th scope="col" style="width:38%">The candidate</th><th scope="col">The key</th></tr></thead><tbody>{body}</tbody></table>'
