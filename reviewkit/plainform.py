"""A plain ipywidgets form that records the same finding as the diff, for those who work better without it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from reviewkit.bank import Entry
from reviewkit.errors import ReviewkitError
from reviewkit.words import Category, Severity

WHOLE_CHANGE = "(the whole change)"
Record = Callable[[str, dict[str, Any]], None]


class PlainForm:
    """The form's widgets and what they say.

    Args:
        entry: The scenario.
        record: Stores an event by kind and data.
        closed: Whether the review part is closed already.
    """

    def __init__(self, entry: Entry, record: Record, closed: Callable[[], bool]) -> None:
        self._record, self._closed = record, closed
        wide = widgets.Layout(width="46em")
        label = {"description_width": "9em"}
        self.file = widgets.Dropdown(options=[WHOLE_CHANGE, *entry.scenario.files], description="File", style=label, layout=wide)
        self.line = widgets.BoundedIntText(0, min=0, max=100_000, description="From line", style=label)
        self.end = widgets.BoundedIntText(0, min=0, max=100_000, description="To line", style=label)
        self.severity = widgets.Dropdown(options=["", *(s.value for s in Severity)], description="Severity", style=label)
        self.category = widgets.Dropdown(options=["", *(c.value for c in Category)], description="Category", style=label)
        # Sent whole when a field is left: letters sent one by one are overtaken by the press of a button, and lost.
        self.body = widgets.Textarea(description="What is wrong", continuous_update=False, style=label, layout=wide, rows=4)
        self.why = widgets.Textarea(description="Why it matters", continuous_update=False, style=label, layout=wide)
        self.fix = widgets.Textarea(description="What to do", continuous_update=False, style=label, layout=wide)
        self.save = widgets.Button(description="Save finding", button_style="primary")
        self.said = widgets.HTML("Line 0 means the whole file.")
        self.save.on_click(lambda _button: self.store())
        parts = (self.file, self.line, self.end, self.severity, self.category, self.body, self.why, self.fix, self.save, self.said)
        self.box = widgets.VBox(parts)

    def data(self) -> dict[str, Any]:
        """The finding as an event's data."""
        whole = self.file.value == WHOLE_CHANGE
        line = None if whole or not self.line.value else int(self.line.value)
        return {
            "id": f"f-{uuid.uuid4().hex[:12]}",
            "file": None if whole else self.file.value,
            "side": "R",
            "line": line,
            "end_line": None if line is None else max(line, int(self.end.value)),
            "severity": self.severity.value,
            "category": self.category.value,
            "body": self.body.value.strip(),
            "why": self.why.value.strip(),
            "fix": self.fix.value.strip(),
            "after_exercises": self._closed(),
        }

    def store(self) -> None:
        """Record the finding and clear the form, or say what is missing."""
        lacking = [w.description for w in (self.severity, self.category, self.body) if not str(w.value).strip()]
        if lacking:
            self.said.value = f"Not saved: {', '.join(lacking)} is missing."
            return
        try:
            self._record("finding.added", self.data())
        except ReviewkitError as error:
            self.said.value = f"Not saved: {error}"
            return
        self.body.value = self.why.value = self.fix.value = ""
        self.said.value = "Saved. It is in the list of findings beside the change."
