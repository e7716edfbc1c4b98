"""A real JupyterLab or Notebook 7 with the extension as it lies in the source tree, and pages that look at it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import made_workbook
import pytest
from made_opening import Candidate
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from reviewkit.grants import Granted, issue
from reviewkit.serve import Front, Served, serve

PACKAGE = Path(__file__).resolve().parents[2] / "reviewkit"
# Notebook 7 beside JupyterLab logs this on its own, also with an empty extension; the second once JupyterLab was open.
# The third is anywidget's, which gives a widget's code two seconds to load: a busy machine may take longer, and it is drawn all the same.
KNOWN_PAGE_ERRORS = ("reading 'schema'", "Command 'filebrowser:open-path' not registered", "[anywidget] Failed to initialize model")
DRAW_MS = 60_000
WITHOUT_US = {"disabledExtensions": {"reviewkit": True}}
FOR_TESTS = {
    "ServerApp": {"jpserver_extensions": {"notebook": True}},  # both front ends from one server
    "LabApp": {"expose_app_in_browser": True},
}
OPEN_ANOTHER = """async path => {
  const { shell, commands, serviceManager } = jupyterapp;
  for (const widget of [...shell.widgets('main')]) widget.dispose();
  await serviceManager.sessions.shutdownAll();
  for (const key of Object.keys(localStorage)) key.startsWith('reviewkit') && localStorage.removeItem(key);
  await commands.execute('docmanager:open', { path });
}"""
"""Opens a notebook in a JupyterLab that is there, as the file browser does; what was open is closed with its kernel."""


def install_extension(prefix: Path) -> None:
    """Lay the extension out below a prefix as an installed wheel does."""
    (prefix / "labextensions").mkdir(parents=True)
    (prefix / "labextensions" / "reviewkit").symlink_to(PACKAGE / "labextension")


def candidate_server(folder: Path, slug: str, *, is_shared: bool = False) -> Candidate:
    """A server as an image has it: the published scenario, the extension, a public key; nothing of the hiring side."""
    install_extension(folder / "prefix")
    variables = {name: str(folder / place) for name, place in (("IPYTHONDIR", "ipython"), ("JUPYTERLAB_SETTINGS_DIR", "settings"))}
    variables["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(folder / "prefix"), os.environ.get("JUPYTER_PATH", "")]))
    made = Candidate(folder, variables, is_shared=is_shared).prepare()
    shutil.copytree(PACKAGE.parent / "scenarios" / slug, made.root / "scenarios" / slug)
    shutil.copy(PACKAGE.parent / "notebooks" / f"{slug}.ipynb", made.root / "notebooks")
    return made


@dataclass
class Desk:
    """One workbook of a test and where to open it."""

    url: str
    granted: Granted

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events in the journal beside the workbook."""
        journal = self.granted.notebook.parent / ".reviewkit" / f"{self.granted.grant.record}.jsonl"
        return [json.loads(line) for line in journal.read_text("utf-8").splitlines()] if journal.exists() else []

    @property
    def kinds(self) -> list[str]:
        """Kinds of these events, in order."""
        return [event["kind"] for event in self.events]

    def data(self, kind: str) -> list[dict[str, Any]]:
        """Data of the events of one kind."""
        return [event["data"] for event in self.events if event["kind"] == kind]

    @property
    def document(self) -> dict[str, Any]:
        """The notebook file as it is on disk now; Jupyter does not replace it in one step, so a torn read is repeated."""
        for _ in range(20):
            with contextlib.suppress(ValueError):
                content: dict[str, Any] = json.loads(self.granted.notebook.read_text("utf-8"))
                return content
            time.sleep(0.1)
        raise AssertionError("the notebook on disk is not JSON")


