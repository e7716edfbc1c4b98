"""How long the checks of one exercise may hold up a batch, with the time that others took kept apart from the candidate's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OWN_SECONDS = 240.0
"""Time of checks that ended for lack of time, as far as they did not wait for a processor; once it is used up the rest is not begun."""
BUSY_SECONDS = 480.0
"""Wall time of checks that a busy machine left without a measurement, after which the rest is not tried either."""


@dataclass
class Allowance:
    """What late checks have used so far. Checks that end in time use nothing, so a slow machine alone ends no exercise early."""

    own: float = 0.0
    busy: float = 0.0

    def charge(self, outcome: str, own: float, wall: float) -> None:
        """Count a check that has ended.

        Args:
            outcome: Of the check.
            own: Seconds that it took, without those in which it waited for a processor.
            wall: Seconds by the clock, repeats included.
        """
        if outcome == "time_limit":
            self.own += own
        elif outcome == "not_measured":
            self.busy += wall

    @property
    def rest(self) -> tuple[Literal["time_limit", "not_measured"], str] | None:
        """Outcome of the checks that are not begun any more, and why; None while there is time."""
        if self.own > OWN_SECONDS:
            return "time_limit", "not begun: the checks before it used up the time of the exercise"
        if self.busy > BUSY_SECONDS:
            return "not_measured", "not begun: the machine was too busy for the checks before it"
        return None
