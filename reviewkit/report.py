"""One submission's report: a self-contained HTML file for a hiring panel. No script, no request, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reviewkit.bank import Entry
from reviewkit.batchmarks import Mark
from reviewkit.decided import decided_points, unknown_in
from reviewkit.drawing import Drawing, drawing_html
from reviewkit.eventdata import TraceAnswer
from reviewkit.evidence import REPEATS
from reviewkit.evidence_view import evidence_rows
from reviewkit.finding import Finding
from reviewkit.handover import Voice, side_by_side
from reviewkit.hiring import HiringDecision
from reviewkit.notice import notice_html, notice_text
from reviewkit.playback.frames import Frame, frames
from reviewkit.playback.source import head_texts, truths
from reviewkit.playback.view import change_html, headline, strip
from reviewkit.plot import Share, shares
from reviewkit.reportdiff import marked_diff
from reviewkit.safe_text import visible
from reviewkit.scorecard import GateOutcome, ItemState, Outcome, PairOutcome, Scorecard
from reviewkit.submission import Submission
from reviewkit.totalbar import total_bar
from reviewkit.waiting import questions

STATE_WORDS = {
    ItemState.CREDITED: "found", ItemState.PARTLY: "partly", ItemState.MISSED: "missed",
    ItemState.PERSON: "needs a person", ItemState.UNSCORED: "unscored",
}  # fmt: skip
STATE_SIGNS = {
    ItemState.CREDITED: "✓", ItemState.PARTLY: "◐", ItemState.MISSED: "✗", ItemState.PERSON: "?", ItemState.UNSCORED: "–",
}  # fmt: skip
GATE_SIGNS = {GateOutcome.PASS: "✓", GateOutcome.FAIL: "✗", GateOutcome.PERSON: "?"}
QUEUE_KINDS = {
    "finding": "Match", "understanding": "Explanation", "gate": "Gate", "answer": "Answer", "proof": "Evidence",
    "rating": "Mark", "hint": "Hint",
}  # fmt: skip
CHECK_SIGNS = {"passed": "✓", "not_run": "–", "not_measured": "?", "error": "?"}
OUTCOME_ORDER = (
    Outcome.MATCHED, Outcome.PERSON, Outcome.EXTRA, Outcome.DUPLICATE, Outcome.DECOY, Outcome.FALSE, Outcome.VAGUE,
)  # fmt: skip


@cache
def environment() -> Environment:
    """Our own templates, autoescaping; `said` shows text of a candidate."""
    made = Environment(
        loader=PackageLoader("reviewkit", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["said"] = said
    made.filters["num"] = lambda value: f"{value:.1f}".rstrip("0").rstrip(".")
    made.filters["short"] = lambda value: str(value)[:12]
    return made


def said(text: object) -> Markup:
    """Text of a candidate: escaped, hidden characters shown, and kept from turning its surroundings around."""
    return Markup("<bdi>") + escape(visible(str(text), keep_lines=True)) + Markup("</bdi>")


def render_report(
    card: Scorecard,
    entry: Entry,
    submission: Submission | None,
    generated: str,
    *,
    hiring: Sequence[HiringDecision] = (),
    notice: str = "",
    heard: Sequence[Voice] = (),
) -> str:
    """The report of a scored submission.

    Args:
        card: The scorecard.
        entry: Its scenario, with rubric.
        submission: For the time line and the signs of tampering; None leaves both out.
        generated: When it was made, as text: the only thing that differs between two renderings.
        hiring: What people decided about the candidate, the latest last.
        notice: Text of the notice; our own when empty.
        heard: The program, each rater and all together, where raters have spoken.
    """
    facts = {"scenario": entry.scenario.title, "minutes": entry.scenario.minutes}
    return environment().get_template("report.html.j2").render(
        **_context(card, entry, submission),
        generated=generated,
        hiring=hiring,
        notice=notice_html(notice or notice_text(), facts),
        decided=decided_points(card),
        unknown=unknown_in(card),
        voices=heard,
        voice_lines=side_by_side(heard),
    )


def _context(card: Scorecard, entry: Entry, submission: Submission | None) -> dict[str, Any]:
    rubric = entry.rubric
    keys = {d.id: d for d in rubric.defects}
    findings = {f.id: f for f in card.findings}
    numbers = {f.id: n for n, f in enumerate(card.findings, 1)}
    return {
        "card": card,
        "scenario": entry.scenario,
        "rubric": rubric,
        "keys": keys,
        "findings": findings,
        "numbers": numbers,
        "decoys": {d.id: d for d in rubric.decoys},
        "states": STATE_WORDS,
        "signs": STATE_SIGNS,
        "gate_signs": GATE_SIGNS,
        "queue_kinds": QUEUE_KINDS,
        "check_signs": CHECK_SIGNS,
        "by_outcome": [(o, [f for f in card.findings if f.outcome is o]) for o in OUTCOME_ORDER],
        "pairs": {d.id: _pairs(card, d.id) for d in card.defects},
        "files": marked_diff(card, entry),
        "whole_change": [f.id for f in card.findings if f.file is None],
        "defect_states": {d.id: d.state for d in card.defects},
        "total_bar": total_bar(card.total),
        "charts": _charts(card),
        "questions": questions(card.queue),
        "answers": {a.id: a for e in card.exercises for a in e.answers},
        "defect_counts": [(s, n) for s in STATE_WORDS if (n := sum(d.state is s for d in card.defects))],
        "named": naming(card, {d: key.title for d, key in keys.items()}),
        **_record(frames(submission.events, entry.scenario, head_texts(entry), numbers) if submission else ()),
        "given": _given(submission),
        "drawings": _drawings(entry, submission),
        "summary": submission.state.verdict.summary if submission and submission.state.verdict else "",
        "evidence": evidence_rows(card, submission.state.evidence if submission else (), {d: k.title for d, k in keys.items()}),
        "repeats": REPEATS,
        "flags": card.flags,
        "marks": (),
        "opinion": card.second_opinion,
        "opinion_words": _opinion(card),
        "outside": _outside(card, submission),
        "sandbox": _sandbox(card),
    }


STEPS_MAX = 600
"""Steps of a record that a report lists; `reviewkit playback` shows all."""


def _record(steps: Sequence[Frame]) -> dict[str, Any]:
    """The time line and its list, as markup of our own with every text escaped."""
    listed = [(frame, Markup(headline(frame)), Markup(change_html(frame.change)) if frame.change else None) for frame in steps[:STEPS_MAX]]  # noqa: S704
    return {"timeline": Markup(strip(steps[:STEPS_MAX], links=True)), "steps": listed, "steps_more": len(steps) - len(listed)}  # noqa: S704


MARKS_BEGIN, MARKS_END = "<!--marks of the batch-->", "<!--end of marks-->"


def with_batch_marks(html: str, marks: Sequence[Mark]) -> str:
    """A report with the marks of its batch in its head, in place of those of an earlier batch; all other bytes stay.

    Raises:
        ValueError: If the text is no report of this version.
    """
    before, _begin, rest = html.partition(MARKS_BEGIN)
    _old, end, after = rest.partition(MARKS_END)
    if not end:
        raise ValueError("no report with a place for marks")
    return before + environment().get_template("report/batchmarks.html.j2").render(marks=marks) + after


def _outside(card: Scorecard, submission: Submission | None) -> list[Finding]:
    """Remarks that point at no line of the change, and so were not scored."""
    scored = {finding.id for finding in card.findings}
    return [finding for finding in submission.state.findings if finding.id not in scored] if submission else []


def _given(submission: Submission | None) -> dict[str, list[tuple[str, str]]]:
    """What the candidate answered or mended, by exercise: (label, text). A person decides on this, so it is shown whole."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key, work in (submission.state.exercises if submission else {}).items():
        answer = work.answer.model_dump() if work.answer is not None else {}
        parts = [(name.replace("_", " "), _words(value)) for name, value in answer.items() if name != "notes" or value]
        found[key] = [*parts, *((file, text) for file, text in work.files.items())]
    return found


