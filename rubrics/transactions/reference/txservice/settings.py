"""What may differ between environments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Read once when a process starts."""

    database_url: str
    pool_size: int = 5
    max_overflow: int = 2
