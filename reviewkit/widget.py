"""The forms as widgets, for where the lab extension is missing: same look, same record, kept by the kernel.

One class shows every form. What a candidate does arrives as a message, is stored through `sink`, and is answered with
the event; a message carries the id of its operation, so one that is sent again after a lost answer is not stored twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from anywidget import AnyWidget
from ipywidgets import Widget
from traitlets import Dict, List, Unicode

from reviewkit.errors import EventError, ReviewkitError

_HERE: Final = Path(__file__).parent
_VIEW: Final = "application/vnd.jupyter.widget-view+json"
NOT_RECORDED: Final = "Read only: this notebook was not opened by reviewkit here, so nothing in it is recorded."


class Dumps(Protocol):
    """A value that gives itself as JSON, as events do."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """The value as plain data."""
        ...


EventLike = Dumps | Mapping[str, Any]
Sink = Callable[[str, str, dict[str, Any]], EventLike]
"""Stores an operation `(op, kind, data)` and gives back its event; the same `op` again gives the same event."""


class _Core(Widget):  # type: ignore[misc]  # ipywidgets has no types to follow
    """The code of all forms, sent to a page once per kernel."""

    code = Unicode().tag(sync=True)
    digest = Unicode().tag(sync=True)


@cache
def _core() -> _Core:
    """The one holder of the code in this process."""
    file = next((_HERE / "labextension" / "static").glob("core.*.js"))
    code = file.read_text("utf-8")
    return _Core(code=code, digest=hashlib.sha256(code.encode()).hexdigest())


class FormWidget(AnyWidget):  # type: ignore[misc]  # anywidget has no types to follow
    """One form of a workbook.

    Args:
        spec: The form, as docs/record.md, section 5 describes it.
        sink: Stores an operation; None shows the form read-only.
        events: Reads the events of the record, oldest first.
        fallback: MIME bundle of the same form for pages with the lab extension and for viewers without widgets.
        record: Id of the record; names the browser's outbox, so that what was not sent survives a reload.
        preview: Forms work and record nothing.
        forms: Specifications of the workbook's other forms, for the list of what is missing.
    """

    _esm = _HERE / "frontend" / "widget.js"
    spec = Dict().tag(sync=True)
    events = List().tag(sync=True)
    forms = List().tag(sync=True)
    record = Unicode().tag(sync=True)
    mode = Unicode().tag(sync=True)
    message = Unicode().tag(sync=True)
    core = Unicode().tag(sync=True)

    def __init__(
        self,
        spec: dict[str, Any],
        *,
        sink: Sink | None = None,
        events: Callable[[], Iterable[EventLike]] | None = None,
        fallback: Mapping[str, Any] | None = None,
        record: str = "",
        preview: bool = False,
        forms: Iterable[dict[str, Any]] = (),
    ) -> None:
        self._sink, self._read, self._fallback = sink, events, dict(fallback or {})
        mode = "preview" if preview else "live" if sink else "readonly"
        super().__init__(
            spec=spec,
            events=self._current(),
            forms=list(forms),
            record=record or str(spec.get("slug", "")),
            mode=mode,
            message=NOT_RECORDED if mode == "readonly" else "",
            core=_core().model_id,
        )
        self.on_msg(self._received)

    def refresh(self) -> None:
        """Show events that something else recorded."""
        self.events = self._current()

    def _current(self) -> list[dict[str, Any]]:
        return [_plain(event) for event in self._read()] if self._read else []

    def _received(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer a message of the page."""
        if not isinstance(content, dict):
            return
        self.send({"id": content.get("id"), **self._answer(content)})

    def _answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """What a message brings about; a fault becomes an answer, never a traceback in a candidate's notebook."""
        try:
            if content.get("type") == "load":
                after = content.get("after")
                seen = after if isinstance(after, int) else 0
                return {"type": "events", "events": [event for event in self._current() if event["seq"] > seen]}
            if content.get("type") == "op" and self._sink is not None:
                event = self._sink(str(content.get("op")), str(content.get("kind")), content.get("data") or {})
                return {"type": "stored", "event": _plain(event)}
        except EventError as error:
            return {"type": "refused", "message": str(error)}
        except ReviewkitError as error:
            return {"type": "failed", "message": str(error)}
        return {"type": "refused", "message": NOT_RECORDED}

    def __repr__(self) -> str:
        """Stored as text beside the form, so it holds no address."""
        spec: Mapping[str, Any] = self.spec
        files = spec.get("files", [])
        if spec.get("form") != "change":
            return f"Form({spec.get('form')})"
        rows = sum(len(hunk["rows"]) for file in files for hunk in file["hunks"])
        return f"Form(change, {len(files)} files, {rows} rows)"

    def _repr_mimebundle_(self, **_kwargs: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget, and beside it the same form as data and text."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        bundle = {"application/vnd.reviewkit.form+json": self.spec, "text/plain": repr(self), **self._fallback}
        return {**bundle, _VIEW: view}, {}


def _plain(event: EventLike) -> dict[str, Any]:
    return dict(event) if isinstance(event, Mapping) else event.model_dump(mode="json")
