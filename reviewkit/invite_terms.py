"""The terms of an invite, as options and desk give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from reviewkit.errors import UsageError, printable
from reviewkit.policy import AiUse
from reviewkit.words import StageName

DAYS: Final = 7
RETENTION_DAYS: Final = 180
FOCUS_MINUTES: Final = 10
"""Nobody watches for so long; also what invites that name no focus time mean."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an invite says beside candidate and scenario; None: as the scenario has it, or drawn."""

    minutes: int | None = None
    days: int = DAYS
    seed: int | None = None
    intake: str = ""
    policy: AiUse = AiUse.DECLARED
    retention_days: int = RETENTION_DAYS
    focus_minutes: int = FOCUS_MINUTES
    stages: Mapping[StageName, int] = field(default_factory=dict)


def stage_days(words: Iterable[str]) -> dict[StageName, int]:
    """When stages open, in seconds since 1970, of texts such as `architecture=2026-12-03` or `degraded=2026-12-05T14:00+01:00`.

    A day begins at midnight UTC; a time without a zone is UTC.

    Raises:
        UsageError: If a text is neither.
    """
    found: dict[StageName, int] = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            at = datetime.fromisoformat(text)
            found[StageName(name)] = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise UsageError(
                f"--stage {printable(word)}: cannot be read.", f"Give --stage NAME=2026-12-03 or NAME=2026-12-03T14:00+01:00, NAME one of {', '.join(StageName)}."
            ) from None
    return found
