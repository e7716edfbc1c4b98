"""What moves the player: play and pause, and a slider that says where it stands. ipywidgets' own have no names for who cannot see them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from anywidget import AnyWidget
from traitlets import Bool, Int, Unicode

_CSS: Final = """
.rk-transport { display: flex; align-items: center; gap: 8px; margin: 2px; flex: 0 1 530px; }
.rk-transport .jupyter-button { width: 96px; flex: none; }
.rk-transport input { flex: 1 1 auto; width: 420px; min-width: 80px; accent-color: var(--jp-brand-color1); }
.rk-playback :is(button, input, select):focus-visible { outline: 2px solid var(--jp-brand-color1) !important; outline-offset: 1px; }
"""


class Transport(AnyWidget):  # type: ignore[misc]  # anywidget has no types to follow
    """Plays by moving `value` on by `step` every `interval` milliseconds until `max`, in the page."""

    _esm = Path(__file__).parents[1] / "frontend" / "transport.js"
    _css = _CSS
    value = Int().tag(sync=True)
    max = Int().tag(sync=True)
    step = Int(1).tag(sync=True)
    interval = Int(500).tag(sync=True)
    playing = Bool().tag(sync=True)
    said = Unicode().tag(sync=True)
    """The position in words."""
