"""Log events: few and wide, readable on a terminal, JSON lines with `REVIEWKIT_LOG=json`, always to standard error.

An event's name is a constant below, `noun.past_participle`. Facts are keys, units are part of the key. Never logged: a
candidate's name, the text of a remark or an answer, a token.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from reviewkit.errors import printable

LOG_VARIABLE: Final = "REVIEWKIT_LOG"
"""`json` for JSON lines; anything else is the readable form."""
LEVEL_VARIABLE: Final = "REVIEWKIT_LOG_LEVEL"
"""`debug`, `info` (the default), `warning` or `error`."""

EXTENSION_LOADED: Final = "extension.loaded"
WORKBOOK_ISSUED: Final = "workbook.issued"
INVITE_OPENED: Final = "invite.opened"
INVITE_REFUSED: Final = "invite.refused"
DESK_OPENED: Final = "desk.opened"
SENDING_FAILED: Final = "sending.failed"
WORKBOOK_DELIVERED: Final = "workbook.delivered"
EVENT_RECORDED: Final = "event.recorded"
EVENT_REFUSED: Final = "event.refused"
JOURNAL_FAILED: Final = "journal.failed"
SERVER_STARTED: Final = "server.started"
SERVER_STOPPED: Final = "server.stopped"
SUBMISSION_READ: Final = "submission.read"
SUBMISSION_REFUSED: Final = "submission.refused"
INTAKE_STARTED: Final = "intake.started"
INTAKE_STOPPED: Final = "intake.stopped"
REQUEST_ANSWERED: Final = "request.answered"
REQUEST_FAILED: Final = "request.failed"
STORAGE_STOPPED: Final = "storage.stopped"
DATA_PURGED: Final = "data.purged"


def configure(*, as_json: bool | None = None) -> None:
    """Set up logging for this process; later calls replace earlier ones.

    Args:
        as_json: JSON lines or the readable form; by default what `REVIEWKIT_LOG` says.
    """
    if as_json is None:
        as_json = os.environ.get(LOG_VARIABLE, "").lower() == "json"
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL_VARIABLE, "info").upper(), logging.INFO)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        processors += [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(sort_keys=True)]
    else:
        processors += [_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when a line is written: it may be replaced
        cache_logger_on_first_use=False,
    )


def get(**bound: Any) -> structlog.typing.FilteringBoundLogger:
    """Return a logger with these keys on every event."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**bound)
    return logger


def _one_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control and bidi characters: one event is one line, and a terminal shows it as written."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}
