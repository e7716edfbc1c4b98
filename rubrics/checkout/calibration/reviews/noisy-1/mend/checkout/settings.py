"""Settings of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between environments; times are in seconds."""

    database_url: str
    pool_size: int = 5
    pool_timeout: float = 5.0
    gateway_url: str = "https://gateway.test"
    gateway_key: str = ""
    gateway_timeout: float = 2.0
    gateway_attempts: int = 3
    gateway_backoff: float = 0.2
    breaker_failures: int = 5
    breaker_rest: float = 30.0
    receipts_url: str = "https://receipts.test"
    checkout_lease: float = 20.0
