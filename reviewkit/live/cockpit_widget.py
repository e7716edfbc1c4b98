"""The cockpit as ipywidgets. Tables are drawn anew as something comes; fields and buttons stay, so that nobody loses the place."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import ipywidgets as w
from sqlalchemy.exc import SQLAlchemyError

from reviewkit.bank import find_bank
from reviewkit.blocking import finished
from reviewkit.database import store_url
from reviewkit.desk_text import WIDE, said
from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.intake.client import HIRING_VARIABLE
from reviewkit.invite_store import InviteStore
from reviewkit.live import cockpit_text as html
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.notes import NoteKind
from reviewkit.live.stages import Stage
from reviewkit.outfolder import OutFolder
from reviewkit.scorecard import WITHDRAWN
from reviewkit.words import Level

CLOCK_SECONDS: Final = 15.0
"""Between two looks at the clock where nothing comes."""


class Ladder:
    """A flaw's hints, each with its button. The same buttons serve every flaw: one that went away would take the keyboard's place along."""

    def __init__(self, most: int) -> None:
        self.buttons = [w.Button(layout=w.Layout(flex="0 0 130px")) for _ in range(most)]
        for button in self.buttons:
            button.tooltip = "Say it to the candidate, then press: it costs a share of the flaw's points"
        self.lines = [w.HTML() for _ in self.buttons]
        self.rows = [w.HBox([button, line]) for button, line in zip(self.buttons, self.lines, strict=True)]
        self.back = w.Button(description="Take back the hints on this flaw", layout=w.Layout(width="auto", align_self="flex-start"))
        self.box = w.VBox([*self.rows, self.back])

    def show(self, hints: Sequence[str], given: Sequence[str]) -> None:
        """Show a flaw's hints; `given` are the numbers of those that were said."""
        for at, row in enumerate(self.rows):
            row.layout.display = None if at < len(hints) else "none"
            if at < len(hints):
                number = str(at + 1)
                self.buttons[at].description = f"Hint {number} given" if number in given else f"Give hint {number}"
                self.lines[at].value = html.markup(hints[at])
        self.back.layout.display = None if given else "none"


