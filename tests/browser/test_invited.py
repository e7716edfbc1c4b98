"""A candidate with nothing but a link: opens it on a fresh server, agrees, works, loses the network, hands in."""

from __future__ import annotations

import json
import random
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from access import faults
from axe_playwright_python.sync_playwright import Axe
from made_intake import PUBLIC, Intake, invite, token
from made_opening import BASE, LOGIN, Candidate
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect
from test_cli import reviewkit
from workplace import DRAW_MS, candidate_server, form, uncaught, wait_until, watched, write_finding

from reviewkit import base64url
from reviewkit.event import Event
from reviewkit.fileorder import drawn

SLUG = "transactions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    made = candidate_server(tmp_path_factory.mktemp("candidate"), SLUG).start()
    yield made
    made.stop()


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    (tmp_path / "intake").mkdir()
    with ThreadPoolExecutor(1) as aside:  # Playwright keeps an event loop in this thread
        made = aside.submit(Intake(tmp_path / "intake").start).result()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One for all: its cache holds the front ends after their first page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext) -> Iterator[Page]:
    page = watched(profile)
    yield page
    page.close()


def link(server: Candidate, number: int, address: str, ui: str = "") -> str:
    text = token(number, slug=SLUG, intake=address)
    return f"http://127.0.0.1:{server.port}{BASE}reviewkit/open/{text}?token={LOGIN}{ui}"


def choose(server: Candidate, theme: str) -> None:
    """The theme of pages that are loaded from now on."""
    file = server.folder / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"theme": theme}))


def shot(page: Page, tmp_path: Path, name: str) -> None:
    if name.startswith(("sent", "offline")):
        form(page, "status").locator(".rk-status-line").scroll_into_view_if_needed()
    page.screenshot(path=str(tmp_path / f"{name}.png"))


def delivery(page: Page) -> Locator:
    return form(page, "status").locator(".rk-delivery-text")


def reach(page: Page, name: str, most: int = 80) -> None:
    """Press Tab until the button of this name has the focus."""
    for _ in range(most):
        if page.evaluate("document.activeElement?.textContent") == name:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name} is not reached by Tab")


def agree_by_keyboard(page: Page) -> None:
    expect(page.get_by_role("button", name="I agree, begin")).to_be_visible(timeout=DRAW_MS)
    page.wait_for_timeout(500)
    reach(page, "I agree, begin")
    page.keyboard.press("Enter")
    expect(form(page, "status").locator(".rk-status-text")).to_have_text("Everything is recorded", timeout=20_000)
    assert page.evaluate("document.activeElement?.textContent") == "What you agreed to", "the focus stays where the eyes are"


def whole_change_finding(page: Page, body: str) -> None:
    page.get_by_role("button", name="Comment on the whole change").click()
    write_finding(page, body=body)


def stored(intake: Intake, number: int) -> list[dict[str, Any]]:
    answer = intake.ask("GET", f"/v1/records/{invite(number).id}", bearer=token(number, slug=SLUG, intake=intake.url))
    return list(answer.json["events"]) if answer.status == 200 else []


def bodies(intake: Intake, number: int) -> list[str]:
    return [event["data"]["body"] for event in stored(intake, number) if event["kind"] == "finding.added"]


def clean(page: Page) -> None:
    """No fault that axe knows in the first screen and the status line, which is said aloud in one place only."""
    assert faults(page, ".rk-status", ".rk-bar") == []
    assert page.locator(".rk-bar [role=status], .rk-status-line [role=status], .rk-status-line [aria-live]").count() == 1


