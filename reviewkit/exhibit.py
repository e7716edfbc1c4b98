"""Everything that a rater sees of one task, as plain data: remark, place, the key's statement, the program's reasons.

Blind: no candidate, no file name of the submission, no other rater, no score. All text is made visible here, so what
shows it needs only to show text as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from reviewkit.adjudication import Task
from reviewkit.anchor import rubric_spans
from reviewkit.bank import Entry
from reviewkit.exercises import answer_texts, asked
from reviewkit.harness.stage import Tree
from reviewkit.opinion import SecondOpinion
from reviewkit.record import State
from reviewkit.safe_text import visible
from reviewkit.scorecard import Decision, DecisionKind, FindingResult, PairEvidence, Scorecard
from reviewkit.words import Dimension, ExerciseKind

AROUND: Final = 4
"""Lines of code shown before and after those that a remark points at."""
LINES_MOST: Final = 60
HANDLE: Final = 8
"""Digits of the hash that stand for a submission."""


@dataclass(frozen=True)
class CodeLine:
    """One line of the change."""

    number: int
    text: str
    is_meant: bool
    """The remark points at it."""


@dataclass(frozen=True)
class Remark:
    """A candidate's remark with the code it points at."""

    number: int
    """Position in the review, from 1."""
    place: str
    severity: str
    category: str
    body: str
    why: str
    fix: str
    is_late: bool
    code: tuple[CodeLine, ...]


@dataclass(frozen=True)
class Exhibit:
    """What stands on the screen."""

    submission: str
    """First digits of the submission's hash; says nothing about who wrote it."""
    scenario: str
    kind: str
    title: str
    question: str
    key: tuple[tuple[str, tuple[str, ...]], ...]
    """What the rubric says: (heading, statements)."""
    remarks: tuple[Remark, ...]
    texts: tuple[tuple[str, str], ...]
    """What the candidate wrote beside remarks: (heading, text)."""
    reasons: tuple[str, ...]
    """Why the program does not decide."""
    answers: tuple[tuple[str, str, str, bool], ...]
    """(key, outcome, words, asks for a defect)."""
    defects: tuple[tuple[str, str], ...]
    """(id, title) of the key's flaws, for an answer that asks for one."""
    mine: tuple[str, str] | None = None
    """The rater's own word so far: (outcome, reason)."""
    others: tuple[tuple[str, str, str], ...] = ()
    """(rater, outcome, reason); only of a disputed item, and only once this rater has decided it too."""
    opinion: tuple[str, str] | None = None
    """A language model's second opinion: (who, what); only once this rater has decided the item."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Material:
    """What an exhibit is made from: one submission as its rater may see it."""

    entry: Entry
    state: State
    card: Scorecard
    """Scored with this rater's decisions alone."""
    opinions: SecondOpinion | None = None


def exhibit(task: Task, of: Material, mine: Decision | None = None, others: Sequence[Decision] = ()) -> Exhibit:
    """What a rater sees of a task."""
    title, question, key, findings, texts = _PARTS[task.kind](task, of)
    ids = [finding.id for finding in of.card.findings]
    shown = [f for f in of.card.findings if f.id in findings]
    asks = any(answer.asks_defect for answer in task.answers)
    return Exhibit(
        submission=task.sha256[:HANDLE],
        scenario=of.entry.slug,
        kind=task.kind.value,
        title=title,
        question=question,
        key=tuple((heading, tuple(statements)) for heading, statements in key if statements),
        remarks=tuple(_remark(finding, ids.index(finding.id) + 1, of) for finding in shown),
        texts=tuple((heading, _safe(text)) for heading, text in texts if text.strip()),
        reasons=tuple(_safe(reason) for reason in _reasons(task, of.card)),
        answers=tuple((a.key, a.outcome, _words(task, a.outcome, a.words, of), a.asks_defect) for a in task.answers),
        defects=tuple((d.id, d.title) for d in of.entry.rubric.defects) if asks else (),
        mine=(_word(mine), _safe(mine.reason)) if mine else None,
        others=tuple((_safe(d.author), d.outcome, _safe(d.reason)) for d in others),
        opinion=opinion_on(task, of.opinions) if mine else None,
    )


def opinion_on(task: Task, opinions: SecondOpinion | None) -> tuple[str, str] | None:
    """Who said what of a pair of remark and flaw, made safe to show; None where nothing usable was said."""
    found = opinions.of(task.finding, task.defect) if opinions and task.kind is DecisionKind.FINDING else None
    if opinions is None or found is None or found.says is None:
        return None
    return f"A language model ({_safe(opinions.model)}, {found.date}) said", found.words