class CockpitWidget:
    """The cockpit's widgets; `box` is what a notebook shows."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        wide = {"style": WIDE, "layout": w.Layout(width="98%")}
        # Sent whole when the field is left: letters sent one by one are overtaken by the press of a button, and lost.
        typed = {**wide, "continuous_update": False}
        self.status, self.findings, self.flaws, self.runs = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.flaw = w.Dropdown(description="Flaw", options=self._flaw_options(), **wide)
        self.guide, self.ladder = w.HTML(), Ladder(max((len(found.hints) for found in cockpit.guide.values()), default=0))
        self.stage = w.Dropdown(description="Stage", options=[(stage.value, stage) for stage in Stage], **wide)
        self.stage_view = w.HTML()
        self.note = w.Textarea(description="Note", placeholder="Only you see it", rows=3, **typed)
        self.add = w.Button(description="Keep the note", button_style="primary")
        self.item = w.Dropdown(description="Rate", options=self._items(), **wide)
        self.mark = w.Dropdown(description="Mark", **wide)
        self.why = w.Text(description="Why", placeholder="What you heard that shows it", **typed)
        self.rate = w.Button(description="Keep the mark")
        self.over = w.Button(description="Hand over to the scorecard", layout=w.Layout(width="auto", align_self="flex-start"))
        self.said, self.entries, self.beside = w.HTML(), w.HTML(), w.HTML()
        self._drawing = threading.Lock()
        self._connect()
        self._choose_item()
        self.box = w.VBox([w.HTML(html.STYLE), self.status, *self._parts()])
        self.box.add_class("rk-cockpit")
        self.box.add_class("rk-desk")  # keys belong to its widgets, not to the notebook
        self.draw()
        self._choose_flaw()

    def _parts(self) -> list[Any]:
        # What one types in stands first, so that it stays in its place as findings come.
        own = [self.note, self.add, self.item, self.mark, self.why, self.rate, self.over, self.said]
        columns = w.VBox([
            w.VBox([*own, self.findings, self.runs]),
            w.VBox([self.flaws, self.flaw, self.guide, self.ladder.box, self.beside, self.entries]),
        ])  # fmt: skip
        columns.add_class("rk-columns")
        return [columns, w.VBox([self.stage, self.stage_view])]

    def _flaw_options(self) -> list[tuple[str, str]]:
        order = list(reversed(Level))
        defects = sorted(self.cockpit.rubric.defects, key=lambda defect: order.index(defect.level))
        return [(f"{defect.title} ({defect.level.value})", defect.id) for defect in defects]

    def _items(self) -> list[tuple[str, tuple[NoteKind, str]]]:
        dimensions = [(name.value, (NoteKind.MARK, name.value)) for name in self.cockpit.rubric.levels]
        return [*dimensions, *((f"Gate: {gate.statement}", (NoteKind.GATE, gate.id)) for gate in self.cockpit.rubric.gates)]

    def _connect(self) -> None:
        self.flaw.observe(lambda _change: self._choose_flaw(), names="value")
        self.item.observe(lambda _change: self._choose_item(), names="value")
        self.stage.observe(lambda _change: self.draw(), names="value")
        self.add.on_click(lambda _button: self._keep_note())
        self.rate.on_click(lambda _button: self._keep_mark())
        self.over.on_click(lambda _button: self._hand_over())
        for number, button in enumerate(self.ladder.buttons, 1):
            button.on_click(lambda _button, number=number: self._give(number))
        self.ladder.back.on_click(lambda _button: self._take_back())

    # --- the candidate ------------------------------------------------------------------------------------------------
    def draw(self) -> None:
        """Show where the session stands now; may be called from any thread."""
        with self._drawing:
            cockpit, board = self.cockpit, self.cockpit.board()
            self.status.value = html.status(
                board.clock, cockpit.link, cockpit.invite.candidate, cockpit.scenario.title, board.stages
            )
            if board.clock.quiet_left:
                self.findings.value, self.flaws.value, self.runs.value = html.quiet(board), "", ""
                self.stage_view.value = ""
                return
            self.findings.value = html.findings(board.findings)
            self.flaws.value = html.flaws(board.flaws, cockpit.standing)
            self.runs.value = html.runs(board.runs)
            self.stage_view.value = cockpit.stage(self.stage.value)

    def draw_entries(self) -> None:
        """Show what was said by this interviewer, and beside it what others said of the same."""
        self.entries.value = html.notes(self.cockpit.entries)
        self.beside.value = html.beside(self.cockpit.beside)

    # --- the guide ----------------------------------------------------------------------------------------------------
    def _choose_flaw(self) -> None:
        defect = self.flaw.value
        found, given = self.cockpit.guide.get(defect), self.cockpit.standing.hints.get(defect, ())
        self.guide.value = html.guide(found, given)
        self.ladder.show(found.hints if found else (), given)

    def _give(self, number: int) -> None:
        """The rung was said; pressed twice it is kept once."""
        defect = self.flaw.value
        if str(number) in self.cockpit.standing.hints.get(defect, ()):
            self.said.value = said(f"Hint {number} is given already.")
        else:
            self._say(NoteKind.HINT, self.cockpit.guide[defect].hints[number - 1], defect, str(number))

    def _take_back(self) -> None:
        if self._say(NoteKind.HINT, "", self.flaw.value, WITHDRAWN):
            self.said.value = said("The hints on this flaw are taken back.")
            self.ladder.buttons[0].focus()  # the button pressed goes away

    # --- the interviewer ----------------------------------------------------------------------------------------------
    def _choose_item(self) -> None:
        kind, item = self.item.value
        rubric = self.cockpit.rubric
        if kind is NoteKind.GATE:
            options = [("explained", "pass"), ("not explained", "fail")]
        else:
            anchors = next(levels for name, levels in rubric.levels.items() if name.value == item)
            options = [(f"{mark}: {words}", mark) for mark, words in sorted(anchors.items(), reverse=True)]
        self.mark.options = [("Choose what fits", ""), *options, ("take the mark back", WITHDRAWN)]
        self.mark.value = ""  # none is kept because it stood first

    def _keep_note(self) -> None:
        if self._say(NoteKind.NOTE, self.note.value):
            self.note.value = ""

    def _keep_mark(self) -> None:
        kind, item = self.item.value
        if not self.mark.value:
            self.said.value = said("Not kept: choose the mark first.", role="alert")
        elif self._say(kind, self.why.value, item, self.mark.value):
            self.why.value, self.mark.value = "", ""

    def _say(self, kind: NoteKind, words: str, item: str | None = None, outcome: str | None = None) -> bool:
        """Store an entry; whether it was."""
        try:
            self.cockpit.say(kind, words, item, outcome)
        except (ReviewkitError, ValueError) as error:
            self.said.value = said(f"Not kept: {_first(error)}", role="alert")
            return False
        self.said.value = said("Kept.")
        self.draw_entries()
        self._choose_flaw()
        self.draw()
        return True

    def _hand_over(self) -> None:
        try:
            self.said.value = said(self.cockpit.hand_over())
        except ReviewkitError as error:
            self.said.value = said(str(error), role="alert")

    def tick(self, stopped: threading.Event) -> None:
        """Draw the clock until told to stop."""
        while not stopped.wait(CLOCK_SECONDS):
            with contextlib.suppress(SQLAlchemyError):  # a store that cannot be read now is read next time
                self.cockpit.look_at_others()
            self.draw_entries()
            self.draw()


def _first(error: Exception) -> str:
    """The fault in words, without pydantic's frame around it."""
    faults = getattr(error, "errors", None)
    return str(faults(include_url=False)[0]["msg"]).removeprefix("Value error, ") if faults else str(error)


def open_cockpit(
    invite: str, rater: str, out: str, *, quiet: int = 0, bank: str = "", rubrics: str = "", store: str = ""
) -> Any:
    """The cockpit's form, following; what the notebook calls.

    Args:
        invite: Id of the invite, as `reviewkit invite list` shows it.
        rater: Opaque id of the interviewer.
        out: Output folder of `reviewkit score`.
        quiet: Minutes of focus time, where they are to be more than the invite promises.
        bank: Folder with `scenarios/`; empty: REVIEWKIT_BANK, or from here upward.
        rubrics: Folder of the rubrics; empty: REVIEWKIT_RUBRICS, or the bank's own.
        store: File or URL of the invites' store; empty: REVIEWKIT_STORE, or `store.sqlite` in `out`.

    Raises:
        UsageError: If invite, rater, rubric or token are missing.
    """
    token = os.environ.get(HIRING_VARIABLE, "")
    if not token:
        step = "Make a token on the intake's machine (reviewkit intake token create NAME) and start the cockpit again."
        raise UsageError(f"{HIRING_VARIABLE} is not set, so nothing can be followed.", step)
    folder = Path(out).absolute()
    known = finished(InviteStore(store_url(store or None, folder)).get(invite))
    found = find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None)
    widget = CockpitWidget(Cockpit(found, known.invite, OutFolder(folder), rater, quiet_minutes=quiet))
    widget.draw_entries()
    widget.cockpit.start(token, widget.draw)
    threading.Thread(target=widget.tick, args=(threading.Event(),), name="reviewkit-clock", daemon=True).start()
    return widget.box
