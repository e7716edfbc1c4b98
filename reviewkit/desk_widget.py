"""The hiring desk as ipywidgets: three parts over `DeskWork`. Text of candidates and banks is shown escaped."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import ipywidgets as w

from reviewkit.bank import find_bank
from reviewkit.database import store_url
from reviewkit.desk import Choice, Place, Source, Standing, suitable
from reviewkit.desk_change import ChangeInvite
from reviewkit.desk_text import WIDE, day, link_field, made_words, said, text
from reviewkit.deskwork import DeskWork
from reviewkit.errors import ReviewkitError
from reviewkit.invite_links import Places
from reviewkit.invite_terms import DAYS, Terms
from reviewkit.policy import AiUse
from reviewkit.row import Row
from reviewkit.words import Domain, Level

STYLE: Final = """<style>
.rk-desk table { border-collapse: collapse; width: 100%; }
.rk-desk caption { text-align: left; font-weight: 600; padding: 4px 0; }
.rk-desk th, .rk-desk td { text-align: left !important; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--jp-border-color2); vertical-align: top; }
.rk-desk, .rk-desk p, .rk-desk td, .rk-desk th, .rk-desk caption, .rk-desk dt, .rk-desk dd { color: var(--jp-ui-font-color1); }
.rk-desk dt { font-weight: 600; } .rk-desk dd { margin: 0 0 6px 0; }
.rk-desk .widget-label { color: var(--jp-ui-font-color1); }
.rk-desk :is(button, input, select):focus-visible { outline: 2px solid var(--jp-brand-color1) !important; outline-offset: 1px; }
</style>"""
_SOURCES: Final = {Source.INTAKE: "", Source.FILE: "; comes as a file", Source.SILENT: "; its intake does not answer"}
POLICIES: Final = [("declared in the summary", AiUse.DECLARED), ("not at all", AiUse.NONE), ("freely", AiUse.FREE)]
ANY: Final = "any"
"""A word, because to ipywidgets None is no choice at all."""
MINUTES: Final = [(ANY, ANY), *((f"at most {n}", n) for n in (20, 30, 45, 60, 75))]


class Desk:
    """The desk's widgets; `box` is what a notebook shows."""

    def __init__(self, work: DeskWork, intake: str = "") -> None:
        self.work = work
        options = {"style": WIDE, "layout": w.Layout(width="520px")}
        self.domains = w.SelectMultiple(description="Assesses", options=_domains(work.choices), rows=6, **options)
        self.level = w.Dropdown(description="Level", options=[(ANY, ANY), *((level.value, level) for level in Level)], **options)
        self.minutes = w.Dropdown(description="Minutes", options=MINUTES, **options)
        self.scenario = w.Dropdown(description="Scenario", **options)
        self.about = w.HTML()
        self.candidate = w.Text(description="Candidate's id", placeholder="c-17, no names", continuous_update=False, **options)
        self.days = w.BoundedIntText(description="Valid for days", value=DAYS, min=1, max=365, **options)
        self.box_minutes = w.BoundedIntText(description="Time box, minutes", value=60, min=1, max=600, **options)
        self.policy = w.Dropdown(description="AI assistants", options=POLICIES, **options)
        self.intake = w.Text(description="Intake's address", value=intake, placeholder="empty: handed in as a file", continuous_update=False, **options)
        self.make = w.Button(description="Make the link", button_style="primary")
        self.made, self.links = w.HTML(), w.VBox()
        self.refresh = w.Button(description="Look again")
        self.score = w.Button(description="Score what was submitted", layout=w.Layout(width="auto"))
        self.said, self.table = w.HTML(), w.HTML()
        self.change = ChangeInvite(work, self.look)
        self._scoring: threading.Thread | None = None
        self._connect()
        self._choose()
        self.look()
        self.box = w.VBox([w.HTML(STYLE), *self._parts()])
        self.box.add_class("rk-desk")

    def _parts(self) -> list[Any]:
        pick = w.VBox([w.HTML("<h2>1. Pick a scenario</h2>"), self.domains, self.level, self.minutes, self.scenario, self.about])
        terms = [self.candidate, self.days, self.box_minutes, self.policy, self.intake, self.make, self.made, self.links]
        link = w.VBox([w.HTML("<h2>2. Make the link</h2>"), *terms])
        people = [w.HTML("<h2>3. Candidates</h2>"), w.HBox([self.refresh, self.score]), self.said, self.table, self.change.box]
        return [pick, link, w.VBox(people)]

    def _connect(self) -> None:
        for control in (self.domains, self.level, self.minutes):
            control.observe(lambda _change: self._choose(), names="value")
        self.scenario.observe(lambda _change: self._tell_about(), names="value")
        self.make.on_click(lambda _button: self._make())
        self.refresh.on_click(lambda _button: self.look())
        self.score.on_click(lambda _button: self._score())

    # --- 1. pick --------------------------------------------------------------------------------------------------
    def _choose(self) -> None:
        before = self.scenario.value
        level, minutes = (None if control.value == ANY else control.value for control in (self.level, self.minutes))
        found = suitable(self.work.choices, self.domains.value, level, minutes)
        slugs = [choice.slug for choice in found]
        self.scenario.options = [(f"{c.title} ({c.minutes} min)", c.slug) for c in found]
        self.scenario.value = before if before in slugs else next(iter(slugs), None)
        self.make.disabled = not found
        self._tell_about()

    def _tell_about(self) -> None:
        choice = next((c for c in self.work.choices if c.slug == self.scenario.value), None)
        self.about.value = about(choice)
        if choice is not None:
            self.box_minutes.value = choice.minutes

    # --- 2. link --------------------------------------------------------------------------------------------------
    def _make(self) -> None:
        terms = Terms(self.box_minutes.value, self.days.value, None, self.intake.value.strip(), self.policy.value)
        try:
            made = self.work.invite(self.scenario.value, self.candidate.value.strip(), terms)
        except ReviewkitError as error:
            self.made.value, self.links.children = said(f"Not made: {error}", role="alert"), ()
            return
        self.made.value, self.links.children = said(made_words(made)), [link_field(link) for link in made.links]
        self.candidate.value = ""
        self.look()

    # --- 3. candidates --------------------------------------------------------------------------------------------
    def look(self) -> None:
        """Show where the candidates stand now."""
        try:
            seen = self.work.look()
        except ReviewkitError as error:
            self.said.value = said(str(error), role="alert")
            return
        self.said.value = "".join(said(note, role="alert") for note in seen.notes)
        self.table.value = people(seen.places, self.work.out.root)
        self.change.show(seen.places)

    def _score(self) -> None:
        """Score in a thread, so that the desk goes on answering."""
        if self._scoring is not None and self._scoring.is_alive():
            return
        self.score.disabled = True
        self.said.value = said("Fetching what was submitted…")
        self._scoring = threading.Thread(target=self._score_all, name="reviewkit-desk", daemon=True)
        self._scoring.start()

    def _score_all(self) -> None:
        done: list[Row] = []

        def tell(row: Row) -> None:
            done.append(row)
            self.said.value = said(f"Scoring: {len(done)} done…")

        try:
            rows = self.work.score(tell)
            words = "".join(said(sentence) for sentence in scored_words(rows))
        except ReviewkitError as error:
            words = said(str(error), role="alert")
        finally:
            self.score.disabled = False
        self.look()
        self.said.value = words


