"""Guests that are no Python: which driver makes which, and what this machine lacks for it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

from reviewkit.runtimes import javaguest, nodeguest
from reviewkit.runtimes.base import MissingRuntimeError

Profile = Literal["", "node", "java"]
"""What a guest's process turns into; empty for none, it stays Python."""


def profile(driver: Path) -> Profile:
    """The profile of guests with this driver."""
    if driver.suffix in nodeguest.DRIVERS:
        return "node"
    return "java" if driver.suffix in javaguest.DRIVERS else ""


def lacking_for(driver: Path) -> str | None:
    """What guests with this driver lack on this machine, in one line that names the command; None if nothing."""
    return javaguest.lacking_for(driver) or nodeguest.lacking_for(driver)


def prepare(driver: Path) -> None:
    """Make what lets guests with this driver start sooner and is missing here. Where it cannot be made they start without."""
    if driver.suffix in javaguest.DRIVERS:
        with contextlib.suppress(MissingRuntimeError):  # whoever starts one says so
            javaguest.prepare(spring=javaguest.has_spring(driver))
