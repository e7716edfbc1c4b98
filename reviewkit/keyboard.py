"""Single keys and short lines from a terminal."""

from __future__ import annotations

import os
import select
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
        """One key, without Enter; keys typed ahead are kept, arrows and the like are no letters."""
        with _single_keys():
            first = os.read(sys.stdin.fileno(), 1)
            if first == b"\x1b":
                while select.select([sys.stdin], [], [], 0)[0]:
                    os.read(sys.stdin.fileno(), 1)
            while first and not _is_whole(first) and len(first) < 4:
                first += os.read(sys.stdin.fileno(), 1)
        pressed = first.decode("utf-8", "replace")
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


def _is_whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return True


@contextmanager
def _single_keys() -> Iterator[None]:
    """Let keys through as they are pressed, without showing them."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
