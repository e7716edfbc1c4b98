"""Ways in that need no open workbook: a hirer's own JupyterLab has a card for the desk; an invite is opened from the palette."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_intake import token
from made_opening import BASE, LOGIN, Candidate
from playwright.sync_api import Browser, Page, expect
from workplace import DRAW_MS, install_extension, uncaught, watched

ROOT = Path(__file__).resolve().parents[2]
SLUG = "transactions"


@pytest.fixture(scope="module")
def hirer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    """Jupyter as a hirer starts it in the folder of a bank with its rubrics."""
    folder = tmp_path_factory.mktemp("hirer")
    install_extension(folder / "prefix")
    variables = {"JUPYTER_PATH": "prefix", "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    made = Candidate(folder, {name: str(folder / place) for name, place in variables.items()} | {"REVIEWKIT_REPO": "owner/site"}).prepare()
    for kind in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / kind / SLUG, made.root / kind / SLUG)
    shutil.rmtree(made.root / "scenarios" / "demo", ignore_errors=True)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield watched(context)
    context.close()


def run_from_palette(page: Page, words: str, label: str) -> None:
    page.keyboard.press("Control+Shift+C")
    box = page.locator(".lm-CommandPalette-input")
    expect(box).to_be_focused(timeout=DRAW_MS)
    box.fill(words)
    page.locator(".lm-CommandPalette-item").filter(has_text=label).first.click()


def test_the_launcher_has_a_card_for_the_desk_and_the_palette_opens_invites(hirer: Candidate, page: Page, tmp_path: Path) -> None:
    page.goto(f"http://127.0.0.1:{hirer.port}{BASE}lab/workspaces/hirer?token={LOGIN}")
    card = page.locator(".jp-LauncherCard").filter(has_text="Hiring Desk")
    expect(card).to_be_visible(timeout=DRAW_MS)
    page.screenshot(path=str(tmp_path / "launcher.png"))
    card.click()
    expect(page.get_by_role("dialog")).to_contain_text("is being opened")
    desk = page.locator(".rk-desk")
    expect(desk).to_be_visible(timeout=DRAW_MS)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(desk.get_by_label("Scenario").locator("option")).to_have_count(1)
    page.screenshot(path=str(tmp_path / "desk.png"))
    made = json.loads((hirer.root / "hiring-desk.ipynb").read_text())
    told = "".join("".join(cell["source"]) for cell in made["cells"])
    assert f"out = {str(hirer.root / 'reviewkit-out')!r}" in told
    assert "repo = 'owner/site'" in told
    assert hirer.json("POST", "api/desk", {}) == (201, {"path": "hiring-desk.ipynb"}), "the desk that runs is opened again"
    assert len(hirer.json("GET", "/api/sessions")[1]) == 1

    run_from_palette(page, "open an invite", "Open an Invite")
    page.get_by_label("Link of the invite").fill("https://nowhere.example.org/")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("This is no invite")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    run_from_palette(page, "open an invite", "Open an Invite")
    link = f"https://mybinder.org/v2/gh/owner/name/HEAD?urlpath=reviewkit%2Fopen%2F{token(1, slug='elsewhere')}"
    page.get_by_label("Link of the invite").fill(link)
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Open", exact=True).click()
    expect(popup.value.get_by_role("heading")).to_contain_text("does not have the scenario elsewhere")
    assert uncaught(page) == []
