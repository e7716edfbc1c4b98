"""What this machine can run: each part in one line, each missing one with what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

LEAST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Part:
    """One part of the machine."""

    name: str
    fine: bool
    needed: bool
    """False: only some work needs it."""
    text: str

    def __str__(self) -> str:
        mark = "ok     " if self.fine else ("MISSING" if self.needed else "missing")
        return f"{mark}  {self.name}: {self.text}"


def examine() -> list[Part]:
    """Look at interpreter, packages, sandbox, browser and bank."""
    return [_python(), *_packages(), _extension(), _sandbox(), _browser(), _linters(), _bank(), _typescript(), _java(), _elixir(), _sql(), _sockets(), _sentences()]


def _python() -> Part:
    text = ".".join(str(part) for part in sys.version_info[:3])
    return Part("Python", sys.version_info >= LEAST_PYTHON, True, text)


def _packages() -> list[Part]:
    return [_package(name) for name in ("jupyterlab", "notebook", "ipywidgets", "papermill", "sqlalchemy", "pandas")]


def _package(name: str) -> Part:
    try:
        return Part(name, True, True, version(name))
    except PackageNotFoundError:
        return Part(name, False, True, "not installed; run: pip install reviewkit")


def _extension() -> Part:
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("labextensions"):
        if os.path.isfile(os.path.join(folder, "reviewkit", "package.json")):  # noqa: PTH113, PTH118 - Jupyter gives strings
            return Part("lab extension", True, True, "installed")
    return Part("lab extension", False, True, "not found by JupyterLab; install reviewkit with pip, not from a bare checkout")


def _sandbox() -> Part:
    from reviewkit.sandbox import SandboxUnavailableError, probe_level
    from reviewkit.sandbox.levels import limitation

    try:
        level = probe_level()
        limits = limitation(level)
        return Part("sandbox", True, False, f"level {level}" + (f"; {limits}" if limits else ""))
    except SandboxUnavailableError as error:
        return Part("sandbox", False, False, str(error))


def find_browser() -> str | None:
    """A browser that tests and screenshots can drive; the one without windows first, which needs a quarter less processor time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _browser() -> Part:
    found = find_browser()
    return Part("browser for tests", found is not None, False, (found and "found") or "run: scripts/setup-system")


def _linters() -> Part:
    lost = [name for name in ("ruff", "bandit", "mypy") if importlib.util.find_spec(name) is None]
    text = f"lacking {', '.join(lost)}; pip install 'reviewkit[author]'" if lost else "ruff, bandit, mypy"
    return Part("linters of bank check", not lost, False, text)


def _bank() -> Part:
    from reviewkit.bank import BankNotFoundError, find_bank

    try:
        bank = find_bank()
    except BankNotFoundError as error:
        return Part("bank", False, False, str(error))
    rubrics = "with rubrics" if bank.rubrics else "without rubrics"
    return Part("bank", True, False, f"{len(bank.slugs)} scenarios, {rubrics}")


def _typescript() -> Part:
    from reviewkit.runtimes import nodekit, nodeplace

    why = nodeplace.lacking()
    node = nodeplace.find_node()
    if why is not None or node is None:
        return Part("TypeScript", False, False, why or "")
    react = "React" if nodekit.is_whole(nodekit.kit_folder(node)) else f"without React; run: {nodeplace.SETUP}"
    swc = "swc" if nodeplace.has_swc(nodeplace.modules_folder()) else f"without swc, for decorators; run: {nodeplace.SETUP}"
    return Part("TypeScript", True, False, f"Node {node.text}, esbuild, tsc, {react}, {swc}")


def _java() -> Part:
    from reviewkit.runtimes import javaplace

    why = javaplace.lacking()
    jdk = javaplace.find_jdk()
    spring = "" if why or javaplace.libraries_folder().is_dir() else f"; for Spring Boot run: {javaplace.SETUP}"
    return Part("Java", why is None, False, why or f"JDK {jdk.version if jdk else ''}" + (spring or f", Spring Boot {javaplace.spring_version()}"))


def _elixir() -> Part:
    from reviewkit.runtimes import elixirplace

    why = elixirplace.lacking()
    elixir = elixirplace.find_elixir()
    return Part("Elixir", why is None, False, why or (f"Elixir {elixir.text}" if elixir else ""))


def _sql() -> Part:
    from reviewkit.runtimes import postgres

    why = postgres.lacking()
    return Part("SQL cells", why is None, False, f"SQLite; without PostgreSQL, for them and for probes: {why}" if why else "SQLite and PostgreSQL, for probes too")


def _sockets() -> Part:
    lost = [name for name in ("uvicorn", "websockets") if importlib.util.find_spec(name) is None]
    text = f"lacking {', '.join(lost)}; pip install 'reviewkit[sockets]'" if lost else "uvicorn, websockets, for probes over real sockets"
    return Part("sockets", not lost, False, text)


def _sentences() -> Part:
    from reviewkit.sentences import store

    why = store.lacking()
    return Part("sentence model", why is None, False, f"{why}; only --sentences needs it" if why else f"{store.MODEL.name}, for --sentences")
