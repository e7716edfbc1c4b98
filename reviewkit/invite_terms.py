"""The terms of an invite, as options and desk give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reviewkit.policy import AiUse

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
