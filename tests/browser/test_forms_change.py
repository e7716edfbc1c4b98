"""The review surface in a real browser: remarks by mouse and by keyboard, and that none is ever lost."""

from __future__ import annotations

import made_workbook
from playwright.sync_api import Page, Route, expect
from workplace import DRAW_MS, Desk, Workplace, composer, drawn, form, row, settled, uncaught, wait_until, write_finding

LEAKING_KEYS = ["a", "b", "m", "y", "z", "Shift+M", "x", "d", "d", "0", "0", "h", "v", "Space", "Control+s"]
KINDS = "[...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(cell => cell.className.match(/jp-\\w+Cell/)[0])"


STEADY = """element => new Promise(done => {
  let before = -1, frames = 0;
  const look = () => {
    const top = element.getBoundingClientRect().top;
    frames = top === before ? frames + 1 : 0;
    before = top;
    frames < 30 ? requestAnimationFrame(look) : done();
  };
  look();
})"""
"""Resolves once an element has not moved for 30 frames: a page that still draws would turn a click into a drag."""


def test_remarks_by_mouse_after_keys_that_reach_nothing(workplace: Workplace) -> None:
    """One page: keys inside the change, a form with nothing in it, a click on a number, a range, a removed line."""
    desk = workplace.desk()
    page = workplace.open(desk)
    press_keys_that_jupyter_knows(page)
    save_an_empty_form(page)
    assert desk.data("finding.added") == []
    number = row(page, 33).locator('.rk-no[data-side="R"]')
    number.scroll_into_view_if_needed()
    number.evaluate(STEADY)
    number.click()
    write_finding(page, severity="Blocker", category="data", body="Each move commits on its own.")
    settled(page)
    (finding,) = desk.data("finding.added")
    assert (finding["file"], finding["side"], finding["line"], finding["end_line"]) == ("parcels/store.py", "R", 33, 33)
    assert (finding["severity"], finding["category"], finding["body"]) == ("blocker", "data", "Each move commits on its own.")
    assert finding["after_exercises"] is False
    first, last = (row(page, n).locator('.rk-no[data-side="R"]') for n in (28, 31))
    last.scroll_into_view_if_needed()
    first.evaluate(STEADY)
    first.hover()
    page.mouse.down()
    last.hover()
    page.mouse.up()
    write_finding(page)
    row(page, 12, "L").locator('.rk-no[data-side="L"]').click()
    write_finding(page)
    settled(page)
    places = [(f["side"], f["line"], f["end_line"]) for f in desk.data("finding.added")[1:]]
    assert places == [("R", 28, 31), ("L", 12, 12)]
    assert uncaught(page) == []


