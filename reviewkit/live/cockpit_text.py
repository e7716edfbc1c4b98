"""The cockpit's tables as HTML. Every text of a candidate, a guide or a rubric is shown escaped; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from reviewkit.desk_text import text
from reviewkit.finding import Finding
from reviewkit.live.board import Board, Clock, FindingLine, FlawLine, Meant, RunLine
from reviewkit.live.cockpit import Link
from reviewkit.live.guide import DefectGuide
from reviewkit.live.notes import Note, Standing
from reviewkit.live.sidebyside import Beside
from reviewkit.scorecard import Outcome, PairOutcome

STYLE: Final = """<style>
.rk-cockpit { color: var(--jp-ui-font-color1); max-width: 1800px; }
.rk-cockpit .rk-columns { display: grid !important; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 8px 24px; align-items: start; overflow: visible; }
.rk-cockpit :is(p, td, th, caption, li, dt, dd, h3, summary) { color: var(--jp-ui-font-color1); }
.rk-cockpit table { border-collapse: collapse; width: 100%; }
.rk-cockpit caption { text-align: left; font-weight: 600; padding: 4px 0; }
.rk-cockpit :is(th, td) { text-align: left !important; padding: 3px 10px 3px 0 !important; border-bottom: 1px solid var(--jp-border-color2); vertical-align: top; white-space: normal !important; overflow-wrap: break-word; line-height: 1.35; }
.rk-cockpit :is(th, .rk-short) { white-space: nowrap !important; }
.rk-cockpit :is(dl, p) { line-height: 1.4; margin: 4px 0; }
.rk-cockpit dd { margin: 0 0 6px 0 !important; width: auto !important; float: none !important; }
.rk-cockpit dt { font-weight: 600; float: none !important; width: auto !important; }
.rk-cockpit .rk-words { white-space: pre-wrap; }
.rk-cockpit .rk-status { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 6px 0; border-bottom: 2px solid var(--jp-border-color1); }
.rk-cockpit .rk-down { font-weight: 600; }
.rk-cockpit .widget-label { color: var(--jp-ui-font-color1); }
.rk-cockpit .jupyter-widgets { max-width: 100%; }
.rk-cockpit .widget-html, .rk-cockpit .widget-html-content { overflow: visible; height: auto; width: 100%; margin: 0; box-sizing: border-box; }
.rk-cockpit :is(button, input, select, textarea, summary):focus-visible { outline: 2px solid var(--jp-brand-color1) !important; outline-offset: 1px; }
</style>"""
_SHORT: Final = 14
_CODE: Final = re.compile(r"`([^`<>]+)`")
_STRESS: Final = re.compile(r"\*([^*<>]+)\*")
_STATE: Final = {PairOutcome.MATCHED: "found", PairOutcome.PERSON: "perhaps", PairOutcome.NOT_MATCHED: "not yet"}
_OUTCOME: Final = {
    Outcome.MATCHED: "a planted flaw", Outcome.DUPLICATE: "said before", Outcome.DECOY: "right code, taken for a flaw",
    Outcome.EXTRA: "not in the key", Outcome.FALSE: "false", Outcome.VAGUE: "too short to tell", Outcome.PERSON: "listen: perhaps",
}  # fmt: skip


def status(time: Clock, link: Link, candidate: str, title: str, stages: Sequence[str]) -> str:
    """The line on top: who, what, how long, and whether anything arrives."""
    parts = [f"<strong>{text(candidate)}</strong>", text(title)]
    if time.opened_at is None:
        parts.append("not opened yet")
    else:
        over = time.minutes - time.of_minutes
        parts.append(f"minute {time.minutes} of {time.of_minutes}" + (f", {over} over" if over > 0 else ""))
        if time.last_at is not None:
            parts.append(f"last seen {time.last_at:%H:%M} UTC")
    if time.quiet_left:
        parts.append(f"<strong>Focus time: nobody watches for another {_count(time.quiet_left, 'minute')}.</strong>")
    elif time.is_opened:
        parts.append("the candidate lets you follow")
    parts += [text(stage) for stage in stages]
    state = "" if link.is_up else ' class="rk-down"'
    return '<div class="rk-status">' + "".join(f"<span>{part}</span>" for part in parts) + f"<span{state}>{text(link.words)}</span></div>"


def findings(lines: Sequence[FindingLine]) -> str:
    """Findings, the newest first."""
    rows = "".join(_finding(line) for line in lines)
    return _table("Findings, the newest first", ("Min.", "Where", "What was said", "By the key"), rows, "No finding yet.")


def _finding(line: FindingLine) -> str:
    found = line.finding
    said = [found.body, *(f"{name}: {part}" for name, part in (("Why", found.why), ("Fix", found.fix)) if part.strip())]
    notes = [found.severity, found.category, *(["edited"] if line.is_edited else []), *(["after exercises"] if found.after_exercises else []), *([f"by {line.by}"] if line.by else [])]
    meant = "".join(f"<br>{_meant(one)}" for one in line.meant[:3])
    cells = (
        _minute(line.minute), text(_place(found)), f'<span class="rk-words">{text(chr(10).join(said))}</span><br><em>{text(", ".join(notes))}</em>',
        f"{_OUTCOME[line.outcome]}{meant}",
    )  # fmt: skip
    return _row(cells)


def _meant(one: Meant) -> str:
    sure = "" if one.outcome is PairOutcome.MATCHED else f" ({one.probability:.0%})"
    return f"{text(one.title)}{sure}"


def _place(finding: Finding) -> str:
    if finding.file is None:
        return "whole change"
    if finding.line is None:
        return finding.file
    last = finding.last_line
    lines = f"{finding.line}" if last in (None, finding.line) else f"{finding.line}-{last}"
    return f"{finding.file}:{lines}" + (" (before)" if finding.side == "L" else "")


def flaws(lines: Sequence[FlawLine], standing: Standing) -> str:
    """Planted flaws by level."""
    left = sum(1 for line in lines if line.state is not PairOutcome.MATCHED)
    rows = "".join(
        _row((
            text(line.defect.level.value), f"{text(line.defect.title)}<br><em>{text(line.defect.severity.value)}, {text(line.defect.id)}</em>",
            _STATE[line.state], _hints(standing.hints.get(line.defect.id, ())),
        ))
        for line in lines
    )  # fmt: skip
    return _table(f"Planted flaws: {left} of {len(lines)} not found yet", ("Level", "Flaw", "Found", "Hints"), rows, "Nothing to see yet.")


def _hints(rungs: Sequence[str]) -> str:
    return f"given: {text(', '.join(rungs))}" if rungs else ""


def runs(lines: Sequence[RunLine]) -> str:
    """What the candidate ran, the newest first."""
    rows = "".join(_row((_minute(line.minute), text(line.name), text(line.said))) for line in lines)
    return _table("Probes and checks, the newest first", ("Min.", "What ran", "What it said"), rows, "Nothing was run yet.")


def guide(found: DefectGuide | None, rungs: Sequence[str]) -> str:
    """What to ask next of a flaw, and what to listen for; the ladder has buttons of its own."""
    if found is None:
        return "<p>The guide says nothing of this flaw.</p>"
    given = f"<dt>Hints given</dt><dd>{text(', '.join(rungs))}</dd>" if rungs else ""
    listen = f"<dt>Listen for</dt><dd>{markup(found.listen)}</dd>" if found.listen else ""
    about = f"<p>{markup(found.about)}</p>" if found.about else ""
    return f"{about}<dl><dt>Ask next</dt><dd>{markup(found.ask)}</dd>{listen}{given}</dl>"


def notes(entries: Sequence[Note]) -> str:
    """Everything that the interviewer said, the newest first."""
    rows = "".join(_row((entry.time[11:16], text(_what(entry)), text(entry.text))) for entry in reversed(entries))
    return _table("Your entries, the newest first", ("UTC", "What", "Words"), rows, "No entry yet.")


def _what(entry: Note) -> str:
    return " ".join(part for part in (entry.kind.value, entry.item or "", entry.outcome or "") if part)


def beside(rows: Sequence[Beside]) -> str:
    """Own marks beside others'; nothing as long as nobody else has judged."""
    if not any(row.others or row.hidden for row in rows):
        return ""
    cells = "".join(_row((text(row.item), _own(row), _others(row))) for row in rows)
    return _table("Side by side", ("What", "You", "Others"), cells, "")


