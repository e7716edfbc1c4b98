"""What the scoring notebook shows: a scored submission as tables. Candidate text appears as escaped text only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviewkit.errors import UsageError
from reviewkit.limits import hold_memory
from reviewkit.plot import Share, shares, table
from reviewkit.row import Row
from reviewkit.safe_text import visible
from reviewkit.scorecard import Scorecard
from reviewkit.scoredfile import score_file

if TYPE_CHECKING:
    from reviewkit.opinionclient import Endpoint

MIME = "application/vnd.reviewkit.score+json"


class Table:
    """A table that a notebook shows as HTML and as text."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], empty: str, chart: str = "") -> None:
        self._rows = [{key: visible(str(value)) for key, value in row.items()} for row in rows]
        self._empty, self._chart = empty, chart

    def _repr_html_(self) -> str:
        return self._chart + (table(self._rows) or f"<p>{self._empty}</p>")

    def __repr__(self) -> str:
        return "\n".join("  ".join(row.values()) for row in self._rows) or self._empty


class Summary(Table):
    """The result in one table, with the scorecard as data."""

    def __init__(self, row: Row, card: Scorecard | None) -> None:
        super().__init__([{k: v for k, v in row.as_dict().items() if v not in ("", None)}], "")
        self._card = card

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        data: dict[str, Any] = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if self._card is not None:
            data[MIME] = self._card.model_dump(mode="json")
        return data


class Scored:
    """A row and its scorecard, shown part by part. An unscored submission shows its reason in each."""

    def __init__(self, row: Row, card: Scorecard | None) -> None:
        self.row, self.card = row, card

    def summary(self) -> Summary:
        """Candidate, scenario, total, gates."""
        return Summary(self.row, self.card)

    def _table(self, rows: Sequence[Mapping[str, Any]], empty: str, chart: str = "") -> Table:
        return Table([], f"unscored: {self.row.unscored}") if self.card is None else Table(rows, empty, chart)

    def dimensions(self) -> Table:
        """Points per dimension."""
        items = self.card.dimensions if self.card else ()
        rows = [
            {"dimension": d.dimension.value, "points": f"{d.points:.1f}", "of": f"{d.points_max:g}",
             "scored": "yes" if d.scored else f"unscored: {d.reason.value if d.reason else ''}", "why": d.words}
            for d in items
        ]  # fmt: skip
        chart = shares("Points", [Share(d.dimension.value, round(d.points, 1), d.points_max) for d in items if d.scored]) if items else ""
        return self._table(rows, "no dimensions", chart)

    def gates(self) -> Table:
        """Must-explain criteria."""
        items = self.card.gates if self.card else ()
        return self._table([{"gate": g.id, "outcome": g.outcome.value, "why": g.words} for g in items], "no gates")

    def findings(self) -> Table:
        """Each remark and what became of it."""
        items = self.card.findings if self.card else ()
        rows = [
            {"remark": f.id[:8], "place": f"{f.file or 'whole change'}:{f.line or ''}", "outcome": f.outcome.value,
             "defects": ", ".join(f.defects), "text": f.body[:160], "why": f.words}
            for f in items
        ]  # fmt: skip
        return self._table(rows, "no remarks")

    def defects(self) -> Table:
        """Each planted defect, found or missed."""
        items = self.card.defects if self.card else ()
        rows = [
            {"defect": d.id, "severity": d.severity.value, "level": d.level.value, "state": d.state.value,
             "points": f"{d.points:.1f} of {d.points_max:.1f}", "why": d.words}
            for d in items
        ]  # fmt: skip
        return self._table(rows, "no defects")

    def checks(self) -> Table:
        """Hidden checks of mended files."""
        items = [c for e in self.card.exercises for c in e.checks] if self.card else ()
        rows = [{"check": c.title, "outcome": c.outcome, "expected": c.expected, "seen": c.seen} for c in items]
        return self._table(rows, "no hidden checks")

    def queue(self) -> Table:
        """Decisions that wait for a person, those with the largest effect first."""
        items = self.card.queue if self.card else ()
        return self._table([{"what": q.words, "points": f"{q.effect:.1f}"} for q in items], "nothing waits for a person")


def score_for_notebook(
    submission: str,
    out: str,
    bank: str,
    rubrics: str,
    exemplars: bool = True,
    second_opinion: str = "",
    second_opinion_model: str = "",
    sentences: bool = False,
    memory: int = 0,
) -> Scored:
    """Score the file that the scoring notebook was given, with so many megabytes of memory (0: any).

    Raises:
        UsageError: If no submission was given, or no endpoint can be what was named as one.
    """
    if not submission:
        raise UsageError("No submission given.", "Run: papermill <this notebook> <output> -p submission <completed.ipynb>")
    hold_memory(memory)
    endpoint = _endpoint(second_opinion, second_opinion_model)
    row = score_file(
        Path(submission), Path(out), bank=_path(bank), rubrics=_path(rubrics), exemplars=exemplars, sentences=sentences,
        endpoint=endpoint,
    )  # fmt: skip
    card = None
    if row.scorecard:
        card = Scorecard.model_validate_json((Path(out) / row.scorecard).read_text("utf-8"))
    return Scored(row, card)


def _endpoint(url: str, model: str) -> Endpoint | None:
    if not url and not model:
        return None
    from reviewkit.opinionclient import Endpoint, key_from_environment

    key_from_environment()
    return Endpoint.of(url, model)


def _path(text: str) -> Path | None:
    return Path(text) if text else None
