"""The version of what turns submissions into scores; apart, so that knowing it imports none of that."""

from __future__ import annotations

from typing import Final

SCORER_VERSION: Final = "1.3.1"
"""Changes with anything that can move a score."""
