"""Settings of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between environments; times are in seconds."""

    database_url: str
    pool_size: int = 5
    pool_timeout: float = 5.0
