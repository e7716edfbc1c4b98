"""Keeps invites out of Jupyter's log, which writes the address of each request: a link holds the token in its path."""

from __future__ import annotations

import logging
import re
from typing import Final

HIDDEN: Final = "[invite]"
_SLASH: Final = r"(?:/|%2[Ff])"
_ROUTE: Final = re.compile(rf"(reviewkit{_SLASH}open{_SLASH})[^\s\"'<>?&#)]+", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\brk1(?:\.|%2[Ee])[A-Za-z0-9_%-]+(?:(?:\.|%2[Ee])[A-Za-z0-9_%-]*)?")


def hide_tokens(text: str) -> str:
    """The text without any invite, whole or cut off; pure."""
    return _TOKEN.sub(HIDDEN, _ROUTE.sub(rf"\g<1>{HIDDEN}", text))


class HideTokens(logging.Filter):
    """Rewrites log records that hold an invite."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without tokens."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return True  # its own fault; the handler reports it
        hidden = hide_tokens(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True


def install(*loggers: logging.Logger) -> None:
    """Hide invites in all that these loggers, and what they pass records on to, write."""
    hider = HideTokens()
    for logger in loggers:
        logger.addFilter(hider)
        at: logging.Logger | None = logger
        while at is not None:
            for handler in at.handlers:
                handler.addFilter(hider)
            at = at.parent if at.propagate else None
