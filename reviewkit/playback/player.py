"""Where a player stands in a record: position, step, jump. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.eventdata import Kind
from reviewkit.playback.frames import Frame

SPEEDS: Final = (1, 2, 5, 10, 20, 60)
"""Times as fast as it was."""
TICKS_A_SECOND: Final = 2
"""Positions per second of playing time; at speed 1 the player moves on by one of them each half second."""


@dataclass(frozen=True)
class Player:
    """A record and where in it one is.

    Args:
        frames: Of the record, in order.
    """

    frames: Sequence[Frame]

    @property
    def last(self) -> int:
        """The last position; every frame is shown there."""
        return self.position(len(self.frames) - 1) if self.frames else 0

    def position(self, index: int) -> int:
        """The first position at which the frame with this index (from 0) is shown."""
        return -int(-self.frames[index].playing * TICKS_A_SECOND // 1)

    def shown_n(self, position: int) -> int:
        """How many frames are shown at a position."""
        return bisect_right(self.frames, position, key=lambda f: -int(-f.playing * TICKS_A_SECOND // 1))

    def step(self, position: int, by: int, *, remarks: bool = False) -> int:
        """The position of the next moment at which something happened (`by` 1), or of the one before (-1); with `remarks`, of a remark. Stays where there is none."""
        moments = [at for _, at in self.remarks()] if remarks else [self.position(at) for at in range(len(self.frames))]
        if by > 0:
            return min((at for at in moments if at > position), default=position)
        return max((at for at in moments if at < position), default=position)

    def seconds(self, position: int) -> float:
        """Seconds of the session at a position: inside a shortened pause, those of its beginning and on."""
        shown = self.shown_n(position)
        if not shown:
            return 0.0
        frame = self.frames[shown - 1]
        later = self.frames[shown].seconds if shown < len(self.frames) else frame.seconds
        return min(later, frame.seconds + position / TICKS_A_SECOND - frame.playing)

    def remarks(self) -> list[tuple[str, int]]:
        """(words, position) of each remark's first frame, to jump to."""
        found: dict[str, tuple[str, int]] = {}
        for at, frame in enumerate(self.frames):
            if frame.finding is not None and frame.kind is Kind.FINDING_ADDED and frame.finding not in found:
                found[frame.finding] = (f"{frame.title}, minute {frame.minute}", self.position(at))
        return list(found.values())
