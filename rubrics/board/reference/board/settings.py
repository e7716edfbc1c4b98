"""Settings of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Read once when a process starts."""

    database_url: str
    mailer_url: str = "http://mailer"
    pool_size: int = 5
    max_overflow: int = 10
    pool_timeout: float = 5.0
