"""AI-use policies of an interview: a code for programs, and the exact words that a candidate reads.

An invite names both the code and the id of the text, so that a later wording never changes what somebody agreed to.
A published text is never edited: a new wording gets a new id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class AiUse(StrEnum):
    """What a candidate may use."""

    NONE = "none"
    DECLARED = "declared"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One wording of a policy."""

    id: str
    code: AiUse
    text: str


TEXTS: Final[Mapping[str, PolicyText]] = {
    entry.id: entry
    for entry in (
        PolicyText(
            "ai-none-1",
            AiUse.NONE,
            "Please do not use an AI assistant in this interview. Documentation and search engines are fine.",
        ),
        PolicyText(
            "ai-declared-1",
            AiUse.DECLARED,
            "You may use an AI assistant. Say in your summary where you did; you answer for every remark as your own.",
        ),
        PolicyText(
            "ai-free-1",
            AiUse.FREE,
            "You may use any tool, AI assistants too, without saying so; you answer for every remark as your own.",
        ),
    )
}
"""Id of a text -> the text; all that were ever published."""
CURRENT: Final[Mapping[AiUse, str]] = {AiUse.NONE: "ai-none-1", AiUse.DECLARED: "ai-declared-1", AiUse.FREE: "ai-free-1"}
"""Policy -> id of its text in new invites."""
