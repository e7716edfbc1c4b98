"""The parts of an extra that are missing in this environment, installed by its own pip: what a `setup` command gets first."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterable
from typing import Final

from packaging.requirements import Requirement

from reviewkit.errors import DataError

SECONDS: Final = 900
PACKAGE: Final = "reviewkit"


def requirements(extra: str, declared: Iterable[str]) -> list[Requirement]:
    """What an extra asks for.

    Args:
        extra: Its name.
        declared: Requirements of a distribution, as its metadata has them.
    """
    found = [Requirement(text) for text in declared]
    return [item for item in found if item.marker is not None and not item.marker.evaluate({"extra": ""}) and item.marker.evaluate({"extra": extra})]


def missing(extra: str) -> list[str]:
    """Requirements of reviewkit's extra that this environment does not meet, as pip takes them."""
    return [f"{item.name}{item.specifier}" for item in requirements(extra, importlib.metadata.requires(PACKAGE) or ()) if not _is_met(item)]


def install(extra: str) -> list[str]:
    """Have pip install what is missing of an extra, and nothing if nothing is.

    Returns:
        What was asked of pip.

    Raises:
        DataError: If it cannot.
    """
    wanted = missing(extra)
    if not wanted:
        return []
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", *wanted]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        said = "" if done.returncode == 0 else _fault(done.stderr) or f"status {done.returncode}"
    except subprocess.TimeoutExpired:
        said = f"no answer within {SECONDS} s"
    if said:
        raise DataError(", ".join(wanted), f"could not be installed by pip ({said[:200]})", _next_step(said, f"{PACKAGE}[{extra}]"))
    importlib.invalidate_caches()
    return wanted


def _fault(said: str) -> str:
    """The line of pip that says what is wrong; hints follow it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if line.lower().startswith("error:")), lines[-1] if lines else "")


def _next_step(said: str, wanted: str) -> str:
    if "externally-managed-environment" in said:  # the system's own Python, into which nobody but the system installs
        return "Install reviewkit into an environment of its own (python3 -m venv .venv) and run this there."
    if "No module named pip" in said:
        return f"Run: {sys.executable} -m ensurepip; or install {wanted} by what made this environment, for example: uv pip install '{wanted}'"
    return f"Install it yourself: pip install '{wanted}'"


def _is_met(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False