def _safe(text: str) -> str:
    return visible(text, keep_lines=True)


def _word(decision: Decision) -> str:
    """An own word, with the flaw that it names."""
    return f"{decision.outcome} ({decision.defect})" if decision.defect else decision.outcome


def _words(task: Task, outcome: str, words: str, of: Material) -> str:
    """A mark is shown with its written level."""
    if task.kind is not DecisionKind.RATING or task.item is None:
        return words
    return f"{words}: {of.entry.rubric.levels.get(Dimension(task.item), {}).get(outcome, 'no written level')}"


# --- parts by kind: title, question, key, ids of findings, further texts ------------------------------------------------
_Key = list[tuple[str, Sequence[str]]]
_Parts = tuple[str, str, _Key, set[str], list[tuple[str, str]]]


def _finding(task: Task, of: Material) -> _Parts:
    if task.defect is None:
        titles = [f"{d.title} ({d.file})" for d in of.entry.rubric.defects]
        decoys = [f"{d.file}: {d.why}" for d in of.entry.rubric.decoys]
        key: _Key = [("Flaws of the key", titles), ("Correct code that looks suspicious", decoys)]
        return "A remark", "What is this remark?", key, {task.finding or ""}, []
    return _pair_title(task, of), "Does the remark say this flaw?", _flaw(task.defect, of), {task.finding or ""}, []


def _pair_title(task: Task, of: Material) -> str:
    defect = _defect(task.defect, of)
    return f"A remark and the flaw “{defect.title}”" if defect else f"A remark and {task.defect}"


def _defect(name: str | None, of: Material) -> Any:
    return next((d for d in of.entry.rubric.defects if d.id == name), None)


def _flaw(name: str, of: Material) -> _Key:
    """The key's statements about a flaw, a decoy or an also-valid remark."""
    rubric = of.entry.rubric
    spans = rubric_spans(rubric, of.entry.folder / "head").get(name, [])
    places = [f"{s.file}, " + (f"lines {s.first} to {s.last}" if s.last > s.first else f"line {s.first}") for s in spans]
    defect = _defect(name, of)
    if defect is not None:
        key: _Key = [("The flaw", [defect.title]), ("Counts as seeing it", defect.sees)]
        return [*key, ("Look-alikes that do not count", defect.not_), ("Planted at", places)]
    other = [d.why for d in rubric.decoys if d.id == name] + [a.statement for a in rubric.also_valid if a.id == name]
    return [("The key says", other), ("At", places)]


def _understanding(task: Task, of: Material) -> _Parts:
    defect = _defect(task.defect, of)
    point = next((p for p in of.card.dimension(Dimension.UNDERSTANDING).items if p.item == task.defect), None)
    key: _Key = [("Accepted explanations; one is enough", defect.understands)] if defect else []
    title = f"Understanding of “{defect.title}”" if defect else f"Understanding of {task.defect}"
    question = "Does the remark say how this comes about, or whom it hurts?"
    return title, question, key, set(point.findings) if point else set(), []


def _gate(task: Task, of: Material) -> _Parts:
    gate = next((g for g in of.entry.rubric.gates if g.id == task.item), None)
    if gate is None:
        return f"Gate {task.item}", "Is it passed?", [], set(), []
    held = {d.id: d for d in of.card.defects}
    findings = {name for d in gate.evidence.defects if d in held for name in held[d].findings}
    texts = [part for exercise in gate.evidence.exercises for part in _answered(exercise, of)]
    key: _Key = [("Must explain", [gate.statement])]
    return f"Gate “{gate.id}”", "Did the candidate explain this, in a remark or an answer?", key, findings, texts


def _answer(task: Task, of: Material) -> _Parts:
    exercise_id, name, _at = (task.item or "").split("/")
    exercise = next((e for e in of.entry.scenario.exercises if e.id == exercise_id), None)
    if exercise is None:
        return f"Answer {task.item}", "Is it said?", [], set(), []
    statements = asked(exercise, of.entry.rubric.exercises[exercise_id]).get(task.item or "", ())
    key: _Key = [("Asked for; one is enough" if len(statements) > 1 else "Asked for", statements), ("Prompt", [exercise.prompt])]
    wanted = "text" if exercise.kind is ExerciseKind.EXPLAIN else name
    texts = [(heading, text) for heading, text in _answered(exercise_id, of) if heading.endswith(wanted.replace("_", " "))]
    return f"Answer to “{exercise.title}”", "Does the answer say this?", key, set(), texts