def in_sight(page: Page, widths: tuple[int, ...]) -> None:
    """The whole line above the notebook at each width, with nothing cut off."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        bar = page.locator(".rk-bar")
        expect(bar).to_be_in_viewport(ratio=1)
        for part in bar.locator(".rk-status-text, .rk-delivery-text, .rk-watch-text, .rk-clock, button").filter(visible=True).all():
            expect(part).to_be_in_viewport(ratio=1)
            assert part.evaluate("e => e.scrollWidth <= e.clientWidth + 1 || getComputedStyle(e).display === 'inline'"), (part, width)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_from_the_link_to_the_receipt(server: Candidate, intake: Intake, page: Page, tmp_path: Path) -> None:
    choose(server, "JupyterLab Light")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.method} {request.url.partition('?')[0]}"))
    page.goto(link(server, 1, intake.url))
    first = form(page, "status")
    expect(first.get_by_role("heading", name="Before you begin")).to_be_visible(timeout=DRAW_MS)
    assert "/doc/workspaces/rk-" in page.url
    assert "token" not in page.url
    assert page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).reviewkitDesk") is None, "no desk here"
    assert server.ask("POST", "api/desk", {})[0] == 404
    expect(page.locator(".jp-Notebook")).to_contain_text("The time box is 60 minutes")
    expect(first.get_by_role("button", name="I agree, begin")).to_be_in_viewport(timeout=10_000)
    asked = [line for line in requests if "/reviewkit/api/grant" in line or f"/api/contents/{SLUG}" in line]
    assert "/reviewkit/api/grant" in asked[0], "asked before the notebook itself"
    assert [line for line in asked if "/grant" in line or line.startswith("PUT")] == asked[:1], "once, and nothing is saved that is not changed"
    for words in ("your remarks", "The people who invited you", intake.url, "90 days", "You may use an AI assistant", "60 minutes"):
        expect(first.locator(".rk-terms")).to_contain_text(words)
    expect(form(page, "claims").locator(".rk-locked")).to_contain_text("Before you begin")
    expect(form(page, "change").locator(".rk-row").first).to_be_attached(timeout=DRAW_MS)
    expect(page.get_by_role("button", name="Comment on the whole change")).to_be_disabled()
    clean(page)
    shot(page, tmp_path, "ask-light")
    first.get_by_role("button", name="I do not agree").click()
    expect(first).to_contain_text("Nothing was recorded")
    assert not server.journal(invite(1).id).read().events
    agree_by_keyboard(page)
    expect(delivery(page)).to_have_text("Sent", timeout=20_000)
    whole_change_finding(page, "Seen by the intake.")
    wait_until(page, lambda: bodies(intake, 1) == ["Seen by the intake."])
    expect(delivery(page)).to_have_text("Sent", timeout=20_000)
    assert [event["kind"] for event in stored(intake, 1)][:2] == ["consent.given", "workbook.opened"]
    shown = [path.replace("\n", "") for path in form(page, "change").locator(".rk-file .rk-fold").all_inner_texts()]
    assert shown == stored(intake, 1)[1]["data"]["files"] == list(drawn(shown, invite(1).seed)), "the record keeps the order"
    clean(page)
    shot(page, tmp_path, "sent-light")

    intake.stop()
    whole_change_finding(page, "Written without a network.")
    expect(delivery(page)).to_have_text("Offline: kept here, sent later", timeout=20_000)
    expect(page.locator(".rk-bar").get_by_role("status")).to_contain_text("Offline")
    expect(first.locator(".rk-status-text")).to_have_text("Everything is recorded")
    clean(page)
    shot(page, tmp_path, "offline-light")
    in_sight(page, (640, 1920))
    intake.start()
    first.get_by_role("button", name="Try again").click()
    expect(delivery(page)).to_have_text("Sent", timeout=40_000)
    expect(page.locator(".rk-bar").get_by_role("status")).to_have_text("Sent")
    assert bodies(intake, 1) == ["Seen by the intake.", "Written without a network."]

    probe = form(page, "probe")  # no setup cell was run
    probe.scroll_into_view_if_needed()
    probe.get_by_role("button", name="Run this probe").click()
    expect(form(page, "probe").locator(".rk-last")).to_contain_text("Last run", timeout=DRAW_MS)

    choose(server, "JupyterLab Dark")
    page.goto(link(server, 1, intake.url))  # a second visit
    expect(form(page, "change").get_by_text("Written without a network.").first).to_be_attached(timeout=DRAW_MS)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false", timeout=DRAW_MS)
    expect(delivery(page)).to_have_text("Sent", timeout=20_000)
    clean(page)
    shot(page, tmp_path, "sent-dark")

    end = form(page, "submit")
    end.scroll_into_view_if_needed()
    expect(first.locator(".rk-status-line")).not_to_be_in_viewport()
    expect(page.locator(".rk-bar")).to_be_in_viewport(ratio=1)
    page.locator(".rk-bar").get_by_role("button", name="What was recorded").click()
    expect(first.locator(".rk-log")).to_contain_text("Agreed to the first screen")
    expect(first.locator(".rk-record summary")).to_be_focused()
    end.scroll_into_view_if_needed()
    end.get_by_role("button", name="Submit my work…").click()
    end.get_by_role("button", name="Submit now").click()
    expect(end.get_by_role("status")).to_contain_text("Handed in. Receipt: r_", timeout=30_000)
    shot(page, tmp_path, "handed-in-dark")
    receipt = json.loads(intake.ask("GET", "/v1/submissions", bearer=intake.hiring).raw)["submissions"]
    assert len(receipt) == 1
    assert [fault for fault in uncaught(page) if "[anywidget]" not in fault] == [], "beside an import that a reload cut off"


def test_without_a_network_a_file_is_handed_in(server: Candidate, page: Page, tmp_path: Path) -> None:
    """In Notebook 7; the hiring side then adds the file to its intake."""
    choose(server, "JupyterLab Dark")
    page.goto(link(server, 2, "http://127.0.0.1:9", "&ui=notebook"))
    expect(page.get_by_role("button", name="I agree, begin")).to_be_visible(timeout=DRAW_MS)
    assert f"{BASE}notebooks/" in page.url
    shot(page, tmp_path, "ask-dark")
    page.get_by_role("button", name="I agree, begin").click()
    expect(delivery(page)).to_contain_text("Offline", timeout=20_000)
    in_sight(page, (640, 1920))
    shot(page, tmp_path, "offline-dark")
    whole_change_finding(page, "Only in the file.")
    end = form(page, "submit")
    end.scroll_into_view_if_needed()
    end.get_by_role("button", name="Submit my work…").click()
    end.get_by_role("button", name="Submit now").click()
    expect(end.get_by_role("status")).to_contain_text("reviewkit intake add FILE --invite", timeout=30_000)
    shot(page, tmp_path, "file-dark")
    with page.expect_download() as got:
        end.get_by_role("button", name="Download the notebook to hand in").click()
    file = tmp_path / got.value.suggested_filename
    got.value.save_as(file)
    assert file.name == f"{SLUG}-{invite(2).id}.ipynb"
    text = token(2, slug=SLUG, intake="http://127.0.0.1:9")
    place = ["--db", str(tmp_path / "late.sqlite"), "--pubkey", base64url.encode(PUBLIC)]
    done = reviewkit("intake", "add", str(file), "--invite", text, *place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is stored for c-2" in done.stdout
    assert "Only in the file." in file.read_text()
    assert token(2, slug=SLUG) not in file.read_text()


def test_a_server_that_is_killed_while_one_types_loses_and_doubles_nothing(
    server: Candidate, page: Page, burst_count: int, record_property: Callable[[str, object], None]
) -> None:
    """What the server confirmed is there after each kill, and in the end all that was typed, once and in order."""
    confirmed: set[str] = set()

    def heard(answer: Response) -> None:
        if answer.request.method == "POST" and "/reviewkit/api/record/" in answer.url and answer.ok:
            confirmed.add(json.loads(answer.request.post_data or "{}")["op"])

    page.on("response", heard)
    jupyters_own = page.locator(".jp-Dialog").last
    page.add_locator_handler(jupyters_own, lambda box: box.locator(".jp-Dialog-footer button").last.click(), no_wait_after=True)
    page.goto(link(server, 4, "", "&ui=notebook"))
    page.get_by_role("button", name="I agree, begin").click(timeout=DRAW_MS)
    status, chance, typed = page.locator(".rk-bar .rk-status-text"), random.Random(13), list[str]()

    def write(number: int) -> None:
        for _ in range(number):
            typed.append(f"Remark {len(typed)}")
            whole_change_finding(page, typed[-1])

    def kept() -> list[Event]:
        found = server.journal(invite(4).id).read()
        assert not [problem for problem in found.problems if problem.code != "torn"]
        return list(found.events)

    expect(status).to_have_text("Everything is recorded", timeout=DRAW_MS)
    for _ in range(max(1, burst_count // 2)):
        assert server.process is not None
        killer = threading.Timer(chance.random() * 2, server.stop, (signal.SIGKILL,))
        killer.start()
        while killer.is_alive():
            write(1)
        killer.join()
        write(2)
        assert confirmed <= {event.op for event in kept()}
        expect(status).to_have_text(re.compile("not sent, kept in this browser"))
        server.start()
        expect(status).to_have_text("Everything is recorded", timeout=DRAW_MS)
    events = kept()
    assert [event.data["body"] for event in events if event.kind == "finding.added"] == typed
    assert len({event.op for event in events}) == len(events)
    assert confirmed == {event.op for event in events}
    record_property("acknowledged", len(confirmed))


def test_a_bad_link_shows_its_page(server: Candidate, page: Page, tmp_path: Path) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    text = token(3, slug=SLUG, exp=10)
    answer = page.goto(f"http://127.0.0.1:{server.port}{BASE}reviewkit/open/{text}?token={LOGIN}")
    assert answer is not None and answer.status == 403
    expect(page.get_by_role("heading", name="This invite has expired.")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "620px", "its own style is let through"
    assert Axe().run(page).violations_count == 0
    shot(page, tmp_path, "expired-light")
    page.emulate_media(color_scheme="dark")
    shot(page, tmp_path, "expired-dark")
    assert [url for url in requests if "favicon" not in url] == [answer.url]