class Workplace:
    """One server and one page for all tests of a file; each test gets a workbook of its own.

    Loading JupyterLab costs ten times what a workbook in it does, so `open` goes on in the page that is there. What is
    about the loading itself takes `page`. A test that needs a server for itself appends it to `servers`.
    """

    def __init__(self, folder: Path, browser: Browser) -> None:
        self.folder, self.browser = folder, browser
        self.environment = {
            "REVIEWKIT_STATE": str(folder / "state"),
            "HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]),
            "JUPYTER_CONFIG_PATH": str(folder / "config"),
        }
        made_workbook.write(folder / "config" / "jupyter_server_config.json", FOR_TESTS)
        install_extension(folder / "prefix")
        self.environment["JUPYTER_PATH"] = str(folder / "prefix")
        self.shared: Served | None = None
        self._lab: Page | None = None
        self.servers: list[Served] = []
        self.contexts: list[BrowserContext] = []

    @property
    def work(self) -> Path:
        """The folder that the servers show."""
        return self.folder / "work"

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Give this process the environment that the servers run in."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def desk(self, *, rows: int = 0, preview: bool = False, document: dict[str, Any] | None = None) -> Desk:
        """A fresh granted workbook."""
        blank = self.folder / "bank" / "notebooks" / f"{made_workbook.SLUG}.ipynb"
        made_workbook.write(blank, document or made_workbook.notebook(rows=rows))
        self.work.mkdir(exist_ok=True)
        granted = issue(blank, self.work, candidate="tester", preview=preview)
        return Desk(self.address(granted.notebook.name), granted)

    @property
    def served(self) -> Served:
        """The shared server, started when first needed."""
        if self.shared is None:
            blank = self.folder / "blank" / "notebooks" / f"{made_workbook.SLUG}.ipynb"
            self.shared = serve(made_workbook.write(blank, made_workbook.notebook()), folder=self.work, candidate="tester")
        return self.shared

    def stray(self, name: str, document: dict[str, Any]) -> str:
        """Address of a notebook that nobody granted, in the same folder."""
        made_workbook.write(self.work / name, document)
        return self.address(name)

    def address(self, name: str, *, front: Front = "lab") -> str:
        """Address of a notebook in a workspace of its own, so that no old tab comes back."""
        where = f"doc/workspaces/{Path(name).stem}/tree/" if front == "lab" else "notebooks/"
        return f"{self.served.base_url}{where}{quote(name)}?token={self.served.token}"

    def page(self, *, width: int = 1280, height: int = 900) -> Page:
        """A page of a fresh profile; see `uncaught`."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.contexts.append(context)
        return watched(context)

    @property
    def lab(self) -> Page:
        """The page that tests share: empty at first, then on what the test before had open."""
        if self._lab is None:
            self._lab = watched(self.browser.new_context(accept_downloads=True))
        return self._lab

    @contextlib.contextmanager
    def without_extension(self) -> Iterator[None]:
        """Pages that are loaded meanwhile do not load the extension."""
        file = made_workbook.write(self.folder / "config" / "labconfig" / "page_config.json", WITHOUT_US)
        yield
        file.unlink()

    def show(self, address: str, *, width: int = 1280, height: int = 900) -> Page:
        """A notebook in the page that tests share, drawn; its kernel may still be starting."""
        self.lab.set_viewport_size({"width": width, "height": height})
        go_on(self.lab, address)
        drawn(self.lab)
        return self.lab

    def open(self, desk: Desk, **size: int) -> Page:
        """A page on a workbook, drawn and recording."""
        page = self.show(desk.url, **size)
        page.evaluate("jupyterapp.shell.activateById(jupyterapp.shell.currentWidget.id)")
        page.wait_for_function("document.activeElement?.closest('.jp-Notebook')")  # Jupyter gives it the focus, once
        if not desk.granted.grant.preview:
            settled(page)
        return page

    def leave(self, *, failed: bool = False) -> None:
        """Close what one test opened for itself; after a failure, in whatever state it left it, the shared page too."""
        if self._lab is not None and failed:
            self.contexts.append(self._lab.context)
            self._lab = None
        if self._lab is not None:
            self._lab.unroute_all()
        for context in self.contexts:
            context.close()
        for served in self.servers:
            served.stop()
        self.contexts.clear()
        self.servers.clear()

    def close(self) -> None:
        """End the shared server and page."""
        self.leave(failed=True)
        if self.shared is not None:
            self.shared.stop()


def go_on(page: Page, address: str) -> None:
    """Open a notebook in a page that is empty or has another one of the same server open."""
    if page.url == "about:blank":
        page.goto(address)
        return
    page.evaluate(OPEN_ANOTHER, unquote(urlsplit(address).path.rpartition("/tree/")[2]))
    page.faults.clear()  # type: ignore[attr-defined]


def watched(context: BrowserContext) -> Page:
    """A page whose uncaught errors are kept."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.faults = faults  # type: ignore[attr-defined]
    return page