def _answered(exercise_id: str, of: Material) -> list[tuple[str, str]]:
    exercise = next((e for e in of.entry.scenario.exercises if e.id == exercise_id), None)
    work = of.state.exercises.get(exercise_id)
    if exercise is None or work is None:
        return []
    return [(f"{exercise.title}: {n.replace('_', ' ')}", t) for n, t in answer_texts(exercise, work.answer).items()]


def _proof(task: Task, of: Material) -> _Parts:
    runs = [run for run in of.state.evidence if run.finding == task.finding]
    texts = [("Evidence handed in", run.code) for run in runs]
    texts += [("Outcome in the candidate's own kernel", f"{run.outcome}. {run.seen}".strip()) for run in runs]
    finding = next((f for f in of.card.findings if f.id == task.finding), None)
    titles = [d.title for d in of.entry.rubric.defects if finding and d.id in finding.defects]
    key: _Key = [("The flaw that the remark says", titles)]
    return "Evidence for a remark", "Does the evidence show the flaw on the change under review?", key, {task.finding or ""}, texts


def _rating(task: Task, of: Material) -> _Parts:
    verdict = of.state.verdict
    texts = [("Verdict on the change", verdict.decision), ("Summary", verdict.summary)] if verdict else []
    written = of.entry.rubric.levels.get(Dimension(task.item), {}) if task.item in set(Dimension) else {}
    key: _Key = [("Written levels", [f"{mark}: {text}" for mark, text in sorted(written.items())])]
    return f"Rating of {task.item}", "Which written level fits the review as a whole?", key, {f.id for f in of.card.findings}, texts


def _hint(task: Task, of: Material) -> _Parts:
    return "A hint", "Was a hint given on this flaw?", _flaw(task.defect or "", of), set(), []


_PARTS: Final = {
    DecisionKind.FINDING: _finding,
    DecisionKind.UNDERSTANDING: _understanding,
    DecisionKind.GATE: _gate,
    DecisionKind.ANSWER: _answer,
    DecisionKind.PROOF: _proof,
    DecisionKind.RATING: _rating,
    DecisionKind.HINT: _hint,
}


# --- remarks and reasons ------------------------------------------------------------------------------------------------
def _remark(finding: FindingResult, number: int, of: Material) -> Remark:
    return Remark(
        number=number, place=_safe(_place(finding)), severity=_safe(finding.severity), category=_safe(finding.category),
        body=_safe(finding.body), why=_safe(finding.why), fix=_safe(finding.fix), is_late=finding.after_exercises,
        code=_code(finding, of.entry),
    )  # fmt: skip


def _place(finding: FindingResult) -> str:
    if finding.file is None:
        return "the whole change"
    if finding.line is None:
        return f"{finding.file}, the whole file"
    last = finding.end_line or finding.line
    lines = f"line {finding.line}" if last == finding.line else f"lines {finding.line} to {last}"
    return f"{finding.file}, {lines}" + (", before the change" if finding.side == "L" else "")


def _code(finding: FindingResult, entry: Entry) -> tuple[CodeLine, ...]:
    """Lines around the place; none where the remark names a file that the scenario does not have."""
    tree = Tree(entry.folder / ("base" if finding.side == "L" else "head"))
    if finding.line is None or finding.file not in tree.files():
        return ()
    last = finding.end_line or finding.line
    lines = tree.read(finding.file).split("\n")
    first = max(1, finding.line - AROUND)
    stop = min(len(lines), last + AROUND, first + LINES_MOST - 1)
    return tuple(CodeLine(n, _safe(lines[n - 1]), finding.line <= n <= last) for n in range(first, stop + 1))


def _reasons(task: Task, card: Scorecard) -> list[str]:
    """Why the program asks, and for a pair what it saw; never how sure it is of the whole."""
    pairs: Mapping[tuple[str, str], PairEvidence] = {(f.id, p.target): p for f in card.findings for p in f.pairs}
    pair = pairs.get((task.finding or "", task.defect or ""))
    reasons = [task.words] if task.words else []
    if pair is not None:
        seen = [term.words for term in pair.contributions if not term.feature.endswith("start")]  # the same for every pair
        reasons += [*seen, *(f"Guard {g.guard}: {g.words}" for g in pair.guards)]
    return [reason for reason in dict.fromkeys(reasons) if reason]