def press_keys_that_jupyter_knows(page: Page) -> None:
    """No key that is pressed inside the change reaches the notebook."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(len(made_workbook.notebook()["cells"]))  # drawn one by one
    kinds = page.evaluate(KINDS)
    rows = form(page, "change").locator(".rk-row").count()
    for place in (row(page, 8), form(page, "change").get_by_role("button", name="Split"), form(page, "probe").get_by_role("button")):
        place.scroll_into_view_if_needed()
        place.focus()
        for key in LEAKING_KEYS:
            if not (key == "Space" and place != row(page, 8)):
                page.keyboard.press(key)
    page.wait_for_timeout(500)
    assert page.evaluate(KINDS) == kinds
    assert form(page, "change").locator(".rk-row").count() == rows
    assert page.locator(".jp-Dialog").count() == 0


def save_an_empty_form(page: Page) -> None:
    """Severity, category and text are asked for."""
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    composer(page).get_by_role("button", name="Save finding").click()
    for message in ("Choose a severity.", "Choose a category.", "Say what is wrong."):
        expect(composer(page).get_by_text(message)).to_be_visible()
    expect(composer(page).get_by_label("Category")).to_have_attribute("aria-invalid", "true")
    composer(page).get_by_role("button", name="Discard").click()
    expect(composer(page)).to_have_count(0)


def test_a_remark_on_a_range_by_keyboard_alone(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.open(desk)
    form(page, "change").get_by_role("button", name="Comment on the whole change").focus()
    for _ in range(8):  # the files, then one Tab into the rows
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('rk-row')"):
            break
    page.keyboard.press("n")
    page.keyboard.press("p")
    page.keyboard.press("n")
    page.keyboard.press("j")
    page.keyboard.press("k")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("c")
    expect(composer(page)).to_be_visible()
    page.keyboard.press("ArrowRight")  # severity: from the first to the second choice
    page.keyboard.press("Tab")
    page.keyboard.type("conc")
    for _ in range(4):  # place, from, to, then the text
        page.keyboard.press("Tab")
    page.keyboard.type("Two writers meet here.")
    page.keyboard.press("Control+Enter")
    expect(composer(page)).to_have_count(0)
    assert page.evaluate("document.activeElement.classList.contains('rk-row')"), "focus returns to the row"
    settled(page)
    (finding,) = desk.data("finding.added")
    assert (finding["severity"], finding["category"], finding["body"]) == ("major", "concurrency", "Two writers meet here.")
    assert finding["end_line"] - finding["line"] == 3


def test_a_draft_survives_run_all(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.open(desk)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    row(page, 33).locator('.rk-no[data-side="R"]').click()
    composer(page).get_by_text("Minor", exact=True).click()
    composer(page).get_by_label("What is wrong").fill("Half written")
    before = composer(page).element_handle()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function("node => !node.isConnected", arg=before, timeout=60_000)
    expect(composer(page).get_by_label("What is wrong")).to_have_value("Half written", timeout=20_000)
    expect(composer(page).get_by_label("Minor")).to_be_checked()
    composer(page).get_by_label("Category").select_option("data")
    composer(page).get_by_role("button", name="Save finding").click()
    settled(page)
    assert [finding["body"] for finding in desk.data("finding.added")] == ["Half written"]


def test_findings_are_edited_deleted_listed_and_still_there_after_a_reload_as_is_what_was_not_sent_and_the_split_view(workplace: Workplace) -> None:
    desk = workplace.desk(rows=3200)
    page = workplace.open(desk)
    for line, body in ((19, "first"), (33, "second")):
        row(page, line).locator('.rk-no[data-side="R"]').click()
        write_finding(page, body=body)
    change = form(page, "change")
    change.get_by_role("button", name="Edit finding at parcels/store.py:19").click()
    composer(page).get_by_label("What is wrong").fill("first, better")
    page.keyboard.press("Control+Enter")
    change.get_by_role("button", name="Delete finding at parcels/store.py:33").click()
    change.get_by_role("button", name="Delete it").click()
    settled(page)
    assert desk.kinds == ["workbook.opened", "finding.added", "finding.added", "finding.edited", "finding.deleted"]
    wait_until(page, lambda: desk.document["metadata"]["reviewkit"]["record"]["count"] == 5)
    assert desk.document["metadata"]["reviewkit"]["record"]["events"] == desk.events
    change.get_by_role("button", name="Split").click()
    pair = change.locator(".rk-split", has_text="Answers come from memory")
    assert pair.locator(".rk-no").all_inner_texts() == ["15", "19"]
    expect(change.locator(".rk-remark")).to_be_visible()
    change.get_by_role("button", name="Unified").click()
    write_without_a_network(page, desk)
    change.get_by_role("button", name="Split").click()
    page.reload()
    drawn(page)
    settled(page)
    assert [finding["body"] for finding in desk.data("finding.added")] == ["first", "second", "remark on 8", "remark on 33"]
    expect(change.get_by_role("button", name="Split")).to_have_attribute("aria-pressed", "true")
    expect(change.locator(".rk-remark")).to_have_count(3)
    change.locator(".rk-findings").get_by_role("button").filter(has_text="first, better").click()
    assert page.evaluate("document.activeElement.textContent").find("first, better") >= 0
    assert desk.kinds.count("workbook.opened") == 1, "opening twice is one event"
    change.get_by_role("button", name="Unified").click()
    unfold_three_thousand_rows(page)


def write_without_a_network(page: Page, desk: Desk) -> None:
    """Two remarks that wait in the browser: they arrive after a reload."""

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/reviewkit/api/record/**", refuse)
    for line in (8, 33):
        row(page, line).locator('.rk-no[data-side="R"]').click()
        write_finding(page, body=f"remark on {line}")
    expect(form(page, "status").get_by_text("2 entries not sent, kept in this browser")).to_be_visible(timeout=DRAW_MS)
    expect(form(page, "change").locator(".rk-remark")).to_have_count(3)
    assert len(desk.data("finding.added")) == 2
    page.unroute("**/reviewkit/api/record/**", refuse)


def unfold_three_thousand_rows(page: Page) -> None:
    """A file beyond three thousand rows is folded until it is wanted."""
    change = form(page, "change")
    fold = change.get_by_role("button", name="parcels/values.py").and_(change.locator(".rk-fold"))
    expect(fold).to_have_attribute("aria-expanded", "false")
    assert change.locator(".rk-row").count() < 100
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    assert change.locator(".rk-row").count() > 3000
