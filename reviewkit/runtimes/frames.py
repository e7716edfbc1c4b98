"""Frames in a notebook: a document of somebody else, shown where it can reach neither the notebook nor any address."""

from __future__ import annotations

from html import escape
from typing import Final

LIVE_HEIGHT: Final = 240
"""Height of a frame in pixels, where nobody says another; its lower edge can be dragged."""
LEAST_HEIGHT, MOST_HEIGHT = 40, 4000
_STYLE: Final = "width:100%;box-sizing:border-box;resize:vertical;color-scheme:light;background:#fff;border:1px solid var(--jp-border-color1,#bdbdbd)"
"""A sheet of white paper in a notebook of any theme: what is shown was made for a page, not for the notebook."""


def framed(page: str, name: str, height: int) -> dict[str, str]:
    """A document as the output of a cell, by MIME type.

    Args:
        page: Whole HTML document. It may run its own scripts, in an origin of its own; what it may ask for is its policy's matter.
        name: What is shown, for screen readers and front ends without frames.
        height: Pixels; brought within bounds.
    """
    pixels = min(max(height, LEAST_HEIGHT), MOST_HEIGHT)
    # Without allow-forms a browser would not even tell the document that a form was sent; the page's policy keeps it from being sent.
    frame = (
        f'<iframe class="rk-live" title="Live component: {escape(name)}" sandbox="allow-scripts allow-forms" referrerpolicy="no-referrer" '
        f'style="height:{pixels}px;{_STYLE}" srcdoc="{escape(page)}"></iframe>'
    )
    return {"text/html": frame, "text/plain": f"[live component: {name}]"}
