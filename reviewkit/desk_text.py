"""Words and fields that the parts of the hiring desk share; text of candidates and banks is shown escaped."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any, Final

import ipywidgets as w

from reviewkit.deskwork import Made
from reviewkit.invite_links import Link
from reviewkit.safe_text import visible

WIDE: Final = {"description_width": "150px"}


def text(value: object) -> str:
    """Any value as HTML that is only text."""
    return html.escape(visible(str(value)))


def said(words: str, role: str = "status") -> str:
    """A sentence that a screen reader says by itself."""
    return f'<p role="{role}">{text(words)}</p>'


def day(seconds: int) -> str:
    """The day of a time in seconds since 1970, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def made_words(made: Made) -> str:
    """What to say of an invite whose links follow."""
    until = datetime.fromtimestamp(made.invite.exp, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"Link for {made.invite.candidate}, {made.invite.slug}, {made.invite.minutes} minutes, valid until {until}. Copy one and send it:"


def link_field(link: Link) -> Any:
    """A field to copy from: a link to click would open the candidate's workbook on the hiring side."""
    return w.Text(description=link.place, value=link.url, style=WIDE, layout=w.Layout(width="100%"))