def _drawings(entry: Entry, submission: Submission | None) -> dict[str, Markup]:
    """Drawings of trace exercises beside what the instrumented code does."""
    truth = truths(entry)
    found: dict[str, Markup] = {}
    for key, work in (submission.state.exercises if submission else {}).items():
        if key in truth and isinstance(work.answer, TraceAnswer):
            drawn = Drawing(work.answer.order, work.answer.marks)
            found[key] = Markup(drawing_html(entry.scenario.exercise(key), drawn, truth[key]))  # noqa: S704 - our own markup, every text escaped
    return found


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return " > ".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)


def _pairs(card: Scorecard, defect: str) -> list[tuple[str, Any]]:
    """(finding id, evidence) of the pairs that speak for a defect, most probable first."""
    found = [
        (f.id, pair)
        for f in card.findings
        for pair in f.pairs
        if pair.target == defect and pair.outcome is not PairOutcome.NOT_MATCHED
    ]
    return sorted(found, key=lambda item: (-item[1].probability, item[0]))


def _charts(card: Scorecard) -> list[Markup]:
    """Found of planted, by severity, level and domain."""
    found = []
    for by in ("severity", "level", "domain"):
        rows = [Share(b.value.replace("-", " "), b.found, b.planted, b.open) for b in card.breakdown if b.by == by and b.planted]
        found.append(Markup(shares(f"Found by {by}", rows)))  # noqa: S704 - our own SVG
    return found


def naming(card: Scorecard, titles: Mapping[str, str]) -> Callable[[object], Markup]:
    """A filter for words of the program: escaped, with ids of remarks and planted flaws turned into links that say what they are."""
    links = {d.id: ("d", d.id, f"“{titles[d.id]}”") for d in card.defects if d.id in titles}
    links |= {f.id: ("f", str(n), f"remark {n}") for n, f in enumerate(card.findings, 1)}
    if not links:
        return said
    known = re.compile(rf"(?<![\w-])({'|'.join(re.escape(key) for key in sorted(links, key=len, reverse=True))})(?![\w-])")

    def named(text: object) -> Markup:
        pieces = known.split(str(text))
        return Markup("").join(_link(*links[piece]) if at % 2 else said(piece) for at, piece in enumerate(pieces) if piece)

    return named


def _link(letter: str, key: str, words: str) -> Markup:
    return Markup('<a href="#{}-{}">{}</a>').format(letter, key, visible(words))


def _opinion(card: Scorecard) -> str:
    if card.second_opinion is None:
        return ""
    from reviewkit.opinionviews import summary

    return summary(card.second_opinion)


def _sandbox(card: Scorecard) -> str:
    checks = [c for e in card.exercises for c in e.checks]
    if not checks:
        return "no hidden checks belong to this submission"
    if card.sandbox == "none":
        return f"{len(checks)} hidden checks NOT RUN: no sandbox on the machine that scored"
    lost = sum(c.outcome in ("not_run", "not_measured", "error") for c in checks)
    where = f"in the sandbox (level {card.sandbox})"
    return f"{lost} of {len(checks)} hidden checks without a verdict {where}" if lost else f"{len(checks)} hidden checks run {where}"
