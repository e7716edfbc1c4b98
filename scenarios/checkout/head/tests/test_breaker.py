"""The circuit breaker opens, rests and closes."""

from __future__ import annotations

from checkout.breaker import CircuitBreaker


def test_it_opens_and_rests() -> None:
    """Two failures of two open it; past the rest a call is let through."""
    now = [0.0]
    breaker = CircuitBreaker(failures=2, rest=10, clock=lambda: now[0])
    breaker.failed()
    breaker.failed()
    assert breaker.is_open
    now[0] = 11.0
    assert not breaker.is_open