def _domains(choices: list[Choice]) -> list[tuple[str, Domain]]:
    known = {domain for choice in choices for domain in choice.domains}
    return [(domain.value.replace("-", " "), domain) for domain in Domain if domain in known]


def scored_words(rows: list[Row]) -> list[str]:
    """What to say after scoring."""
    failed = [row for row in rows if row.unscored]
    told = [f"{len(rows) - len(failed)} scored." if rows else "Nothing new was submitted."]
    return [*told, *(f"Unscored ({row.unscored}): {row.sentence}" for row in failed)]


def about(choice: Choice | None) -> str:
    """A scenario as HTML: what it assesses, for whom, and how to see it."""
    if choice is None:
        return said("No scenario of this bank suits all of that. Choose less.")
    levels = ", ".join(level.value for level in Level if level in choice.levels)
    parts = {
        "Stack": choice.stack, "Summary": choice.summary, "Assesses": "; ".join(choice.assesses), "Ideal for": choice.ideal_for,
        "Flaws of level": levels, "See it as a candidate does, in a terminal": f"reviewkit open {choice.slug} --preview",
    }  # fmt: skip
    items = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in parts.items() if value)
    return f"<dl>{items}</dl>"


def people(places: tuple[Place, ...], out: Path) -> str:
    """The candidates as an HTML table."""
    if not places:
        return said("Nobody is invited yet.")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Candidate", "Scenario", "State", "Last seen", "Valid until", "Result"))
    body = "".join(_person(place, out) for place in places)
    return f"<table><caption>Candidates</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _person(place: Place, out: Path) -> str:
    known = place.row is not None or place.standing is Standing.WITHDRAWN
    state = place.standing.value + ("" if known else _SOURCES[place.source])
    cells = (place.slug, state, place.last_at[:16].replace("T", " "), day(place.exp), result(place.row, out))
    return f'<tr><th scope="row">{text(place.candidate)}</th>' + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>"


def result(row: Row | None, out: Path) -> str:
    """Total, band and place of a scored row's report."""
    if row is None or row.total is None or row.over is None:
        return ""
    waiting = f", {row.waiting} wait for a person" if row.waiting else ""
    return f"{row.total:.1f} of {row.over:g} ({row.band}){waiting}: {out / row.report}"


def open_desk(
    out: str, *, bank: str = "", rubrics: str = "", store: str = "", repo: str = "", binder: str = "", hub: str = "", local: str = "",
    intake: str = "",
) -> Any:  # fmt: skip
    """The desk's form; what the notebook calls. An empty argument is what `reviewkit invite create` takes then.

    Raises:
        UsageError: If the bank or its rubrics are not found.
    """
    found = find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None)
    folder = Path(out).absolute()
    return Desk(DeskWork(found, folder, store_url(store or None, folder), Places(repo, binder, hub, local)), intake).box


