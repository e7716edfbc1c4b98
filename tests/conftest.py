"""Options and fixtures of all tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Repeat kill and load tests as often as a release asks for.")


@pytest.fixture
def burst_count(request: pytest.FixtureRequest) -> int:
    """How often a writer is killed in mid-burst."""
    return 20 if request.config.getoption("--full") else 2
