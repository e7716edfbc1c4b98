"""Where Elixir is on this machine, and what to install where it is not."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.runtimes.base import MissingRuntimeError

HOST: Final = Path(__file__).resolve().parent / "elixir" / "host.exs"
INSTALL: Final = "Install Elixir 1.14 or later, on Debian and Ubuntu: apt-get install elixir"
LEAST: Final = (1, 14)


@dataclass(frozen=True)
class Elixir:
    """An Elixir that was found."""

    binary: str
    version: tuple[int, int]
    """(0, 0) where it does not say its version without being started."""

    @property
    def text(self) -> str:
        """Version as people write it."""
        return ".".join(map(str, self.version)) if self.version != (0, 0) else "of an unknown version"


def find_elixir() -> Elixir | None:
    """The Elixir on PATH; None if there is none, or no Erlang beside it."""
    found = shutil.which("elixir")
    if found is None or shutil.which("erl") is None:
        return None
    listing = Path(os.path.realpath(found)).parent.parent / "lib" / "elixir" / "ebin" / "elixir.app"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        said = re.search(r'{vsn,"(\d+)\.(\d+)', listing.read_text("utf-8"))
        if said:
            return Elixir(found, (int(said[1]), int(said[2])))
    return Elixir(found, (0, 0))


def require_elixir() -> Elixir:
    """An Elixir that is new enough.

    Raises:
        MissingRuntimeError: If there is none.
    """
    elixir = find_elixir()
    if elixir is None:
        raise MissingRuntimeError("Elixir is not on this machine", INSTALL)
    if (0, 0) < elixir.version < LEAST:
        raise MissingRuntimeError(f"Elixir {elixir.text} is too old", INSTALL)
    return elixir


def lacking() -> str | None:
    """What Elixir cells lack here, in one line; None if nothing."""
    try:
        require_elixir()
    except MissingRuntimeError as error:
        return str(error)
    return None
