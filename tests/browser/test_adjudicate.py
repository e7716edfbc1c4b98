"""The raters' notebook in a real JupyterLab: by keyboard alone, named for screen readers, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import made_results
import pytest
from access import faults
from playwright.sync_api import Browser, Page, expect
from workplace import DRAW_MS, Workplace, shown, switch_theme, uncaught

from reviewkit import decisions
from reviewkit.blocking import finished
from reviewkit.hiringserver import HiringServer, serve_notebook
from reviewkit.outfolder import OutFolder
from reviewkit.refresh import stale
from reviewkit.scorecard import Decision

SECRETS = (made_results.CANDIDATE, "cand-2", "jane", "noisy-1", "rater-two")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Workplace]:
    """A profile and an environment of its own; the server is the raters'."""
    place = Workplace(tmp_path_factory.mktemp("raters"), browser)
    yield place
    place.close()


@pytest.fixture(scope="module")
def folder(office: Workplace) -> OutFolder:
    return made_results.fresh(office.folder, office.folder / "own")


@pytest.fixture(scope="module")
def served(office: Workplace, folder: OutFolder) -> Iterator[HiringServer]:
    with pytest.MonkeyPatch.context() as patch:
        office.enter(patch)
        parameters = {"out": str(folder.root), "rater": "r1", "submission": "", "scope": "open"}
        with serve_notebook("adjudicate", parameters, made_results.BANK) as server:
            yield server
    office.leave()


@pytest.fixture(scope="module")
def page(office: Workplace, served: HiringServer) -> Page:
    """The form is there without a cell run; tests go on in it, each at the task that the one before left it at."""
    page = office.page(width=1400, height=1000)
    shown(page, lambda: page.goto(served.url), ".rk-adjudicate .rk-card")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=DRAW_MS)
    return page


@pytest.fixture(autouse=True)
def focused(page: Page) -> None:
    """The focus is on the form."""
    card = page.locator(".rk-adjudicate .rk-card")
    card.focus()
    expect(card).to_be_focused(timeout=DRAW_MS)


def title(page: Page) -> str:
    return page.locator(".rk-adjudicate .rk-title").inner_text()


def of_r1(folder: OutFolder) -> list[Decision]:
    held = finished(decisions.everything(folder.store_url))
    return sorted((d for said in held.values() for d in said), key=lambda d: d.time)


def step(page: Page, key: str = "j") -> None:
    """To the next task, or with `k` to the one before."""
    before = page.locator(".rk-card").get_attribute("aria-label") or ""
    page.keyboard.press(key)
    expect(page.locator(".rk-card")).not_to_have_attribute("aria-label", before, timeout=DRAW_MS)


def test_it_is_blind_and_shows_a_candidates_text_as_text(page: Page) -> None:
    read = [page.locator(".rk-adjudicate").inner_text()]
    while len(read) < 120 and not all(any(part in text for text in read) for part in ("<img src=x onerror=alert(1)>", "Which written level")):
        step(page)
        read.append(page.locator(".rk-adjudicate").inner_text())
    seen = "".join(read)
    assert "<img src=x onerror=alert(1)> <U+202E>txt <U+001B>[2J" in seen
    assert page.locator(".rk-adjudicate img").count() == 0
    for secret in SECRETS:
        assert secret not in seen
        assert secret not in page.content()
    for _ in read[1:]:
        step(page, "k")


def test_named_and_readable_in_both_themes(page: Page) -> None:
    page.keyboard.press("y")
    expect(page.get_by_label("Reason, a few words")).to_be_focused(timeout=DRAW_MS)
    for theme in ("Dark", "Light"):
        switch_theme(page, theme)
        assert faults(page, ".rk-adjudicate") == [], theme
    card = page.locator(".rk-adjudicate .rk-card")
    assert card.get_attribute("role") == "group"
    assert (card.get_attribute("aria-label") or "").startswith(title(page))
    for focusable in page.locator(".rk-adjudicate :is(button, input, textarea, select, [tabindex])").all():
        assert focusable.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_by_keyboard_alone(page: Page, folder: OutFolder) -> None:
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    first = title(page)
    page.keyboard.press("y")
    expect(page.get_by_label("Reason, a few words")).to_be_focused(timeout=DRAW_MS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("A decision needs a reason.", timeout=DRAW_MS)
    page.keyboard.insert_text("said in remark 3")
    page.keyboard.press("Enter")
    expect(page.locator(".rk-state")).to_have_text("Stored: pass.", timeout=DRAW_MS)
    expect(page.locator(".rk-adjudicate .rk-card")).to_be_focused(timeout=DRAW_MS)
    second = title(page)
    assert second != first
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator(".rk-state")).to_have_text("Stored: fail.", timeout=DRAW_MS)
    page.keyboard.press("u")
    expect(page.locator(".rk-state")).to_contain_text("Taken back", timeout=DRAW_MS)
    assert title(page) == second
    page.keyboard.press("j")
    expect(page.locator(".rk-title")).not_to_have_text(second, timeout=DRAW_MS)
    page.keyboard.press("k")
    expect(page.locator(".rk-title")).to_have_text(second, timeout=DRAW_MS)
    assert [(d.outcome, d.reason) for d in of_r1(folder)] == [
        ("pass", "said in remark 3"), ("fail", "said in remark 3"), ("withdrawn", "Taken back by the rater."),
    ]  # fmt: skip
    page.keyboard.press("f")
    expect(page.locator(".rk-state")).to_contain_text("up to date", timeout=DRAW_MS)
    assert stale(folder) == []
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells, "JupyterLab's own letters did not fire"
    assert uncaught(page) == []


def test_a_remark_is_given_to_another_flaw_and_escape_leaves_the_field(page: Page, folder: OutFolder) -> None:
    known = len(of_r1(folder))
    for _ in range(80):
        if title(page) == "A remark":
            break
        step(page)
    page.keyboard.press("m")
    expect(page.get_by_label("Which flaw of the key")).to_be_focused(timeout=DRAW_MS)
    page.keyboard.press("Enter")
    page.keyboard.insert_text("that one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Choose the flaw that is meant.", timeout=DRAW_MS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".rk-card")).to_be_focused(timeout=DRAW_MS)
    page.keyboard.press("Enter")
    expect(page.locator(".rk-state")).to_have_text("Stored: matched.", timeout=DRAW_MS)
    (made,) = of_r1(folder)[known:]
    assert (made.outcome, made.reason) == ("matched", "that one")
    assert made.defect


def test_the_server_shows_nothing_but_this_notebook(served: HiringServer, page: Page) -> None:
    answer = page.request.get(f"{served.base_url}api/contents/", headers={"Authorization": f"token {served.token}"})
    assert [item["name"] for item in answer.json()["content"]] == ["adjudicate.ipynb"]
    for path in ("..%2F", "..%2F..%2Fout%2Fstaged", "staged"):
        answer = page.request.get(f"{served.base_url}api/contents/{path}", headers={"Authorization": f"token {served.token}"})
        assert answer.status in (400, 403, 404), path
