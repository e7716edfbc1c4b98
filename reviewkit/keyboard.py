"""Single keys and short lines from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from reviewkit.errors import UsageError

STOP = ("\x03", "\x04")
"""Ctrl+C and Ctrl+D."""


class Keys(Protocol):
    """What a rater presses and types."""

    def key(self) -> str:
        """One key, without Enter; KeyboardInterrupt when the rater stops."""
        ...

    def line(self, prompt: str) -> str | None:
        """A line of text; None when the rater gives it up."""
        ...


class Terminal:
    """The keyboard of a real terminal.

    Raises:
        UsageError: If standard input is none.
    """

    def __init__(self) -> None:
        if not sys.stdin.isatty():
            raise UsageError("This needs a terminal.", "Use --list --json and --import FILE.jsonl in scripts, or --notebook.")

    def key(self) -> str:
        """One key, without Enter."""
        with _single_keys():
            pressed = sys.stdin.read(1)
        if not pressed or pressed in STOP:
            raise KeyboardInterrupt
        return pressed

    def line(self, prompt: str) -> str | None:
        """A line of text, with the terminal's own editing; None on Ctrl+C or Ctrl+D."""
        try:
            return input(prompt)
        except (EOFError, KeyboardInterrupt):
            print()
            return None


@contextmanager
def _single_keys() -> Iterator[None]:
    """Let keys through as they are pressed, without showing them."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
