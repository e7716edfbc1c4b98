"""Report and cohort page in a browser: axe, keyboard, narrow windows, folds, paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import made_submissions as made
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from reviewkit.assess import assess, row_of
from reviewkit.bank import find_bank
from reviewkit.cohort import render_cohort
from reviewkit.report import render_report
from reviewkit.row import Row
from reviewkit.submission import read_submission

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report and a cohort page, from a sample notebook; without a sandbox, which they then say."""
    folder = tmp_path_factory.mktemp("pages")
    bank = find_bank(made.ROOT)
    found = assess(read_submission(made.ROOT / "rubrics" / "ledger" / "calibration" / "weak-1.ipynb"), bank, None)
    (folder / "report.html").write_text(render_report(found.card, found.entry, found.submission, "2026-03-02"), "utf-8")
    row = replace(row_of(found, "a.ipynb"), report="report.html", flags=1)
    rows = [replace(row, candidate=f"c-{n}", total=9.0 * n, low=8.0 * n, high=9.6 * n) for n in range(1, 10)]
    broken = Row("broken.ipynb", "", unscored="not_json", sentence="broken.ipynb: is not JSON. Ask for the file again.")
    (folder / "cohort.html").write_text(render_cohort([*rows, broken]), "utf-8")
    return folder


@pytest.fixture
def opened(pages: Path, browser: Browser) -> Iterator[Opener]:
    """Opens a page in a window of its own."""
    contexts = []

    def show(name: str, *, dark: bool = False, width: int = 1280) -> Page:
        scheme = "dark" if dark else "light"
        contexts.append(browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True))
        page = contexts[-1].new_page()
        page.goto((pages / name).as_uri())
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["report.html", "cohort.html"])
def test_axe_finds_nothing(opened: Opener, name: str, dark: bool) -> None:
    page = opened(name, dark=dark)
    if name == "report.html":
        page.get_by_role("checkbox", name="Open every fold").check()
    assert [(f["id"], f["nodes"][0]["html"][:200]) for f in Axe().run(page).response["violations"]] == []


@pytest.mark.parametrize("width", [600, 1280])
@pytest.mark.parametrize("name", ["report.html", "cohort.html"])
def test_nothing_is_wider_than_the_window(opened: Opener, name: str, width: int) -> None:
    page = opened(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_link_to_a_flaw_opens_its_fold(opened: Opener) -> None:
    page = opened("report.html")
    link = page.locator("article.remark a[href^='#d-']").first
    aim = page.locator(link.get_attribute("href") or "")
    expect(aim).to_be_hidden()
    link.focus()
    page.keyboard.press("Enter")
    expect(aim).to_be_visible()


def test_folds_open_with_the_keyboard_alone(opened: Opener) -> None:
    page = opened("report.html")
    fold = page.locator("details#words")
    fold.locator("summary").focus()
    page.keyboard.press("Space")
    expect(fold.get_by_text("Planted flaws found, weighted by severity.")).to_be_visible()


def test_paper_shows_what_is_open_and_all_of_it_when_asked(opened: Opener) -> None:
    page = opened("report.html", dark=True)
    page.emulate_media(media="print", color_scheme="dark")
    terms, diff = page.locator(".terms").last, page.locator(".diff").first
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(terms).to_be_hidden()
    expect(diff).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    short = pdf_pages(page)
    page.emulate_media(media="screen")
    page.get_by_role("checkbox", name="Open every fold").check()
    page.emulate_media(media="print")
    expect(terms).to_be_visible()
    expect(diff).to_be_visible()
    assert 1 < short <= 16
    assert pdf_pages(page) > 2 * short


def pdf_pages(page: Page) -> int:
    """Pages of A4 that Chromium would print."""
    return page.pdf(prefer_css_page_size=True, print_background=True).count(b"/Type /Page\n")