def uncaught(page: Page) -> list[str]:
    """Errors that nobody caught, without those that Jupyter has on its own."""
    faults: list[str] = page.faults  # type: ignore[attr-defined]
    return [fault for fault in faults if not any(known in fault for known in KNOWN_PAGE_ERRORS)]


def shown(page: Page, load: Callable[[], object], selector: str) -> None:
    """Load a page until a widget is there: Jupyter's give a busy kernel a few seconds, then say that there is no model."""
    for _ in range(3):
        load()
        with contextlib.suppress(AssertionError):
            expect(page.locator(selector)).to_be_visible(timeout=DRAW_MS // 2)
            return
    expect(page.locator(selector)).to_be_visible()


def form(page: Page, name: str) -> Locator:
    """One form by its kind."""
    return page.locator(f".rk-root .rk-{name}").first


def drawn(page: Page) -> None:
    """Wait until the change is there."""
    expect(form(page, "change").locator(".rk-row").first).to_be_attached(timeout=DRAW_MS)


def settled(page: Page) -> None:
    """Wait until the page says that everything is recorded."""
    expect(form(page, "status").locator(".rk-status-text")).to_have_text("Everything is recorded", timeout=DRAW_MS)


def row(page: Page, number: int, side: str = "R") -> Locator:
    """The row of `parcels/store.py` that shows this line of the new (R) or old (L) version."""
    grid = form(page, "change").locator(".rk-grid").first
    return grid.locator(f'.rk-row:has(> .rk-no[data-side="{side}"]:text-is("{number}"))')


def composer(page: Page) -> Locator:
    """The form of the remark being written."""
    return form(page, "change").locator(".rk-composer")


def write_finding(page: Page, *, severity: str = "Major", category: str = "data", body: str = "Answers go stale.") -> None:
    """Fill the open composer and save it."""
    box = composer(page)
    box.get_by_text(severity, exact=True).click()
    box.get_by_label("Category").select_option(category)
    box.get_by_label("What is wrong").fill(body)
    box.get_by_role("button", name="Save finding").click()
    expect(box).to_have_count(0)


def close_review(page: Page) -> None:
    """Close the review part through its form."""
    close = form(page, "close")
    close.get_by_role("button", name="Close the review part…").click()
    close.get_by_role("button", name="Close the review", exact=True).click()
    expect(close.get_by_role("status")).to_contain_text("closed")


def choose_theme(page: Page, theme: str) -> None:
    """Store the theme in the server's user settings."""
    status = page.evaluate(
        """async theme => {
          const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
          const url = `${config.settingsUrl ?? config.baseUrl + 'lab/api/settings'}/@jupyterlab/apputils-extension:themes`;
          const xsrf = document.cookie.match(/_xsrf=([^;]+)/)?.[1] ?? '';
          const headers = { 'X-XSRFToken': xsrf, Authorization: `token ${config.token ?? ''}` };
          return (await fetch(url, { method: 'PUT', headers, body: JSON.stringify({ raw: JSON.stringify({ theme }) }) })).status;
        }""",
        theme,
    )
    assert status == 204


def switch_theme(page: Page, theme: str) -> None:
    """Choose a theme in the page that is open, as the Settings menu does."""
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme}")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "Light").lower(), timeout=DRAW_MS)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=f"JupyterLab {theme}")


def wait_until(page: Page, holds: Callable[[], bool], patience_ms: int = DRAW_MS) -> None:
    """Wait for something outside the page, such as a line in a journal."""
    for _ in range(patience_ms // 100):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail("what was waited for did not happen")
