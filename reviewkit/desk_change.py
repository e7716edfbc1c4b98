"""The hiring desk's part for invites that are out: more time, or withdrawn. The latter asks once more: it is for good."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import ipywidgets as w

from reviewkit.desk import Place, Standing
from reviewkit.desk_text import WIDE, day, link_field, made_words, said
from reviewkit.deskwork import DeskWork
from reviewkit.errors import ReviewkitError

DAYS: Final = 3
"""More days that are proposed, counted from now."""
NOBODY: Final = ""
"""A word, because to ipywidgets None is no choice at all."""


class ChangeInvite:
    """Widgets to extend or withdraw an invite; `box` is what the desk shows."""

    def __init__(self, work: DeskWork, changed: Callable[[], None]) -> None:
        """Make them.

        Args:
            work: What does it.
            changed: Called after a change, so that the table shows it.
        """
        self.work, self.changed = work, changed
        self.untold: set[str] = set()
        """Invites whose withdrawal failed here; offered on, so that it can be made again."""
        layout = w.Layout(width="520px")
        self.person = w.Dropdown(description="Invite", style=WIDE, layout=layout)
        self.days = w.BoundedIntText(description="Days from now", value=DAYS, min=1, max=365, style=WIDE, layout=layout)
        self.extend = w.Button(description="Give more time")
        self.withdraw = w.Button(description="Withdraw…")
        self.sure = w.Button(description="Withdraw for good", button_style="danger", layout=w.Layout(width="auto"))
        self.keep = w.Button(description="Keep it")
        self.asked = w.HBox([self.sure, self.keep])
        self.said, self.links = w.HTML(), w.VBox()
        self.extend.on_click(lambda _button: self._extend())
        self.withdraw.on_click(lambda _button: self._ask())
        self.sure.on_click(lambda _button: self._withdraw())
        self.keep.on_click(lambda _button: self._settle(""))
        self.person.observe(lambda _change: self._settle(""), names="value")
        buttons = w.HBox([self.extend, self.withdraw])
        self.box = w.VBox([w.HTML("<h3>Change an invite</h3>"), self.person, self.days, buttons, self.asked, self.said, self.links])
        self.show(())

    def show(self, places: Sequence[Place]) -> None:
        """Offer the invites that can still be changed; what was chosen stays chosen."""
        before, told, links = self.person.value, self.said.value, self.links.children
        offered = [(f"{place.candidate}, {place.slug}, until {day(place.exp)}", place.invite) for place in changeable(places, self.untold)]
        self.person.options = [("choose one", NOBODY), *offered]
        self.person.value = before if before in {value for _label, value in offered} else NOBODY
        self.box.layout.display = None if offered else "none"
        self._settle(told, links)

    def _extend(self) -> None:
        if self.person.value == NOBODY:
            self._settle(said("Choose an invite first.", role="alert"))
            return
        try:
            made = self.work.extend(self.person.value, self.days.value)
        except ReviewkitError as error:
            self._failed(error)
            return
        self._settle(said(made_words(made)), [link_field(link) for link in made.links])
        self.changed()

    def _ask(self) -> None:
        if self.person.value == NOBODY:
            self._settle(said("Choose an invite first.", role="alert"))
            return
        label = next(label for label, value in self.person.options if value == self.person.value)
        self._settle(said(f"The link for {label} stops working, and cannot be made to work again.", role="alert"))
        self.asked.layout.display = None
        self.withdraw.disabled = True

    def _withdraw(self) -> None:
        chosen = self.person.value
        try:
            invite = self.work.withdraw(chosen)
        except ReviewkitError as error:
            self.untold.add(chosen)
            self._failed(error)
            return
        self.untold.discard(chosen)
        self._settle(said(f"The invite of {invite.candidate}, {invite.slug}, is withdrawn."))
        self.changed()

    def _failed(self, error: ReviewkitError) -> None:
        """Say it, and show what holds now: the change may be stored although the intake does not know of it."""
        self._settle(said(str(error), role="alert"))
        self.changed()

    def _settle(self, told: str, links: Sequence[Any] = ()) -> None:
        """Say this and ask nothing any more."""
        self.said.value, self.links.children = told, tuple(links)
        self.asked.layout.display = "none"
        self.withdraw.disabled = False


def changeable(places: Sequence[Place], untold: Collection[str]) -> list[Place]:
    """Invites that can be given more time or be withdrawn, and those withdrawn ones whose intake was not told; pure."""
    return [place for place in places if place.standing is not Standing.WITHDRAWN or place.invite in untold]
