"""What people who do not use a mouse, or see little, or see no colours, can do with the forms."""

from __future__ import annotations

import contextlib

from access import faults
from playwright.sync_api import Error, Page, expect
from workplace import Workplace, close_review, composer, form, row, switch_theme, write_finding


def test_axe_finds_nothing_in_any_form_light_and_dark(workplace: Workplace) -> None:
    """Every form in many states, each state in both themes."""
    page = workplace.open(workplace.desk())
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page, severity="Blocker", body="First, with `code` and\n\n- a list")
    row(page, 33).locator('.rk-no[data-side="R"]').click()
    composer(page).get_by_role("button", name="Save finding").click()
    form(page, "status").get_by_text("What was recorded").click()
    assert faults(page, ".rk-root") == []
    try:
        switch_theme(page, "Dark")
        assert faults(page, ".rk-root") == []
        composer(page).get_by_role("button", name="Discard").click()
        form(page, "change").get_by_role("button", name="Split").click()
        close_review(page)
        form(page, "trace").get_by_role("button", name="Add Store to the route").click()
        assert faults(page, ".rk-root") == []
    finally:
        switch_theme(page, "Light")
    assert faults(page, ".rk-root") == []


def cut_off(page: Page) -> list[str]:
    """What of our forms stands out to the right."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll('.rk-root')].flatMap(root => {
          const edge = root.getBoundingClientRect().right + 1;
          return [...root.querySelectorAll('button, input, select, textarea, .rk-code, p, li')]
            .filter(node => node.getBoundingClientRect().width > 2 && node.getBoundingClientRect().right > edge)
            .map(node => node.className || node.tagName);
        })"""
    )
    return found


def test_nothing_is_cut_off_at_200_percent_zoom_and_what_takes_the_focus_shows_it_and_silences_shortcuts(workplace: Workplace) -> None:
    page = workplace.open(workplace.desk(), width=640, height=700)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    for width in (640, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 700})
        page.wait_for_function("width => innerWidth === width", arg=width)
        expect(composer(page)).to_be_visible()
        assert cut_off(page) == [], width
    composer(page).get_by_role("button", name="Discard").click()
    expect(composer(page)).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 900})
    close_review(page)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    bare = page.evaluate(
        """[...document.querySelectorAll('.rk-root :is(button, input, select, textarea, summary, a, [tabindex])')]
          .filter(node => node.getAttribute('data-lm-suppress-shortcuts') !== 'true')
          .map(node => node.outerHTML.slice(0, 100))"""
    )
    assert bare == []
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    style = page.evaluate("(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))")
    assert style == ["solid", "2px"]
    button = form(page, "change").get_by_role("button", name="Comment on line")
    page.keyboard.press("Shift+Tab")
    button.focus()
    style = page.evaluate("(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))")
    assert style == ["solid", "2px"]


def test_commands_are_in_the_palette_and_work(workplace: Workplace) -> None:
    page = workplace.open(workplace.desk())
    row(page, 8).locator(".rk-code").click()
    found = page.locator("#modal-command-palette .lm-CommandPalette-itemLabel").first

    # JupyterLab closes its palette whenever any command runs, also one of its own that a busy start has delayed.
    for _ in range(5):
        with contextlib.suppress(AssertionError, Error):
            page.get_by_role("menuitem", name="View", exact=True).click(timeout=10_000)
            page.get_by_role("menuitem", name="Activate Command Palette").click(timeout=10_000)
            page.locator("#modal-command-palette input").press_sequentially("Comment on the Whole Change", timeout=10_000)
            expect(found).to_have_text("Comment on the Whole Change", timeout=5_000)
            break
    expect(found).to_have_text("Comment on the Whole Change")
    page.keyboard.press("Enter")
    expect(composer(page).get_by_text("Whole change").first).to_be_visible()
