"""One submission's report: a self-contained HTML file for a hiring panel. No script, no request, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reviewkit.bank import Entry
from reviewkit.batchmarks import Mark
from reviewkit.decided import decided_points, unknown_in
from reviewkit.evidence import REPEATS
from reviewkit.evidence_view import evidence_rows
from reviewkit.finding import Finding
from reviewkit.harness.results import bars
from reviewkit.hiring import HiringDecision
from reviewkit.notice import notice_html, notice_text
from reviewkit.plot import svg
from reviewkit.reportdiff import marked_diff
from reviewkit.safe_text import visible
from reviewkit.scorecard import Breakdown, GateOutcome, ItemState, Outcome, PairOutcome, Scorecard
from reviewkit.submission import Submission
from reviewkit.timeline import timeline

STATE_WORDS = {
    ItemState.CREDITED: "found", ItemState.PARTLY: "partly", ItemState.MISSED: "missed",
    ItemState.PERSON: "needs a person", ItemState.UNSCORED: "unscored",
}  # fmt: skip
STATE_SIGNS = {
    ItemState.CREDITED: "✓", ItemState.PARTLY: "◐", ItemState.MISSED: "✗", ItemState.PERSON: "?", ItemState.UNSCORED: "–",
}  # fmt: skip
GATE_SIGNS = {GateOutcome.PASS: "✓", GateOutcome.FAIL: "✗", GateOutcome.PERSON: "?"}
QUEUE_KINDS = {
    "finding": "Match with", "understanding": "Understanding of", "gate": "Gate", "answer": "Answer", "proof": "Evidence",
    "rating": "Rating of", "hint": "Hint on",
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
) -> str:
    """The report of a scored submission.

    Args:
        card: The scorecard.
        entry: Its scenario, with rubric.
        submission: For the time line and the signs of tampering; None leaves both out.
        generated: When it was made, as text: the only thing that differs between two renderings.
        hiring: What people decided about the candidate, the latest last.
        notice: Text of the notice; our own when empty.
    """
    facts = {"scenario": entry.scenario.title, "minutes": entry.scenario.minutes}
    return environment().get_template("report.html.j2").render(
        **_context(card, entry, submission),
        generated=generated,
        hiring=hiring,
        notice=notice_html(notice or notice_text(), facts),
        decided=decided_points(card),
        unknown=unknown_in(card),
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
        "total_bar": _total_bar(card),
        "charts": [_chart(card, by) for by in ("severity", "level", "domain")],
        "timeline": Markup(timeline(submission.events)) if submission else Markup(""),  # noqa: S704 - our own SVG
        "given": _given(submission),
        "summary": submission.state.verdict.summary if submission and submission.state.verdict else "",
        "evidence": evidence_rows(card, submission.state.evidence if submission else (), {d: k.title for d, k in keys.items()}),
        "repeats": REPEATS,
        "flags": card.flags,
        "marks": (),
        "outside": _outside(card, submission),
        "sandbox": _sandbox(card),
    }


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
        parts = [(name.replace("_", " "), _words(value)) for name, value in answer.items()]
        found[key] = [*parts, *((file, text) for file, text in work.files.items())]
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


def _total_bar(card: Scorecard) -> Markup:
    """Total, 90 % interval and hard bounds on a scale of 0 to the points that could be had."""
    total, width, left = card.total, 640.0, 20.0
    over = max(total.over, 1.0)

    def x(points: float) -> str:
        return f"{left + width * min(points, over) / over:.1f}"

    marks = "".join(
        f'<line class="grid" x1="{x(v)}" x2="{x(v)}" y1="14" y2="46"/><text x="{x(v)}" y="62" text-anchor="middle">{v:g}</text>'
        for v in (0, over * 0.25, over * 0.5, over * 0.75, over)
    )
    label = f"{total.points:.1f} of {total.over:g} points, 90 % interval {total.interval_low:.1f} to {total.interval_high:.1f}"
    return Markup(  # noqa: S704 - numbers of our own
        f'<svg class="total" role="img" aria-label="{label}" viewBox="0 0 680 70" xmlns="http://www.w3.org/2000/svg">{marks}'
        f'<rect class="hard" x="{x(total.low)}" y="24" width="{float(x(total.high)) - float(x(total.low)):.1f}" height="12"/>'
        f'<rect class="interval" x="{x(total.interval_low)}" y="20" '
        f'width="{float(x(total.interval_high)) - float(x(total.interval_low)):.1f}" height="20"/>'
        f'<line class="point" x1="{x(total.points)}" x2="{x(total.points)}" y1="10" y2="50"/></svg>'
    )


def _chart(card: Scorecard, by: str) -> Markup:
    rows: list[Breakdown] = [b for b in card.breakdown if b.by == by and b.planted]
    values = {f"{b.value.split('-')[0]} {b.found}/{b.planted}": 100 * b.found / b.planted for b in rows}
    return Markup(svg(bars(f"Found by {by}, percent", values)))  # noqa: S704 - our own SVG


def _sandbox(card: Scorecard) -> str:
    checks = [c for e in card.exercises for c in e.checks]
    if not checks:
        return "no hidden checks belong to this submission"
    if card.sandbox == "none":
        return f"{len(checks)} hidden checks NOT RUN: no sandbox on the machine that scored"
    lost = sum(c.outcome in ("not_run", "not_measured", "error") for c in checks)
    where = f"in the sandbox (level {card.sandbox})"
    return f"{lost} of {len(checks)} hidden checks without a verdict {where}" if lost else f"{len(checks)} hidden checks run {where}"