def _own(row: Beside) -> str:
    if row.own is None:
        return "not yet"
    first = f" (first: {text(row.own_first)})" if row.own_first != row.own.outcome else ""
    return f"{_word(row.own)}{first}"


def _others(row: Beside) -> str:
    if row.hidden:
        return f"{_count(row.hidden, 'word')} kept: shown when yours is"
    return "<br>".join(f"<strong>{text(note.author)}</strong> {_word(note)}" for note in row.others)


def _word(note: Note) -> str:
    return f"{text(note.outcome or '')}: {text(note.text)}"


def quiet(board: Board) -> str:
    """What stands in place of the tables during focus time."""
    left = _count(board.clock.quiet_left, "minute")
    return f"<p>The candidate works alone for another {left}, or until they let you follow. What was found is shown after that; nothing of it is lost.</p>"


def _table(caption: str, heads: Sequence[str], rows: str, empty: str) -> str:
    if not rows:
        return f"<p><strong>{text(caption)}</strong><br>{text(empty)}</p>"
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(cells: Sequence[str]) -> str:
    """A row; short cells are kept on one line."""
    told = (f'<td class="rk-short">{cell}</td>' if len(cell) <= _SHORT else f"<td>{cell}</td>" for cell in cells)
    return f"<tr>{''.join(told)}</tr>"


def markup(words: str) -> str:
    """A guide's sentence: escaped, with its `code` and *stress* shown as such."""
    return _STRESS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", text(words)))


def _minute(minute: int | None) -> str:
    return "" if minute is None else str(minute)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
