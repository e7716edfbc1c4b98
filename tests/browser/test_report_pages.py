"""Report, cohort and feedback page in a browser: axe, keyboard, narrow windows, folds, paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import made_submissions as made
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect

from reviewkit.assess import assess, row_of
from reviewkit.bank import find_bank
from reviewkit.cohort import render_cohort
from reviewkit.feedbackpage import render_feedback
from reviewkit.report import render_report
from reviewkit.row import Row
from reviewkit.submission import read_submission

Opener = Callable[..., Page]
HOSTILE = "Well done. <img src=x onerror=\"document.title='run'\">"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, a cohort page and feedback, from a sample notebook; without a sandbox, which they then say."""
    folder = tmp_path_factory.mktemp("pages")
    bank = find_bank(made.ROOT)
    found = assess(read_submission(made.ROOT / "rubrics" / "ledger" / "calibration" / "weak-1.ipynb"), bank, None)
    about = (found.card, found.entry, found.submission, "2026-03-02")
    (folder / "report.html").write_text(render_report(*about), "utf-8")
    (folder / "feedback.html").write_text(render_feedback(*about, message=[HOSTILE]), "utf-8")
    (folder / "released.html").write_text(render_feedback(*about, released=True), "utf-8")
    row = replace(row_of(found, "a.ipynb"), report="report.html", flags=1)
    rows = [replace(row, candidate=f"c-{n}", total=9.0 * n, low=8.0 * n, high=9.6 * n, waiting=n % 2) for n in range(1, 10)]
    rows[4] = replace(rows[4], decision="invite", shares=(("level", "senior", 3, 4, 1), ("level", "junior", 2, 2, 0), ("domain", "security", 1, 2, 0)))
    (folder / "many.html").write_text(render_cohort([replace(rows[0], candidate=f"c-{n}", total=n / 10) for n in range(1, 251)]), "utf-8")
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
@pytest.mark.parametrize("name", ["report.html", "cohort.html", "feedback.html"])
def test_axe_finds_nothing(opened: Opener, name: str, dark: bool) -> None:
    page = opened(name, dark=dark)
    if name == "report.html":
        page.get_by_role("checkbox", name="Open every fold").check()
    assert [(f["id"], f["nodes"][0]["html"][:200]) for f in Axe().run(page).response["violations"]] == []


@pytest.mark.parametrize("width", [600, 1280])
@pytest.mark.parametrize("name", ["report.html", "cohort.html", "feedback.html"])
def test_nothing_is_wider_than_the_window(opened: Opener, name: str, width: int) -> None:
    page = opened(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_feedback_opens_under_its_policy_and_holds_nothing_of_the_key_unless_it_is_released(pages: Path, browser: Browser) -> None:
    key = find_bank(made.ROOT).entry("ledger").rubric
    said = [text for defect in key.defects for text in (defect.title, *defect.understands, *defect.mends)]
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.goto((pages / "feedback.html").as_uri())
    assert faults == []
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    held = page.content()
    assert [text for text in (*said, key.canary) if text in held or text in page.inner_text("body")] == []
    with pytest.raises(Error, match="Content Security Policy"):
        page.add_script_tag(content="document.title = 'run'")
    assert "run" not in page.title()
    page.goto((pages / "released.html").as_uri())
    assert [text for text in said if text in page.inner_text("body")]
    assert key.canary not in page.content()
    page.close()


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


def test_a_cohort_is_sorted_filtered_and_compared_by_keyboard(opened: Opener) -> None:
    page = opened("cohort.html")
    names = lambda: page.locator("section.group tbody td:nth-child(2) bdi").all_text_contents()  # noqa: E731
    assert names() == [f"c-{n}" for n in range(9, 0, -1)]
    by_name = page.get_by_role("button", name="Candidate, opens the report")
    by_name.focus()
    page.keyboard.press("Enter")
    assert names() == [f"c-{n}" for n in range(1, 10)]
    expect(page.locator("th", has=by_name)).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Only those").select_option("with something waiting")
    page.get_by_label("Total from").fill("30")
    assert names() == ["c-5", "c-7", "c-9"]
    expect(page.get_by_role("status").first).to_have_text("3 of 9 fit")
    page.get_by_label("Found, of").select_option("level senior")
    expect(page.get_by_role("row", name="c-5")).to_contain_text("3 of 4 (+1 open)")
    for name in ("c-5", "c-9"):
        page.get_by_role("checkbox", name=f"Compare {name}").focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Side by side").focus()
    page.keyboard.press("Enter")
    pair = page.get_by_role("dialog", name="c-5 beside c-9")
    expect(pair).to_contain_text("Their intervals do not overlap.")
    expect(pair.get_by_role("row", name="security")).to_contain_text("1 of 2")
    expect(pair.get_by_role("row", name="Decision")).to_contain_text("invite")
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    expect(pair).to_be_hidden()
    page.get_by_role("button", name="Show all").click()
    assert len(names()) == 9


def test_a_long_cohort_is_shown_in_pages_and_whole_on_paper_and_without_script(opened: Opener, pages: Path, browser: Browser) -> None:
    page = opened("many.html")
    lines = page.locator("section.group tbody tr")
    expect(lines).to_have_count(100)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("status").first).to_have_text("250 of 250 fit, lines 201 to 250")
    expect(lines).to_have_count(50)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(lines).to_have_count(250)
    plain = browser.new_page(java_script_enabled=False)
    plain.goto((pages / "many.html").as_uri())
    expect(plain.get_by_text("c-1", exact=True)).to_be_visible()
    expect(plain.locator(".controls")).to_be_hidden()
    expect(plain.get_by_role("checkbox")).to_have_count(0)
    plain.close()


def pdf_pages(page: Page) -> int:
    """Pages of A4 that Chromium would print."""
    return page.pdf(prefer_css_page_size=True, print_background=True).count(b"/Type /Page\n")
