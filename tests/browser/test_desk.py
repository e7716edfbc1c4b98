"""The hiring desk in a real JupyterLab: there without a cell run, worked by keyboard alone, named, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import made_submissions as made
import pytest
from access import faults
from playwright.sync_api import Browser, Page, expect
from workplace import DRAW_MS, Workplace, shown, switch_theme, uncaught

from reviewkit.bank import find_bank
from reviewkit.blocking import finished
from reviewkit.hiringserver import HiringServer, serve_notebook
from reviewkit.invite import read, token_of
from reviewkit.invite_store import InviteStore
from reviewkit.keyring import given_public_keys, public_text, read_keys

BANK = find_bank(made.ROOT)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("desk"), browser)
    yield place
    place.close()


@pytest.fixture(scope="module")
def served(office: Workplace) -> Iterator[HiringServer]:
    with pytest.MonkeyPatch.context() as patch:
        office.enter(patch)
        patch.setenv("REVIEWKIT_KEYS", str(office.folder / "keys"))
        patch.delenv("REVIEWKIT_STORE", raising=False)
        with serve_notebook("desk", {"out": str(office.folder / "out"), "repo": "owner/site"}, BANK) as server:
            yield server
    office.leave()


@pytest.fixture(scope="module")
def page(office: Workplace, served: HiringServer) -> Page:
    """The form is there without a cell run; tests go on in it."""
    page = office.page(width=1280, height=1500)
    shown(page, lambda: page.goto(served.url), ".rk-desk")
    return page


LAST = "transactions"
"""Where End leads to in the list of scenarios."""


def press_until(page: Page, key: str, holds: str) -> None:
    """Press a key until the focus is where it should be."""
    for _ in range(60):
        if page.evaluate(f"() => document.activeElement?.matches({holds!r})"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} never leads to {holds}")


def test_a_link_is_made_by_keyboard_alone_in_a_form_that_needed_no_cell_run(page: Page, office: Workplace) -> None:
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    desk = page.locator(".rk-desk")
    desk.get_by_label("Assesses").focus()  # where Tab from the cells above leads to
    page.keyboard.press("Tab")
    expect(desk.get_by_label("Level")).to_be_focused()
    page.keyboard.press("s")
    expect(desk.get_by_label("Level")).to_have_value("senior")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(desk.get_by_label("Scenario")).to_be_focused()
    page.keyboard.press("End")
    expect(desk).to_contain_text(f"reviewkit open {LAST} --preview", timeout=DRAW_MS)
    for label in ("Candidate's id", "Valid for days"):
        page.keyboard.press("Tab")
        expect(desk.get_by_label(label)).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text({"Candidate's id": "c-17", "Valid for days": "3"}[label])
    press_until(page, "Tab", "button")
    page.keyboard.press("Enter")
    expect(desk.get_by_role("status").filter(has_text="Link for c-17")).to_be_visible(timeout=DRAW_MS)
    link = desk.get_by_label("mybinder.org").input_value()
    keys = given_public_keys(public_text(read_keys(office.folder / "keys")))
    made_invite = read(token_of(link), keys)
    assert (made_invite.candidate, made_invite.slug, made_invite.exp - made_invite.iat) == ("c-17", LAST, 3 * 86400)
    stored = finished(InviteStore(f"sqlite+aiosqlite:///{office.folder / 'out' / 'store.sqlite'}").all())
    assert [known.invite for known in stored] == [made_invite]
    row = desk.get_by_role("row").filter(has_text="c-17")
    expect(row).to_contain_text("invited; comes as a file", timeout=DRAW_MS)
    page.keyboard.press("Shift+Tab")
    desk.get_by_label("Candidate's id").fill("a full name")
    desk.get_by_role("button", name="Make the link").click()
    expect(desk.get_by_role("alert")).to_contain_text("Not made: A candidate's id holds", timeout=DRAW_MS)
    desk.get_by_role("button", name="Score what was submitted").click()
    expect(desk.get_by_role("status").filter(has_text="Nothing new was submitted.")).to_be_visible(timeout=DRAW_MS)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells, "JupyterLab's own letters did not fire"
    assert uncaught(page) == []


def test_an_invite_that_is_out_is_changed_by_keyboard_alone(page: Page) -> None:
    desk = page.locator(".rk-desk")
    desk.get_by_label("Candidate's id").fill("c-31")
    desk.get_by_role("button", name="Make the link").click()
    row = desk.get_by_role("row").filter(has_text="c-31")
    expect(row).to_contain_text("invited", timeout=DRAW_MS)
    expect(desk.get_by_label("Invite", exact=True).locator("option").filter(has_text="c-31")).to_be_attached()
    desk.get_by_role("button", name="Score what was submitted").focus()
    page.keyboard.press("Tab")
    expect(desk.get_by_label("Invite", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")  # the newest stands first
    expect(desk.get_by_label("Invite", exact=True).locator("option:checked")).to_contain_text("c-31")
    page.keyboard.press("Tab")
    expect(desk.get_by_label("Days from now")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("200")
    page.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Give more time")).to_be_focused()
    until = row.inner_text()
    page.keyboard.press("Enter")
    expect(desk.get_by_role("status").filter(has_text="Link for c-31")).to_have_count(2, timeout=DRAW_MS)
    expect(row).not_to_have_text(until, timeout=DRAW_MS)
    desk.get_by_role("button", name="Withdraw…").focus()
    page.keyboard.press("Enter")
    expect(desk.get_by_role("alert").filter(has_text="The link for c-31")).to_be_visible(timeout=DRAW_MS)
    press_until(page, "Tab", "button.mod-danger")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("withdrawn", timeout=DRAW_MS)
    expect(desk.get_by_role("button", name="Withdraw for good")).to_be_hidden()
    assert uncaught(page) == []


def test_the_server_shows_nothing_but_this_notebook(page: Page, served: HiringServer) -> None:
    answer = page.request.get(f"{served.base_url}api/contents/", headers={"Authorization": f"token {served.token}"})
    assert [item["name"] for item in answer.json()["content"]] == ["desk.ipynb"]


def test_named_and_readable_in_both_themes(page: Page, tmp_path: Path) -> None:
    desk = page.locator(".rk-desk")
    desk.get_by_role("button", name="Look again").click()
    expect(desk.get_by_role("button", name="Look again")).to_be_focused()
    for theme in ("Light", "Dark"):
        switch_theme(page, theme)
        page.screenshot(path=tmp_path / f"desk-{theme.lower()}.png")
        assert faults(page, ".rk-desk") == [], theme
