"""Types of the fields that events, notebooks, invites and grants share: what an id, a path, a version or a time may look like.

Imported by kernels: only the standard library and pydantic.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

TEXT_MAX: Final = 100_000
"""Characters of one text that a candidate writes."""
FILE_MAX: Final = 400_000
"""Characters of one mended file."""
SEEN_MAX: Final = 8_000
"""Characters of one observation of a run."""
LINE_MAX: Final = 1_000_000

_PATH = re.compile(r"[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*")


def _relative(path: str) -> str:
    if not _PATH.fullmatch(path) or any(step.strip(".") == "" for step in path.split("/")):
        raise ValueError("is not a path below the root of the change")
    return path


def has_words(text: str) -> str:
    """Validator: refuse a text of spaces alone.

    Raises:
        ValueError: If it is one.
    """
    if not text.strip():
        raise ValueError("is empty")
    return text


def _exists(time: str) -> str:
    try:
        datetime.fromisoformat(time)
    except ValueError:
        raise ValueError("is no time of any day") from None
    return time


RecordId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
"""Also a file name: nothing but letters, digits, hyphen and underscore."""
OperationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]
ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]
"""Id of a finding, a claim, a probe, an exercise, a layer or a check."""
ChangePath = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_relative)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d{1,6}\.\d{1,6}\.\d{1,6}$")]
CANDIDATE_PATTERN: Final = r"^[A-Za-z0-9_.@+-]{0,80}$"
CandidateId = Annotated[str, StringConstraints(pattern=CANDIDATE_PATTERN)]
"""Opaque, from the invite; empty for practice."""
Text = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Seen = Annotated[str, StringConstraints(max_length=SEEN_MAX)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"), AfterValidator(_exists)
]
"""UTC with milliseconds; a day and an hour that exist."""
LineNumber = Annotated[StrictInt, Field(ge=1, le=LINE_MAX)]
