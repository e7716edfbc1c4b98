"""The player in a notebook: plain ipywidgets over a record's frames, for an interviewer and for the candidate alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import ipywidgets as widgets

from reviewkit.bank import Entry, find_bank
from reviewkit.drawing import Drawing
from reviewkit.event import Event
from reviewkit.playback.frames import Frame, frames
from reviewkit.playback.player import SPEEDS, TICKS_A_SECOND, Player
from reviewkit.playback.source import entry_for, head_texts, own_notes, truths
from reviewkit.playback.transport import Transport
from reviewkit.playback.view import frame_html, headline, strip
from reviewkit.safe_text import visible
from reviewkit.scenario import Scenario
from reviewkit.submission import read_submission

INTERVAL_MS: Final = 1000 // TICKS_A_SECOND
LISTED: Final = 12
"""Frames of the past that the list shows."""
_DIM: Final = "var(--jp-ui-font-color2, #57606a)"


class PlaybackBox:
    """The player; `box` is what a cell shows.

    Args:
        shown: Frames of the record.
        title: Whose record it is, as text.
        scenario: For the labels of drawings.
        truth: Drawings of the key by exercise; given on the hiring side only, and shown when asked for.
        notes: (seconds since the first event, words) of the interviewer, in order; hiring side only.
    """

    def __init__(
        self,
        shown: Sequence[Frame],
        title: str,
        scenario: Scenario | None = None,
        truth: Mapping[str, Drawing] | None = None,
        notes: Sequence[tuple[float, str]] = (),
    ) -> None:
        self._notes = notes
        self._player, self._scenario, self._truth = Player(shown), scenario, dict(truth or {})
        self.play = Transport(max=self._player.last, interval=INTERVAL_MS)
        self.play.add_class("rk-transport")
        self.speed = widgets.Dropdown(options=[(f"{n}x", n) for n in SPEEDS], value=10, description="Speed", layout={"width": "150px"})
        self.jump = widgets.Dropdown(options=[("—", -1), *self._player.remarks()], description="Jump to", layout={"width": "300px"})
        self.back, self.forth = _button("Step back", "To what happened before"), _button("Step", "To what happened next")
        self.earlier, self.later = _button("Remark back", "To the remark before"), _button("Next remark", "To the remark that came next")
        self.reveal = widgets.Checkbox(value=False, description="Show the truth beside drawings (answer key)", indent=False, layout={"width": "auto"})
        self.line, self.now = widgets.HTML(), widgets.HTML()
        self._wire()
        rows = [widgets.HBox([self.play, self.speed]), widgets.HBox([self.back, self.forth, self.earlier, self.later, self.jump])]
        rows += [self.reveal] * bool(self._truth)
        self.box = widgets.VBox([widgets.HTML(f"<h3 style=\"margin:0\">{_text(title)}</h3>"), *rows, self.line, self.now])
        self.box.add_class("rk-playback")
        self.box.add_class("rk-desk")  # keys belong to its widgets, not to the notebook
        self._draw()

    def _wire(self) -> None:
        self.play.step = self.speed.value
        self.play.observe(lambda _change: self._draw(), "value")
        self.reveal.observe(lambda _change: self._draw(), "value")
        self.speed.observe(lambda change: setattr(self.play, "step", change["new"]), "value")
        self.jump.observe(self._jumped, "value")
        for button, by, is_remark in ((self.back, -1, False), (self.forth, 1, False), (self.earlier, -1, True), (self.later, 1, True)):
            button.on_click(lambda _button, by=by, is_remark=is_remark: self._move(by, remarks=is_remark))

    def _move(self, by: int, *, remarks: bool) -> None:
        self.play.playing = False
        self.play.value = self._player.step(self.play.value, by, remarks=remarks)

    def _jumped(self, change: dict[str, Any]) -> None:
        if change["new"] >= 0:
            self.play.value = change["new"]

    def _name_remark(self, position: int) -> None:
        """The list names the remark that is shown, or none, so that every remark can be chosen again."""
        here = position if position in dict(self._player.remarks()).values() else -1
        if self.jump.value != here:
            self.jump.value = here

    def _draw(self) -> None:
        position, player = self.play.value, self._player
        shown = player.shown_n(position)
        seconds = player.seconds(position)
        self.line.value = strip(player.frames, now=position / TICKS_A_SECOND) or "<p>Nothing is recorded yet.</p>"
        past = player.frames[:shown]
        here = self._here(past[-1]) if past else ""
        self.play.said = f"Minute {seconds / 60:.1f}, step {shown} of {len(player.frames)}"
        self._name_remark(position)
        where = f'<p style="margin:4px 0;color:{_DIM}">{self.play.said}</p>'
        self.now.value = where + here + self._said(seconds, at_end=position >= player.last) + self._list(past)

    def _said(self, seconds: float, *, at_end: bool) -> str:
        """The interviewer's own notes until here; at the end also what was noted after the last step."""
        rows = "".join(
            f'<li><span style="color:{_DIM}">{at / 60:.1f} min</span> <bdi style="white-space:pre-wrap">{_text(words)}</bdi></li>'
            for at, words in self._notes if at <= seconds or at_end
        )  # fmt: skip
        return f'<p style="margin:8px 0 2px">Your notes until here</p><ul style="margin:0">{rows}</ul>' if rows else ""

    def _here(self, frame: Frame) -> str:
        truth = self._truth if self.reveal.value else None
        return f'<div class="rk-now" style="border-left:3px solid var(--jp-brand-color1,#1f5fa8);padding:2px 12px;margin:6px 0"><p style="margin:2px 0;font-weight:600">{headline(frame)}</p>{frame_html(frame, self._scenario, truth)}</div>'

    def _list(self, past: Sequence[Frame]) -> str:
        earlier = past[-LISTED - 1 : -1]
        rows = "".join(f'<li><span style="color:{_DIM}">{frame.minute} min</span> {headline(frame)}</li>' for frame in reversed(earlier))
        return f'<p style="margin:8px 0 2px">Before that</p><ul style="margin:0">{rows}</ul>' if rows else ""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)


