"""Adjudication as a widget: the same desk as on the terminal, answered by keys in a notebook of the hiring side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from anywidget import AnyWidget
from traitlets import Dict

from reviewkit.adjudication import Scope
from reviewkit.bank import find_bank
from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.outfolder import OutFolder, find_submission
from reviewkit.ratingdesk import Desk
from reviewkit.refresh import refresh, stale

_FRONTEND: Final = Path(__file__).parent / "frontend"
_IMPORT: Final = re.compile(r"^import [^;]*;\n", re.MULTILINE)


def _code() -> str:
    """The form as one module: an anywidget can import no file beside it."""
    parts = [(_FRONTEND / "core" / "dom.js"), (_FRONTEND / "raters" / "adjudicate.js")]
    joined = "\n".join(re.sub(r"^export ", "", _IMPORT.sub("", part.read_text("utf-8")), flags=re.MULTILINE) for part in parts)
    return joined + "\nexport default { render };\n"


def _style() -> str:
    parts = [_FRONTEND / "core" / "core.css", _FRONTEND / "raters" / "adjudicate.css"]
    return "\n".join(part.read_text("utf-8") for part in parts)


class AdjudicateWidget(AnyWidget):  # type: ignore[misc]  # anywidget has no types to follow
    """The form over a desk. What a rater does arrives as a message and is stored before the next task is shown."""

    _esm = _code()
    _css = _style()
    view = Dict().tag(sync=True)
    """`number`, `shown` (an `Exhibit` as data, or None), `position`, `last_reason`, `said`, `troubles`."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._number = desk, 0
        super().__init__(view=self._view(""))
        self.on_msg(self._received)

    def _view(self, said: str) -> dict[str, Any]:
        desk, session = self._desk, self._desk.session
        self._number += 1
        shown = desk.shown()
        position = f"{session.at + 1} of {len(session.tasks)}, {session.left} open" if shown else f"{len(session.tasks)} seen"
        return {
            "number": self._number, "shown": shown.as_dict() if shown else None, "position": position, "said": said,
            "last_reason": session.last_reason, "troubles": list(desk.troubles),
        }  # fmt: skip

    def _received(self, _widget: object, content: object, _buffers: object) -> None:
        """Act on a message of the page; what belongs to an earlier view is left out."""
        if isinstance(content, dict) and content.get("number") == self._number:
            try:
                said = self._act(content)
            except (ReviewkitError, ValueError) as error:
                said = f"Not stored: {error}"
            self.view = self._view(said)

    def _act(self, content: Mapping[str, Any]) -> str:
        """Do what a message asks for; what to say about it."""
        desk = self._desk
        match content.get("type"):
            case "decide":
                defect = content.get("defect")
                made = desk.decide(str(content.get("outcome")), str(content.get("reason")), str(defect) if defect else None)
                opinion = desk.opinion()
                return f"Stored: {made.outcome}." + (f" {opinion[0]}: {opinion[1]} (k looks at it again)" if opinion else "")
            case "undo":
                return "Taken back; the first word stays on record." if desk.undo() else "Nothing to take back in this sitting."
            case "next":
                desk.next()
            case "back":
                desk.back()
            case "finish":
                rows = refresh(desk.folder, desk.bank, stale(desk.folder))
                return f"{len(rows)} submissions scored again; reports and cohort are up to date."
        return ""

    def __repr__(self) -> str:
        """Stored as text beside the form, so it holds no address and nothing of a candidate."""
        return f"Adjudication({len(self._desk.session.tasks)} items)"


def adjudicate(
    out: str, rater: str, *, submission: str = "", scope: str = "open", bank: str = "", rubrics: str = ""
) -> AdjudicateWidget:
    """The form of a rater over an output folder; what the notebook calls.

    Args:
        out: What `reviewkit score --out` wrote.
        rater: Opaque id of the rater.
        submission: Only this one; all when empty.
        scope: `open`; `all` for what is settled too; `disputed` for what raters disagree about.
        bank: Folder with `scenarios/`; empty: REVIEWKIT_BANK, or from here upward.
        rubrics: Folder of the rubrics; empty: REVIEWKIT_RUBRICS, or the bank's own.

    Raises:
        UsageError: If no rater is named, the scope is none, or the folder holds no scored submission.
    """
    if scope not in set(Scope):
        raise UsageError(f"There is no scope {scope!r}.", f"Use one of {', '.join(Scope)}.")
    if not rater.strip():
        raise UsageError("Say who decides.", "Set `rater` in the cell above.")
    folder = OutFolder(Path(out))
    wanted = [find_submission(folder.named(), submission)] if submission else list(folder.scored())
    found = find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None)
    return AdjudicateWidget(Desk.open(folder, found, rater, wanted, scope=Scope(scope)))
