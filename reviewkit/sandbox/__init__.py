"""Runs code that nobody here has written where it can harm nothing, and can do no more than answer. See docs/sandbox.md."""

from reviewkit.sandbox.ending import Ending
from reviewkit.sandbox.job import GuestLoadError, SandboxJob
from reviewkit.sandbox.launcher import SandboxLauncher, open_launcher
from reviewkit.sandbox.lending import lend
from reviewkit.sandbox.levels import Level, probe_level
from reviewkit.sandbox.unavailable import GuestLacksError, SandboxError, SandboxUnavailableError

__all__ = [
    "Ending",
    "GuestLacksError",
    "GuestLoadError",
    "Level",
    "SandboxError",
    "SandboxJob",
    "SandboxLauncher",
    "SandboxUnavailableError",
    "lend",
    "open_launcher",
    "probe_level",
]
