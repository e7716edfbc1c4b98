"""Agreement on the terminal and in the cohort page: tables of numbers with the words that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewkit.agreement import AgreementReport, Line
from reviewkit.judgements import TOPICS
from reviewkit.reliability import Estimate
from reviewkit.safe_text import visible

MEANING = (
    "Raw is the share of equal decisions. Kappa takes off what chance alone would give and falls when nearly all items are of "
    "one kind; AC1 does not. Weighted kappas give credit for near misses on ordered words. In brackets: 95 % intervals; "
    "items of one review are not independent, so they are somewhat too narrow."
)
ICC_MEANING = "Totals as each voice alone would have made them; what no rater touched is the same for all, which raises these numbers."
_TITLES = {topic.name: topic.title for topic in TOPICS}


def title(topic: str) -> str:
    """What a kind of decision is called."""
    return _TITLES[topic]


def shown(estimate: Estimate) -> str:
    """`0.82 (0.71 to 0.93)`, or a dash where there is no value."""
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def words_of(line: Line) -> str:
    """What to be careful of in one line, each sentence once."""
    if not line.n:
        return "the program left all to a person" if line.left_open else line.measures["raw"].words
    return "; ".join(dict.fromkeys(e.words for name, e in line.measures.items() if e.words and name != "raw"))


def cohort_rows(report: AgreementReport) -> list[dict[str, Any]]:
    """The lines of the small table in the cohort page."""
    return [
        {
            "topic": title(line.topic), "voices": f"{line.one}, {line.other}", "n": line.n, "left_open": line.left_open,
            "raw": shown(line.measures["raw"]), "kappa": shown(line.measures["kappa"]), "ac1": shown(line.measures["ac1"]),
            "words": words_of(line),
        }
        for line in report.lines
        if not line.by
    ]  # fmt: skip


def print_agreement(report: AgreementReport, console: Console) -> None:
    """All tables of a report."""
    if not report.lines:
        console.print("No decision of a rater is on record, so there is no agreement to report.")
    else:
        _print(console, "Agreement", [line for line in report.lines if not line.by], weighted=True)
        for by in ("level", "domain"):
            _print(console, f"By {by} of the flaw", [line for line in report.lines if line.by == by], weighted=False)
        console.print(Text(MEANING))
    if report.alphas:
        table = _table("Krippendorff's alpha of all raters", ("decisions on", "raters", "items", "alpha", "note"))
        for one in report.alphas:
            table.add_row(
                title(one.topic), str(len(one.raters)), str(one.estimate.n), shown(one.estimate), one.estimate.words
            )
        console.print(table)
    if report.totals:
        table = _table(
            "Totals of reviews (ICC, absolute agreement)", ("voices", "reviews", "of one", "of their mean", "note")
        )
        for totals in report.totals:
            voices = Text(visible(", ".join(totals.voices)))
            table.add_row(voices, str(totals.single.n), shown(totals.single), shown(totals.mean), totals.single.words)
        console.print(table)
        console.print(Text(ICC_MEANING))
    for note in report.notes:
        console.print(Text(visible(note)))


def _table(name: str, columns: Sequence[str]) -> Table:
    table = Table(title=name, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _print(console: Console, name: str, lines: Sequence[Line], *, weighted: bool) -> None:
    if not lines:
        return
    extra = ("linear", "quadratic") if weighted and any("linear" in line.measures for line in lines) else ()
    columns = [
        "decisions on",
        *([] if weighted else ["of"]),
        "between",
        "n",
        "left open",
        "raw",
        "kappa",
        *extra,
        "AC1",
        "note",
    ]
    table = _table(name, columns)
    for line in lines:
        cells = [title(line.topic), *([] if weighted else [line.value]), f"{line.one} and {line.other}", str(line.n)]
        cells += [str(line.left_open), shown(line.measures["raw"]), shown(line.measures["kappa"])]
        cells += [shown(line.measures[key]) if key in line.measures else "" for key in extra]
        cells += [shown(line.measures["ac1"]), words_of(line)]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    console.print(table)
