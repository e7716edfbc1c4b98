"""Fixtures of the browser tests: one Chromium, one server and one page for the tests of a file, a workbook for each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
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


KEPT = pytest.StashKey[tuple[ExitStack, Browser, Workplace]]()
"""What the files about forms share in a process: they run one after the other (see `ByFile` in tests/conftest.py)."""


def is_about_forms(node: pytest.Item | pytest.Collector | None) -> bool:
    return node is not None and node.path.stem.startswith("test_forms_")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one of the system where there is one."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def kept(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], tuple[ExitStack, Browser, Workplace]]:
    """Gives Chromium and server of the files about forms, started when first asked for."""

    def get() -> tuple[ExitStack, Browser, Workplace]:
        if KEPT not in pytestconfig.stash:
            with ExitStack() as stack:
                found = stack.enter_context(chromium())
                place = Workplace(tmp_path_factory.mktemp("browser"), found)
                stack.callback(place.close)
                pytestconfig.stash[KEPT] = stack.pop_all(), found, place
        return pytestconfig.stash[KEPT]

    return get


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """End what files about forms share once another file follows: Playwright keeps an event loop running."""
    try:
        yield
    finally:
        if KEPT in item.config.stash and not is_about_forms(nextitem):
            item.config.stash[KEPT][0].close()
            del item.config.stash[KEPT]


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest, kept: Callable[[], tuple[ExitStack, Browser, Workplace]]) -> Iterator[Browser]:
    """Chromium, ended with its file."""
    if is_about_forms(request.node):
        yield kept()[1]
        return
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def second(browser: Browser) -> Iterator[Browser]:
    """The interviewer's browser, a program of its own."""
    found = browser.browser_type.launch(executable_path=find_browser(), args=["--no-sandbox"])
    yield found
    found.close()


@pytest.fixture(scope="module")
def offices(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Browser, kept: Callable[[], tuple[ExitStack, Browser, Workplace]]
) -> Iterator[Workplace]:
    """The shared server and page, with an extension, a state folder and a home of their own."""
    if is_about_forms(request.node):
        yield kept()[2]
        return
    place = Workplace(tmp_path_factory.mktemp("browser"), browser)
    yield place
    place.close()


@pytest.fixture
def workplace(offices: Workplace, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Workplace]:
    """The shared server and page; what a test opened beside them is closed after it."""
    offices.enter(monkeypatch)
    yield offices
    offices.leave(failed=FAILED in request.node.stash)