def _button(label: str, tip: str) -> widgets.Button:
    return widgets.Button(description=label, tooltip=tip, layout={"width": "110px"})


def own_playback(events: Sequence[Event], entry: Entry) -> PlaybackBox:
    """The player of a candidate's own record, in their own kernel. Nothing of a rubric is read."""
    return PlaybackBox(frames(events, entry.scenario, head_texts(entry)), "Your record", entry.scenario)


def open_playback(file: str, bank: str = "", rubrics: str = "", invite: str = "", rater: str = "", out: str = "") -> PlaybackBox:
    """The player of a completed notebook, on the hiring side; the notebook is read as data, never run.

    Args:
        file: The notebook.
        bank: Where its scenario is; empty searches as `reviewkit` does. A scenario that is not there leaves ids for titles.
        rubrics: Folder of the rubrics, for the truth beside drawings; empty for the bank's own.
        invite: Id of the invite whose live session this was; empty leaves notes out.
        rater: Whose notes of that session are shown.
        out: Output folder whose store has them.

    Raises:
        SubmissionError: If the file is no completed notebook.
        ReviewkitError: If there is no such bank.
    """
    submission = read_submission(Path(file))
    entry = entry_for(submission, find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None))
    title = f"Record of {submission.candidate or 'an unnamed candidate'}, {entry.scenario.title if entry else submission.slug}"
    if entry is None:
        return PlaybackBox(frames(submission.events), title)
    shown = frames(submission.events, entry.scenario, head_texts(entry))
    own = own_notes(Path(out), invite, rater, submission.events) if invite else ()
    return PlaybackBox(shown, title, entry.scenario, truths(entry), own)


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
