"""Fixtures of the browser tests: one Chromium and one server per front end for all, a profile and a workbook for each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from workplace import Workplace

from reviewkit.doctor import find_browser

PATIENCE_MS = 30_000
"""How long the page may take for what is bound to come. Short waits fail on a busy machine, and say nothing about the product."""
expect.set_options(timeout=PATIENCE_MS)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note for fixtures that a test failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the one of the system where there is one. Ended with its file: Playwright keeps an event loop running."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def second(browser: Browser) -> Iterator[Browser]:
    """The interviewer's browser, a program of its own."""
    found = browser.browser_type.launch(executable_path=find_browser(), args=["--no-sandbox"])
    yield found
    found.close()


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Workplace]:
    """The shared servers, with an extension, a state folder and a home of their own."""
    place = Workplace(tmp_path_factory.mktemp("browser"), browser)
    yield place
    place.close()


@pytest.fixture
def workplace(offices: Workplace, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Workplace]:
    """The shared server and page; what a test opened beside them is closed after it."""
    offices.enter(monkeypatch)
    yield offices
    offices.leave(failed=FAILED in request.node.stash)
